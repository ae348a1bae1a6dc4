// SPDX-License-Identifier: Apache-2.0
import Codec
import Cryptography
import Foundation
import Linux
import Support
import Testing

@testable import OSTree

/// Each operation of a part, alone and with others.
@Suite struct DeltaOperationTests {
  @Test func `S makes whole objects`() throws {
    let part = try PartFixture()
    let meta = DirMeta(uid: 1, gid: 2, mode: 0o040755, xattrs: []).serialized()
    let header = FileHeader(
      uid: 7, gid: 8, mode: 0o104755, symlinkTarget: "", xattrs: part.attributes[1])
    var link = FileHeader(uid: 0, gid: 0, mode: 0o120777, symlinkTarget: "", xattrs: [])
    link.symlinkTarget = "../target"
    let content = Array("content".utf8)
    let empty = PartFixture.name(PartFixture.plain, [])
    part.objects = [
      ObjectName(SHA256.hash(meta), .dirMeta), PartFixture.name(header, content),
      PartFixture.name(link, []), empty,
    ]
    part.run("S", UInt64(meta.count), part.add(meta))
    part.run("S", 2, 1, 7, part.add(content))
    part.run("S", 1, 0, 9, part.add(Array("../target".utf8)))
    part.run("S", 0, 0, 0, 0)
    #expect(try part.apply() == nil)
    #expect(try part.staging.loadBytes(part.objects[0]) == meta)
    let file = try part.made(part.objects[1])
    #expect(file.header == header && file.content == content)
    #expect(try part.made(part.objects[2]).header.symlinkTarget == "../target")
    #expect(try part.made(empty).content == [])
    // Once more: all of it is here.
    #expect(try part.apply() == nil)
  }

  @Test(arguments: [RepoMode.bare, .bareUser, .bareUserOnly])
  func `o, w, r, R and c make a file of pieces`(_ mode: RepoMode) throws {
    let part = try PartFixture(mode)
    let old = PartFixture.oldContent
    let content = Array("new ".utf8) + old[3..<20] + Array("and".utf8) + old
    part.objects = [PartFixture.name(PartFixture.plain, content)]
    let source = part.add(part.old.checksum.bytes)
    let new = part.add(Array("new and".utf8))
    part.run("r", source)
    part.run("R")
    part.run("o", 0, 0, UInt64(content.count))
    part.run("w", 4, new)
    part.run("r", source)
    part.run("w", 17, 3)
    part.run("w", 0, 40)
    part.run("R")
    part.run("w", 3, new + 4)
    part.run("r", source)
    part.run("w", UInt64(old.count), 0)
    part.run("c")
    #expect(try part.apply() == nil)
    #expect(try part.made(part.objects[0]).content == content)
  }

  @Test func `c lets go of the source`() throws {
    let part = try PartFixture()
    let first = Array("ab".utf8)
    part.objects = [
      PartFixture.name(PartFixture.plain, Array(PartFixture.oldContent[..<2])),
      PartFixture.name(PartFixture.plain, first),
    ]
    let source = part.add(part.old.checksum.bytes)
    let new = part.add(first)
    for (offset, operation) in [(UInt64(0), "r"), (new, "")] {
      if operation == "r" { part.run("r", source) }
      part.run("o", 0, 0, 2)
      part.run("w", 2, offset)
      part.run("c")
    }
    #expect(try part.apply() == nil)
    #expect(try part.made(part.objects[1]).content == first)
  }

  @Test func `B makes a file of an old one and a patch`() throws {
    let part = try PartFixture()
    let old = PartFixture.oldContent
    // Five bytes one higher, two new ones, back by three; then from before the front of the old
    // file, and from behind its end, where there is nothing to add to.
    var content = old[..<5].map { $0 &+ 1 } + Array("XY".utf8) + old[2..<6]
    content += Array("123".utf8) + [old[0]] + Array("z".utf8) + Array("4567".utf8)
    var patch = PartFixture.step(5, 2, -3) + [1, 1, 1, 1, 1] + Array("XY".utf8)
    patch += PartFixture.step(4, 0, -9) + [0, 0, 0, 0]
    patch += PartFixture.step(4, 1, 1000) + Array("123".utf8) + [0] + Array("z".utf8)
    patch += PartFixture.step(4, 0, 0) + Array("4567".utf8)
    part.objects = [PartFixture.name(PartFixture.plain, content)]
    let source = part.add(part.old.checksum.bytes)
    let place = part.add(patch)
    part.run("r", source)
    part.run("o", 0, 0, UInt64(content.count))
    part.run("B", place, UInt64(patch.count))
    part.run("c")
    #expect(try part.apply() == nil)
    #expect(try part.made(part.objects[0]).content == content)
  }

