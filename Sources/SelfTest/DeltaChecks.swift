// SPDX-License-Identifier: Apache-2.0
import Codec
import Cryptography
import Linux
import OSTree

// One part of a static delta, packed by xz, that has every operation: a folder's metadata, a small
// file, one of pieces and one by a patch.
extension SelfTest {
  private static let old = Array("an old file that a new one is made from\n".utf8)
  private static let folderMeta: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x41, 0xED]
  private static let packedPart =
    "78fd377a585a000000ff12d9410200210100000000372797d6e000a200615d00006b9ea5"
    + "febb651fae61d8d4f6f1f2358653736f1ddef61b3939acb28a4c93405de04beb8bca62dc"
    + "30e46c8e8f26a0e48865a14b0f96b10fed6763fd8253dbed3dd6dfde19d30fc854081135"
    + "0e988b46f9f70bc1b2315a1b5a27f8e6356f34cd5b00000000000175a3010000008cca81"
    + "17a8000afc020000000000595a"

  static func checkDelta(_ scratch: Scratch, _ report: inout Report) {
    guard let packed = Hex.decode(packedPart) else { return report.fail("a part is read") }
    let plain = FileHeader(uid: 0, gid: 0, mode: 0o100644, symlinkTarget: "", xattrs: [])
    func file(_ content: [UInt8]) -> ObjectName {
      ObjectName(SHA256.hash(plain.contentStreamHeader() + content), .file)
    }
    let made = [
      ObjectName(SHA256.hash(folderMeta), .dirMeta), file(Array("abc".utf8)),
      file(Array("new".utf8) + old), file(old + [1]),
    ]
    do throws(OSTreeError) {
      let repo = try Repo.create("\(scratch.path)/delta", mode: .bareUserOnly)
      let lock = try repo.lock(.shared)
      let staging = try repo.stage()
      var sink = FileSink(file(old).checksum, in: staging, storesReceived: false)
      try sink.begin(plain, sizeBytes: UInt64(old.count))
      try sink.write(old.span)
      try sink.finish()
      let fault = try apply(packed, made, staging)
      report.expect(fault == nil, "a part of a static delta is applied")
      for name in made {
        report.expect(try staging.contains(name), "a static delta brings '\(name.path)'")
      }
      extendLifetime(lock)
    } catch { report.fail("a static delta finds room for its scratch file") }
  }

  private static func apply(
    _ packed: [UInt8], _ made: [ObjectName], _ staging: Staging
  ) throws(OSTreeError) -> DeltaError? {
    let scratch = try staging.openScratch()
    let hooks = DeltaHooks(admits: { _, _ in true }, made: { _, _ in })
    do throws(Errno) { try scratch.value.write(packed) } catch {
      throw .file(path: staging.repo.path, error)
    }
    do throws(DeltaError) {
      let slice = DeltaSlice(scratch, offset: 0, count: UInt64(packed.count))
      try staging.apply(try part(of: made), file: slice, hooks)
      return nil
    } catch { return error }
  }

  /// By way of the least superblock that lists these objects.
  private static func part(of names: [ObjectName]) throws(DeltaError) -> DeltaPart {
    let zeros = [UInt8](repeating: 0, count: Checksum.byteCount)
    let commit = GVariantValue.tuple([
      .dictionary([]), .bytes([]), .array(elementType: "(say)", []), .string(""), .string(""),
      .uint64(0), .bytes(zeros), .bytes(zeros),
    ])
    var objects: [UInt8] = []
    for name in names { objects += [name.type.rawValue] + name.checksum.bytes }
    let superblock = GVariantValue.tuple([
      .dictionary([("ostree.endianness", .byte(UInt8(ascii: "l")))]), .uint64(0), .bytes([]),
      .bytes(SHA256.hash(commit.serialized()).bytes), commit, .bytes([]),
      .array(
        elementType: "(uayttay)",
        [.tuple([.uint32(0), .bytes(zeros), .uint64(0), .uint64(0), .bytes(objects)])]),
      .array(elementType: "(yaytt)", []),
    ])
    do throws(FormatError) {
      return try DeltaSuperblock(parsing: superblock.serialized()).part(at: 0)
    } catch { throw .unusable(.superblock(error)) }
  }
}
