// SPDX-License-Identifier: Apache-2.0
import Linux

@testable import Initramfs

/// A device in memory; what is beyond its end is not there.
struct ImageSource: ByteSource {
  var bytes: [UInt8]
  var sectorBytes: UInt64 = 512
  var sizeBytes: UInt64 { UInt64(bytes.count) }

  func read(_ count: Int, at offset: UInt64) throws(Errno) -> [UInt8] {
    guard offset <= sizeBytes else { return [] }
    return Array(bytes[Int(offset)...].prefix(count))
  }
}
