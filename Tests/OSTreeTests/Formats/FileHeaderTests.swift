// SPDX-License-Identifier: Apache-2.0
import Codec
import Cryptography
import OSTree
import Testing

@Suite struct FileHeaderTests {
  static let plain = FileHeader(
    uid: 0, gid: 0, mode: 0o100755, symlinkTarget: "", xattrs: [])
  static let link = FileHeader(
    uid: 0, gid: 0, mode: 0o120777, symlinkTarget: "../usr/share/a.txt", xattrs: [])
  static let special = FileHeader(
    uid: 1000, gid: 100, mode: 0o104755, symlinkTarget: "",
    xattrs: [
      // Handed over in the wrong order: what is written is sorted.
      ExtendedAttribute(name: Array("user.zz".utf8), value: Array("one".utf8)),
      ExtendedAttribute(name: Array("user.mm".utf8), value: [0x00, 0xff]),
    ])

  static let known: [(FileHeader, hashed: String, archived: String, UInt64)] = [
    (
      plain, "0000001200000000 0000000000000000 000081ed00000000 0011",
      "0000001a00000000 0000000000000006 0000000000000000 000081ed00000000 0019", 6
    ),
    (
      link,
      "0000002400000000 0000000000000000 0000a1ff00000000"
        + "2e2e2f7573722f73686172652f612e747874 0023",
      "0000002c00000000 0000000000000000 0000000000000000 0000a1ff00000000"
        + "2e2e2f7573722f73686172652f612e747874 002b", 0
    ),
    (
      special,
      "0000002b00000000 000003e800000064 000089ed00000000 00"
        + "757365722e6d6d0000ff08 757365722e7a7a006f6e6508 0b1711",
      "0000003300000000 0000000000000002 000003e800000064 000089ed00000000 00"
        + "757365722e6d6d0000ff08 757365722e7a7a006f6e6508 0b1719", 2
    ),
  ]

  @Test(arguments: known.indices) func `headers are written as ostree writes them`(index: Int) {
    let (header, hashed, archived, size) = Self.known[index]
    #expect(header.contentStreamHeader() == hex(hashed))
    #expect(header.archiveHeader(sizeBytes: size) == hex(archived))
  }

  @Test(arguments: known.indices) func `archive headers are read as ostree means them`(
    index: Int
  ) throws {
    let (header, _, archived, size) = Self.known[index]
    let parsed = try FileHeader.parseArchive(Array(hex(archived).dropFirst(8)))
    #expect(parsed.sizeBytes == size)
    #expect(parsed.header.contentStreamHeader() == header.contentStreamHeader())
    #expect(parsed.header.xattrs.map(\.name).first == header.xattrs.last?.name)
  }

