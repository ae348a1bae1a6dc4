// SPDX-License-Identifier: Apache-2.0
import Codec
import Testing

@Suite struct CRC32Tests {
  /// The check value of the catalogue of parametrised CRC algorithms, and what zlib says.
  @Test(arguments: [
    ("", 0), ("a", 0xE8B7_BE43), ("123456789", 0xCBF4_3926),
    ("The quick brown fox jumps over the lazy dog", 0x414F_A339),
  ])
  func `the checksum is that of zlib`(_ text: String, _ expected: UInt32) {
    #expect(CRC32.of(Array(text.utf8).span) == expected)
  }
}