  /// What is wrong, the operations, and what becomes of it.
  static let hostile: [(String, [UInt8], DeltaFault)] = [
    ("unknown", [0x78], .operation(0x78)),
    ("nothing is open", [0x77, 1, 0], .arguments(operation: 0x77)),
    ("nothing to close", [0x63], .arguments(operation: 0x63)),
    ("nothing to patch", [0x42, 0, 1], .arguments(operation: 0x42)),
    ("no arguments", [0x53], .arguments(operation: 0x53)),
    ("an endless number", endless, .arguments(operation: 0x53)),
    ("a mode that is not there", [0x53, 3, 0, 1, 0], .arguments(operation: 0x53)),
    ("attributes that are not there", [0x53, 0, 2, 1, 0], .arguments(operation: 0x53)),
    ("behind the payload", [0x53, 0, 0, 1, 100], .arguments(operation: 0x53)),
    ("more than the payload", [0x53, 0, 0, 101, 0], .arguments(operation: 0x53)),
    ("a sum that overflows", overflowing, .arguments(operation: 0x53)),
    ("open twice", [0x6F, 0, 0, 1, 0x6F], .arguments(operation: 0x6F)),
    ("S inside o", [0x6F, 0, 0, 1, 0x53], .arguments(operation: 0x53)),
    ("never closed", [0x6F, 0, 0, 1], .count),
    ("a link of pieces", [0x6F, 1, 0, 1], .arguments(operation: 0x6F)),
    ("an empty link", [0x53, 1, 0, 0, 0], .arguments(operation: 0x53)),
    ("no source", [0x6F, 0, 0, 1, 0x42, 0, 24], .arguments(operation: 0x42)),
    ("a source behind the payload", [0x72, 69], .arguments(operation: 0x72)),
    ("nothing at all", [], .count),
  ]
  static let endless: [UInt8] = [0x53] + [UInt8](repeating: 0xFF, count: 12) + [0]
  static let overflowing: [UInt8] = [0x53, 0, 0, 2] + [UInt8](repeating: 0xFF, count: 9) + [1]

  @Test(arguments: hostile.indices)
  func `operations that make no sense are named, and leave nothing`(_ index: Int) throws {
    let (what, operations, fault) = Self.hostile[index]
    let part = try PartFixture()
    part.payload = [UInt8](repeating: 7, count: 100)
    part.objects = [PartFixture.name(PartFixture.plain, [1, 2, 3])]
    part.operations = operations
    #expect(try part.apply() == .unusable(fault), "\(what)")
    #expect(try !part.staging.contains(part.objects[0]))
  }

  @Test func `a file that is not what it should be is not kept`() throws {
    let wanted = PartFixture.name(PartFixture.plain, [1, 2, 3])
    let size = DeltaError.unusable(.content(wanted, .size))
    for (size, written, fault) in [
      (UInt64(3), UInt64(3), nil), (3, 2, size), (2, 3, size), (1 << 62, 3, size),
    ] as [(UInt64, UInt64, DeltaError?)] {
      let part = try PartFixture()
      part.objects = [wanted]
      part.run("o", 0, 0, size)
      part.run("w", written, part.add([1, 2, 4]))
      part.run("c")
      let found = try part.apply()
      if let fault {
        #expect(found == fault)
      } else {
        let checksum = PartFixture.name(PartFixture.plain, [1, 2, 4]).checksum
        #expect(found == .unusable(.object(wanted, found: checksum)))
      }
      #expect(try !part.staging.contains(wanted))
    }
  }

  @Test func `a source must be a whole file that is here`() throws {
    let part = try PartFixture()
    part.objects = [PartFixture.name(PartFixture.plain, [1])]
    part.run("r", part.add(DirTreeTests.a.bytes))
    part.run("o", 0, 0, 1)
    part.run("w", 1, 0)
    let missing = ObjectName(DirTreeTests.a, .file)
    #expect(try part.apply() == .unusable(.source(missing)))
    part.payload = part.old.checksum.bytes
    part.operations = []
    part.run("r", 0)
    part.run("o", 0, 0, 1)
    part.run("w", 1, UInt64(PartFixture.oldContent.count))
    #expect(try part.apply() == .unusable(.arguments(operation: 0x77)))
  }

