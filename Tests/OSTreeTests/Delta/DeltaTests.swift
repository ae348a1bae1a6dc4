// SPDX-License-Identifier: Apache-2.0
import Codec
import Cryptography
import Linux
import OSTree
import Support
import Testing

@Suite struct DeltaTests {
  static let folder =
    "deltas/eo/vNegD9sVjtbHnw1HjHZh3Cmb1QWOAlPNQIupRGey0-u9cjWN__3grWcG+Kmr72561mb2ZdhbpaA9f1Rw2c5dc"
  static let index = "delta-indexes/u9/cjWN__3grWcG+Kmr72561mb2ZdhbpaA9f1Rw2c5dc.index"
  static let scratchFolder = "deltas/u9/cjWN__3grWcG+Kmr72561mb2ZdhbpaA9f1Rw2c5dc"

  static func name() throws -> DeltaName {
    DeltaName(
      from: try Golden.checksum(Golden.firstSigned), to: try Golden.checksum(Golden.secondSigned))
  }

  /// Every plain superblock there is.
  static func superblocks() throws -> [[UInt8]] {
    [
      try Golden.bytes("\(folder)/superblock", in: "signed-repo"),
      try Golden.bytes("\(scratchFolder)/superblock", in: "signed-repo"),
      try Golden.bytes("delta-inline.bin"), try Golden.bytes("delta-raw-inline.bin"),
    ]
  }

  @Test func `a delta lies where ostree puts it`() throws {
    let name = try Self.name()
    #expect(name.directory == Self.folder)
    #expect(name.superblockPath == "\(Self.folder)/superblock")
    #expect(name.partPath(10) == "\(Self.folder)/10")
    #expect(DeltaName(from: nil, to: name.to).directory == Self.scratchFolder)
    #expect(DeltaName.indexPath(to: name.to) == Self.index)
  }

  @Test func `names of deltas are read as they are written`() throws {
    let name = try Self.name()
    #expect(name.text == "\(Golden.firstSigned)-\(Golden.secondSigned)")
    #expect(DeltaName(name.text) == name)
    #expect(DeltaName(Golden.secondSigned) == DeltaName(from: nil, to: name.to))
    for text in ["", "-", "\(name.text)-", "-\(Golden.secondSigned)", "\(Golden.secondSigned)-"] {
      #expect(DeltaName(text) == nil)
    }
  }

  @Test func `a superblock is read from a file as it is from memory`() throws {
    let folder = try TemporaryDirectory("superblock")
    for bytes in try Self.superblocks() + [Golden.bytes("delta-signed.bin")] {
      try folder.write(bytes, to: "superblock")
      let file = try Shared(FileDescriptor.open(folder.file("superblock")))
      let found = try DeltaSuperblock(file, path: "superblock")
      let expected = try DeltaSuperblock(parsing: bytes)
      #expect(found.name == expected.name && found.checksum() == SHA256.hash(bytes))
      let (part, expectedPart) = try (found.part(at: 0), expected.part(at: 0))
      #expect(part.checksum == expectedPart.checksum)
      for index in 0..<part.objectCount {
        #expect(part.object(at: index) == expectedPart.object(at: index))
      }
      #expect(try found.inlinePart(0)?.byteCount == expected.inlinePart(0)?.byteCount)
    }
  }

  @Test func `the superblock between two commits says what its part holds`() throws {
    let name = try Self.name()
    let superblock = try DeltaSuperblock(parsing: Self.superblocks()[0])
    #expect(superblock.name == name)
    #expect(
      try superblock.commit.bytes
        == Golden.object(ObjectName(name.to, .commit), in: "signed-repo"))
    #expect(superblock.fallbackCount == 0)
    #expect(superblock.partCount == 1)
    let part = try superblock.part(at: 0)
    let stored = try Golden.bytes(name.partPath(0), in: "signed-repo")
    #expect(part.storedBytes == UInt64(stored.count) && stored.count == 9753)
    // Of the objects that come out of it, not of the part itself.
    #expect(part.unpackedBytes == 270_972)
    #expect(part.checksum == SHA256.hash(stored))
    let names = try Set(Golden.objects(in: "signed-repo").map(\.name))
    #expect(part.objectCount > 6)
    for index in 0..<part.objectCount { #expect(names.contains(part.object(at: index))) }
    #expect(try superblock.inlinePart(0) == nil)
  }

  @Test func `a part may be inside`() throws {
    let packed = try DeltaSuperblock(parsing: Golden.bytes("delta-inline.bin"))
    let inside = try #require(try packed.inlinePart(0))
    let stored = try Golden.bytes("\(Self.folder)/0", in: "signed-repo")
    #expect(inside.compression == UInt8(ascii: "x") && stored[0] == inside.compression)
    #expect(try UInt64(inside.byteCount) + 1 == packed.part(at: 0).storedBytes)
    let raw = try DeltaSuperblock(parsing: Golden.bytes("delta-raw-inline.bin"))
    let unpacked = try #require(try raw.inlinePart(0))
    #expect(unpacked.compression == 0 && unpacked.byteCount == 17787)
    #expect(try raw.inlinePart(1) == nil)
  }

