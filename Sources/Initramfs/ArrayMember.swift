// SPDX-License-Identifier: Apache-2.0
import Linux

/// Whether a device belongs to a Linux RAID array: a mirror of versions 0.90 and 1.0 keeps its own
/// superblock at the end, so that its members look like what the mirror holds. md_p.h.
enum ArrayMember {
  private static let magic: UInt32 = 0xA92B_4EFC
  private static let unitBytes: UInt64 = 512
  /// What is read of a superblock.
  private static let headBytes = 256

  static func isOne(_ source: some ByteSource) throws(Errno) -> Bool {
    let units = source.sizeBytes / unitBytes
    // Version 1 names its own place: 1.0 at the end, 1.1 at the front, 1.2 after 4 KiB.
    for place in [units > 16 ? (units - 16) & ~7 : 0, 0, 8] {
      if let head = try read(source, place), head.little32(4) == 1, head.little64(144) == place {
        return true
      }
    }
    // 0.90: the last whole 64 KiB.
    guard units >= 256, let head = try read(source, (units & ~127) - 128) else { return false }
    return head.little32(4) == 0 && head.little32(8) == 90
  }

  private static func read(_ source: some ByteSource, _ place: UInt64) throws(Errno) -> [UInt8]? {
    guard let head = try source.readWhole(headBytes, at: place * unitBytes),
      head.little32(0) == magic
    else { return nil }
    return head
  }
}
