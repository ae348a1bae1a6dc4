// SPDX-License-Identifier: Apache-2.0
import Codec
import Cryptography
import Foundation
import Linux
import Support
import Testing

@testable import OSTree

/// A part of a delta as a test wants it, and a repo with one old file to apply it to.
final class PartFixture {
  let folder: TemporaryDirectory
  let repo: Repo
  let staging: Staging
  let old: ObjectName
  static let oldContent = Array("an old file that a new one is made from\n".utf8)
  static let plain = FileHeader(
    uid: 0, gid: 0, mode: 0o100644, symlinkTarget: "", xattrs: [])

  var payload: [UInt8] = []
  var operations: [UInt8] = []
  var objects: [ObjectName] = []
  var modes: [(UInt32, UInt32, UInt32)] = [(0, 0, 0o100644), (0, 0, 0o120777), (7, 8, 0o104755)]
  var attributes: [[ExtendedAttribute]] = [
    [], [ExtendedAttribute(name: Array("user.a".utf8), value: [1, 0, 2])],
  ]

  init(_ mode: RepoMode = .bareUser) throws {
    folder = try TemporaryDirectory("part")
    repo = try Repo.create(folder.file("repo"), mode: mode)
    old = Self.name(Self.plain, Self.oldContent)
    try Self.storeOld(old, in: repo)
    staging = try repo.stage()
  }

  private static func storeOld(_ old: ObjectName, in repo: Repo) throws {
    let staging = try repo.stage()
    var sink = FileSink(old.checksum, in: staging, storesReceived: false)
    try sink.begin(plain, sizeBytes: UInt64(oldContent.count))
    try sink.write(oldContent.span)
    try sink.finish()
    _ = try staging.publish(readBack: .none)
  }

  static func name(_ header: FileHeader, _ content: [UInt8]) -> ObjectName {
    ObjectName(SHA256.hash(header.contentStreamHeader() + content), .file)
  }

  /// Adds bytes to the payload; gives where they are.
  func add(_ bytes: [UInt8]) -> UInt64 {
    payload += bytes
    return UInt64(payload.count - bytes.count)
  }

  func run(_ operation: String, _ numbers: UInt64...) {
    operations += Array(operation.utf8)
    for number in numbers { Varint.append(number, to: &operations) }
  }

  /// A step of a patch: three numbers, sign and magnitude.
  static func step(_ added: Int, _ extra: Int, _ seek: Int) -> [UInt8] {
    [added, extra, seek].flatMap { number -> [UInt8] in
      let value = UInt64(abs(number)) | (number < 0 ? 1 << 63 : 0)
      return (0..<8).map { UInt8(truncatingIfNeeded: value >> UInt64(8 * $0)) }
    }
  }

  func serialized() -> [UInt8] {
    GVariantValue.tuple([
      .array(
        elementType: "(uuu)",
        modes.map { .tuple([.bigEndian($0.0), .bigEndian($0.1), .bigEndian($0.2)]) }),
      .array(elementType: "a(ayay)", attributes.map(ExtendedAttribute.value)),
      .bytes(payload), .bytes(operations),
    ]).serialized()
  }

  /// Applies it; nil where that went well.
  func apply(
    _ bytes: [UInt8]? = nil, compression: UInt8 = 0, admits: Bool = true
  ) throws -> DeltaError? {
    var parts = OddDeltaTests.Parts()
    parts.objects = objects.flatMap { [$0.type.rawValue] + $0.checksum.bytes }
    let part = try OddDeltaTests.read(parts).part(at: 0)
    let bytes = bytes ?? serialized()
    try folder.write(bytes, to: "part")
    let file = try Shared(FileDescriptor.open(folder.file("part")))
    let hooks = DeltaHooks(admits: { _, _ in admits }, made: { _, _ in })
    do throws(DeltaError) {
      try staging.apply(
        part, compression: compression,
        DeltaSlice(file, offset: 0, count: UInt64(bytes.count)), hooks)
      return nil
    } catch { return error }
  }

  /// The content of a staged file, whose header is given too.
  func made(_ name: ObjectName) throws -> (header: FileHeader, content: [UInt8]) {
    let object = try staging.openFile(name.checksum)
    var content: [UInt8] = []
    try object.forEachPiece { (piece) throws(OSTreeError) in
      for index in piece.indices { content.append(piece[index]) }
    }
    return (object.header, content)
  }
}