  @Test func `the index lists the deltas that lead to its commit`() throws {
    let bytes = try Golden.bytes(Self.index, in: "signed-repo")
    let index = try DeltaIndex(parsing: bytes)
    #expect(index.dictionary.value.serialized() == bytes)
    let deltas = try #require(index.deltas)
    let name = try Self.name()
    #expect(deltas.count == 2)
    #expect(
      try deltas.lookup(name)?.hex
        == "765a900860f7f18f273e7b65945aeb189e67d2640efae8708878ea0093fcf26a")
    #expect(
      try deltas.lookup(DeltaName(from: nil, to: name.to))?.hex
        == "528f1ffae08ae0f059d43c075f6635309c9fb46f9f3748e39ad4ba40634aebea")
    #expect(try DeltaIndex(parsing: []).deltas == nil)
  }

  @Test func `a signed superblock is a frame around a plain one`() throws {
    let bytes = try Golden.bytes("delta-signed.bin")
    let superblock = try DeltaSuperblock(parsing: bytes)
    #expect(try superblock.name == Self.name())
    #expect(superblock.signatures?.ed25519Signatures.count == 1)
    #expect(try superblock.inlinePart(0) != nil)
    for plain in try Self.superblocks() {
      #expect(try DeltaSuperblock(parsing: plain).signatures == nil)
    }
    #expect(throws: FormatError.self) {
      try DeltaSuperblock(parsing: [UInt8(ascii: "P")] + bytes.dropFirst())
    }
  }
}

/// Superblocks that no tool makes.
@Suite struct OddDeltaTests {
  struct Parts {
    var order: [(String, GVariantValue)] = [("ostree.endianness", .byte(UInt8(ascii: "l")))]
    var to: [UInt8]?
    var recursion: [UInt8] = []
    var version: UInt32 = 0
    var objects: [UInt8] = [1] + DirTreeTests.a.bytes
    var stored: UInt64 = 100
    var unpacked: UInt64 = 200
    var fallbackType: UInt8 = 1
  }

  static func read(_ parts: Parts) throws(FormatError) -> DeltaSuperblock {
    let commit = try CommitTests.commit()
    let value = GVariantValue.tuple([
      .dictionary(parts.order), .bigEndian(UInt64(5)), .bytes([]),
      .bytes(parts.to ?? commit.checksum.bytes),
      .tuple([
        .dictionary([]), .bytes([]), .array(elementType: "(say)", []), .string("s"), .string("b"),
        .bigEndian(UInt64(7)), .bytes(DirTreeTests.a.bytes), .bytes(DirTreeTests.b.bytes),
      ]),
      .bytes(parts.recursion),
      .array(
        elementType: "(uayttay)",
        [
          .tuple([
            .uint32(parts.version), .bytes(DirTreeTests.c.bytes), .uint64(parts.stored),
            .uint64(parts.unpacked), .bytes(parts.objects),
          ])
        ]),
      .array(
        elementType: "(yaytt)",
        [
          .tuple([
            .byte(parts.fallbackType), .bytes(DirTreeTests.b.bytes), .uint64(3), .uint64(4),
          ])
        ]),
    ])
    return try DeltaSuperblock(parsing: value.serialized())
  }

  static func refusal(_ change: (inout Parts) -> Void) -> FormatError? {
    var parts = Parts()
    change(&parts)
    do throws(FormatError) {
      _ = try read(parts)
      return nil
    } catch { return error }
  }

  @Test func `what does not fit together is refused`() {
    #expect(Self.refusal { _ in } == nil)
    #expect(Self.refusal { $0.to = DirTreeTests.a.bytes } == .delta)
    #expect(Self.refusal { $0.recursion = [1] } == .delta)
    #expect(Self.refusal { $0.version = 1 } == .delta)
    #expect(Self.refusal { $0.objects = [1, 2] } == .delta)
    #expect(Self.refusal { $0.objects[0] = 6 } == .delta)
    #expect(Self.refusal { $0.objects[0] = 0 } == .delta)
    #expect(Self.refusal { $0.fallbackType = 5 } == .delta)
    #expect(Self.refusal { $0.to = [1] } == .checksumLength(1))
    let key = "ostree.endianness"
    #expect(Self.refusal { $0.order = [(key, .byte(0))] } == .key(key))
    #expect(Self.refusal { $0.order = [(key, .string("l"))] } == .key(key))
  }

  @Test func `sizes are in the byte order that the superblock names`() throws {
    var parts = Parts()
    let plain = try Self.read(parts)
    #expect(try plain.part(at: 0).storedBytes == 100 && plain.part(at: 0).unpackedBytes == 200)
    #expect(
      try plain.fallback(at: 0).archivedBytes == 3 && plain.fallback(at: 0).unpackedBytes == 4)
    #expect(try plain.part(at: 0).object(at: 0) == ObjectName(DirTreeTests.a, .file))
    #expect(plain.timestamp == 5)
    parts.order = [("ostree.endianness", .byte(UInt8(ascii: "B")))]
    #expect(try Self.read(parts).part(at: 0).storedBytes == UInt64(100).byteSwapped)
  }

  @Test func `without a named byte order sizes that cannot be are swapped`() throws {
    var parts = Parts()
    parts.order = []
    #expect(try Self.read(parts).part(at: 0).storedBytes == 100)
    (parts.stored, parts.unpacked) = (UInt64(100).byteSwapped, UInt64(200).byteSwapped)
    #expect(try Self.read(parts).part(at: 0).storedBytes == 100)
    (parts.stored, parts.unpacked) = (300, 200)
    #expect(try Self.read(parts).part(at: 0).storedBytes == UInt64(300).byteSwapped)
  }

  @Test func `detached metadata may come along`() throws {
    let name = DeltaName(from: nil, to: try CommitTests.commit().checksum)
    var parts = Parts()
    let signature = [UInt8](repeating: 9, count: 64)
    parts.order.append(
      (name.commitMetaKey, .dictionary([("ostree.sign.ed25519", .byteStrings([signature]))])))
    #expect(try Self.read(parts).detachedMetadata()?.ed25519Signatures == [signature])
    #expect(try Self.read(Parts()).detachedMetadata() == nil)
  }
}
