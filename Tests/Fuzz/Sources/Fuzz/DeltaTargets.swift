// SPDX-License-Identifier: Apache-2.0
import Codec
import Compression
import Cryptography
import Foundation
import Linux

@testable import OSTree

extension FuzzTarget {
  static let deltaTargets = [
    FuzzTarget(name: "xz") { bytes in
      _ = try? CompressedFile.xz.unpack(bytes, limit: 1 << 20, memoryBytesMax: 1 << 20)
    },
    FuzzTarget(name: "delta") { bytes in
      guard let superblock = try? DeltaSuperblock(parsing: bytes) else { return }
      require(superblock.commit.checksum == superblock.name.to, "the commit is the one it is for")
      for index in 0..<superblock.partCount {
        guard let part = try? superblock.part(at: index) else { return }
        for object in 0..<part.objectCount {
          require(part.object(at: object).type.isContentAddressed, "types were checked")
        }
        _ = try? superblock.inlinePart(index)
      }
      for index in 0..<superblock.fallbackCount { _ = try? superblock.fallback(at: index) }
      _ = try? superblock.detachedMetadata()
    },
    FuzzTarget(name: "delta-part") { bytes in DeltaPartRun.shared.run(bytes) },
  ]
}

/// A repo with one old file, and a part that makes four objects of it.
private struct DeltaPartRun: Sendable {
  static let shared = DeltaPartRun()

  private let staging: Staging
  private let part: DeltaPart
  private let made: [ObjectName]

  private init() {
    let path = NSTemporaryDirectory() + "coppice-fuzz-\(getpid())"
    let old = Array("an old file that a new one is made from\n".utf8)
    let repo = try! Repo.create(path, mode: .bareUser)
    staging = try! repo.stage()
    let header = FileHeader(uid: 0, gid: 0, mode: 0o100644, symlinkTarget: "", xattrs: [])
    func name(_ content: [UInt8]) -> ObjectName {
      ObjectName(SHA256.hash(header.contentStreamHeader() + content), .file)
    }
    var sink = FileSink(name(old).checksum, in: staging, storesReceived: false)
    try! sink.begin(header, sizeBytes: UInt64(old.count))
    try! sink.write(old.span)
    try! sink.finish()
    let meta: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x41, 0xED]
    made = [
      ObjectName(SHA256.hash(meta), .dirMeta), name(Array("abc".utf8)),
      name(Array("new".utf8) + old), name(old + [1]),
    ]
    part = DeltaPartRun.part(of: made)
  }

  /// By way of the least superblock that lists these objects.
  private static func part(of names: [ObjectName]) -> DeltaPart {
    let zeros = [UInt8](repeating: 0, count: 32)
    let commit = GVariantValue.tuple([
      .dictionary([]), .bytes([]), .array(elementType: "(say)", []), .string(""), .string(""),
      .uint64(0), .bytes(zeros), .bytes(zeros),
    ])
    let objects = names.flatMap { [$0.type.rawValue] + $0.checksum.bytes }
    let superblock = GVariantValue.tuple([
      .dictionary([("ostree.endianness", .byte(UInt8(ascii: "l")))]), .uint64(0), .bytes([]),
      .bytes(SHA256.hash(commit.serialized()).bytes), commit, .bytes([]),
      .array(
        elementType: "(uayttay)",
        [.tuple([.uint32(0), .bytes(zeros), .uint64(0), .uint64(0), .bytes(objects)])]),
      .array(elementType: "(yaytt)", []),
    ])
    return try! DeltaSuperblock(parsing: superblock.serialized()).part(at: 0)
  }

  func run(_ bytes: [UInt8]) {
    let file = try! staging.openScratch()
    try! file.value.write(bytes)
    let hooks = DeltaHooks(admits: { _, size in size < 1 << 20 }, made: { _, _ in })
    let slice = DeltaSlice(file, offset: 0, count: UInt64(bytes.count))
    _ = try? staging.apply(part, file: slice, hooks)
    for name in made where (try? staging.fresh.contains(name)) == true {
      var hash = FileHash()
      let found = try? staging.fresh.checksum(of: name, &hash)
      require(found == name.checksum, "an object that is there is the one of its name")
      try! staging.fresh.remove(name)
    }
  }
}