  /// `user.ostreemeta` of the file with extended attributes, as 2022.7 wrote it.
  @Test func `the header of bare-user repos is read and written`() throws {
    let bytes = hex(
      "000003e800000064000089ed757365722e6d6d0000ff08757365722e7a7a006f6e65080b17")
    #expect(Self.special.userMetadata() == bytes)
    let parsed = try FileHeader(parsingUserMetadata: bytes)
    #expect(parsed.contentStreamHeader() == Self.special.contentStreamHeader())
    #expect(
      try FileHeader(parsingUserMetadata: hex("0000000000000000000081a4"))
        == FileHeader(uid: 0, gid: 0, mode: 0o100644, symlinkTarget: "", xattrs: []))
  }

  /// A bare-user repo has the target in the file, so the header is complete only with it. The
  /// checksum is that of the same link in the tiny archive repo.
  @Test func `the checksum of a link in a bare-user repo is that of its archive form`() throws {
    var header = try FileHeader(parsingUserMetadata: Self.link.userMetadata())
    #expect(header.symlinkTarget.isEmpty)
    header.symlinkTarget = Self.link.symlinkTarget
    #expect(
      SHA256.hash(header.contentStreamHeader()).hex
        == "1392cd2cb77a8f767f49a26024d5e4d9a00e5ba8b64bf22d3da2b02e69dd3a6d")
  }

  @Test func `the checksum with extended attributes is the one that ostree found`() {
    let checksum = SHA256.hash(Self.special.contentStreamHeader() + Array("x\n".utf8))
    #expect(checksum.hex == "d9770aeaac1e218dc48f3ad887c698438df01bae3b2d955f70f00400b73e0498")
  }

  /// Refs `x` and `xc` of the golden repo are the same tree without and with
  /// `--canonical-permissions`; content of a bare-user-only repo is named like the second.
  @Test func `the checksum with canonical permissions is the one that ostree found`() throws {
    let canonical = Self.special.canonicalised
    #expect(canonical.mode == 0o100755)
    let checksum = SHA256.hash(canonical.contentStreamHeader() + Array("x\n".utf8))
    #expect(checksum.hex == "d125cb0beb578a622260c0dab2a97ee85f3b1d8e67bf69f66ee9f88c928bf0d7")
    #expect(Self.link.canonicalised == Self.link)
    let tree = try DirTree(
      parsing: Golden.object(
        ObjectName(
          try Golden.checksum("1efbb6f9f25fe57e83a3d61b03430dfb17e9aad899322e79d92b8d8808fb3830"),
          .dirTree), in: "xattr-repo"))
    #expect(tree.findFile("f") == checksum)
    let directory = DirMeta(
      uid: 1000, gid: 100, mode: 0o041777,
      xattrs: [ExtendedAttribute(name: Array("user.dir".utf8), value: [0x64])])
    #expect(SHA256.hash(directory.canonicalised.serialized()) == tree.findDirectory("d")?.meta)
  }

  @Test(arguments: [
    (UInt32(0o040755), FormatError.mode(0o040755)), (0o020644, .mode(0o020644)),
    (0o644, .mode(0o644)), (0o100644 | 1 << 16, .mode(0o100644 | 1 << 16)),
  ])
  func `modes that no content has are refused`(mode: UInt32, error: FormatError) {
    let header = FileHeader(uid: 0, gid: 0, mode: mode, symlinkTarget: "", xattrs: [])
    #expect(refusal(header, 0) == error)
    let user = header.userMetadata()
    let result = Result { () throws(FormatError) in try FileHeader(parsingUserMetadata: user) }
    #expect(result == .failure(error))
  }

  @Test func `links and sizes that make no sense are refused`() {
    func link(_ target: String) -> FileHeader {
      FileHeader(uid: 0, gid: 0, mode: 0o120777, symlinkTarget: target, xattrs: [])
    }
    #expect(refusal(link(""), 0) == .symlinkTarget)
    #expect(refusal(link(String(repeating: "a", count: 4096)), 0) == .symlinkTarget)
    #expect(refusal(link(String(repeating: "a", count: 4095)), 0) == nil)
    #expect(refusal(link("a"), 1) == .size)
    let pointing = FileHeader(uid: 0, gid: 0, mode: 0o100644, symlinkTarget: "a", xattrs: [])
    #expect(refusal(pointing, 0) == .symlinkTarget)
  }

  @Test func `a device number is refused`() {
    let value = GVariantValue.tuple([
      .uint64(0), .uint32(0), .uint32(0), .bigEndian(UInt32(0o100644)), .bigEndian(UInt32(7)),
      .string(""), .array(elementType: "(ayay)", []),
    ])
    #expect(refusal(value.serialized()) == .device(7))
  }

  static let badNames: [([String], FormatError)] = [
    (["user.b", "user.a"], .attributeOrder(at: 1)), (["user.a", "user.a"], .attributeOrder(at: 1)),
    ([""], .attributeName(at: 0)), (["user.a", "user.b\0c"], .attributeName(at: 1)),
  ]

  @Test(arguments: badNames)
  func `extended attributes out of order, doubled or without a name are refused`(
    names: [String], error: FormatError
  ) {
    let list = GVariantValue.array(
      elementType: "(ayay)",
      names.map { .tuple([.bytes(Array($0.utf8) + [0]), .bytes([1])]) })
    let header = GVariantValue.tuple([
      .uint64(0), .uint32(0), .uint32(0), .bigEndian(UInt32(0o100644)), .uint32(0), .string(""),
      list,
    ])
    #expect(refusal(header.serialized()) == error)
    let directory = GVariantValue.tuple([
      .uint32(0), .uint32(0), .bigEndian(UInt32(0o040755)), list,
    ]).serialized()
    let result = Result { () throws(FormatError) in try DirMeta(parsing: directory) }
    #expect(result == .failure(error))
  }

  @Test func `the name of an extended attribute ends in a NUL`() {
    let header = GVariantValue.tuple([
      .uint64(0), .uint32(0), .uint32(0), .bigEndian(UInt32(0o100644)), .uint32(0), .string(""),
      .array(elementType: "(ayay)", [.tuple([.bytes(Array("user.a".utf8)), .bytes([1])])]),
    ])
    #expect(refusal(header.serialized()) == .attributeName(at: 0))
  }

  static let otherModes: [UInt32] = [0o100755, 0o120777, 0o755, 0o040755 | 1 << 20]

  @Test(arguments: otherModes)
  func `a directory's mode is a directory's`(mode: UInt32) {
    let bytes = DirMeta(uid: 0, gid: 0, mode: mode, xattrs: []).serialized()
    let result = Result { () throws(FormatError) in try DirMeta(parsing: bytes) }
    #expect(result == .failure(.mode(mode)))
  }

  private func refusal(_ header: FileHeader, _ size: UInt64) -> FormatError? {
    refusal(Array(header.archiveHeader(sizeBytes: size).dropFirst(8)))
  }

  private func refusal(_ bytes: [UInt8]) -> FormatError? {
    do throws(FormatError) { _ = try FileHeader.parseArchive(bytes) } catch { return error }
    return nil
  }
}