  @Test func `patches that lie are refused`() throws {
    let patches = [
      PartFixture.step(-1, 0, 0), PartFixture.step(0, -1, 0), PartFixture.step(11, 0, 0),
      PartFixture.step(0, 11, 0), PartFixture.step(6, 5, 0), PartFixture.step(.max, .max, 0),
      PartFixture.step(4, 4, 0) + [1], PartFixture.step(0, 0, .max) + PartFixture.step(0, 0, .max),
      [1, 2, 3], PartFixture.step(0, 0, .min + 1) + PartFixture.step(0, 0, .min + 1),
    ]
    for patch in patches {
      let part = try PartFixture()
      part.objects = [PartFixture.name(PartFixture.plain, [1])]
      let source = part.add(part.old.checksum.bytes)
      let place = part.add(patch)
      part.run("r", source)
      part.run("o", 0, 0, 10)
      part.run("B", place, UInt64(patch.count))
      part.run("c")
      #expect(try part.apply() == .unusable(.arguments(operation: 0x42)), "\(patch)")
    }
  }

  @Test func `commits do not travel in parts, and strange files not at all`() throws {
    let part = try PartFixture()
    part.modes = [(0, 0, 0o020644)]
    part.objects = [ObjectName(DirTreeTests.a, .commit)]
    part.run("S", 0, 0)
    #expect(try part.apply() == .unusable(.strange(part.objects[0])))
    part.objects = [ObjectName(DirTreeTests.a, .file)]
    part.operations = []
    part.run("S", 0, 0, 0, 0)
    #expect(try part.apply() == .unusable(.content(part.objects[0], .mode(0o020644))))
  }

  @Test func `what is around the operations is checked`() throws {
    let part = try PartFixture()
    part.objects = [PartFixture.name(PartFixture.plain, [])]
    part.run("S", 0, 0, 0, 0)
    #expect(try part.apply(compression: 9) == .unusable(.compression(9)))
    #expect(try part.apply(compression: 0x78) == .unusable(.packed))
    #expect(try part.apply(admits: false) == .stopped)
    #expect(try part.apply([]) == .unusable(.layout))
    #expect(try part.apply([3, 2, 1]) == .unusable(.layout))
    let archive = try PartFixture(.archive)
    #expect(try archive.apply() == .unusable(.archive))
  }

  @Test func `mutations end in an error or in sound objects, never in a trap`() throws {
    let part = try PartFixture()
    let old = PartFixture.oldContent
    let content = Array("new".utf8) + old
    part.objects = [
      PartFixture.name(PartFixture.plain, content), PartFixture.name(PartFixture.plain, old + [1]),
    ]
    let source = part.add(part.old.checksum.bytes)
    let patch = PartFixture.step(old.count, 1, 0) + old.map { _ in 0 } + [1]
    let (new, place) = (part.add(Array("new".utf8)), part.add(patch))
    part.run("o", 0, 0, UInt64(content.count))
    part.run("w", 3, new)
    part.run("r", source)
    part.run("w", UInt64(old.count), 0)
    part.run("c")
    part.run("r", source)
    part.run("o", 0, 0, UInt64(old.count + 1))
    part.run("B", place, UInt64(patch.count))
    part.run("c")
    let sound = part.serialized()
    var random = SystemRandomNumberGenerator()
    for _ in 0..<1500 {
      var bytes = sound
      for _ in 0..<Int.random(in: 1...3, using: &random) {
        // Most where the operations and the framing are.
        let place = max(bytes.count - Int.random(in: 1...60, using: &random), 0)
        bytes[place] = UInt8.random(in: 0...255, using: &random)
      }
      if Int.random(in: 0..<10, using: &random) == 0 { bytes.removeLast(Int.random(in: 1...40)) }
      _ = try part.apply(bytes)
      for name in part.objects where try part.staging.contains(name) {
        var hash = FileHash()
        #expect(try part.staging.fresh.checksum(of: name, &hash) == name.checksum)
        try part.staging.fresh.remove(name)
      }
    }
    #expect(try part.apply() == nil)
    #expect(try part.made(part.objects[0]).content == content)
    #expect(try part.made(part.objects[1]).content == old + [1])
  }
}
