// SPDX-License-Identifier: Apache-2.0

/// The checksum of zip, gzip, GPT and the U-Boot environment: CRC-32 of IEEE 802.3, reflected.
/// Finds accidents, not attacks.
public enum CRC32 {
  private static let polynomial: UInt32 = 0xEDB8_8320

  /// Bit by bit, without a table: for a few KiB.
  public static func of(_ bytes: Span<UInt8>) -> UInt32 {
    var crc = UInt32.max
    for index in bytes.indices {
      crc ^= UInt32(bytes[index])
      for _ in 0..<8 { crc = crc & 1 == 0 ? crc >> 1 : crc >> 1 ^ polynomial }
    }
    return ~crc
  }
}
