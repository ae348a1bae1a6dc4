// SPDX-License-Identifier: Apache-2.0
import Cryptography
import Testing

@Suite struct ChecksumTests {
  let hex = "00ff0123456789abcdef886acea9b2ef0a85d6c515942e0124dcf55eeccedb80"

  @Test func `hex and bytes give the same checksum and come back as they were`() throws {
    let fromHex = try #require(Checksum(hex: hex))
    let fromBytes = try #require(Checksum(fromHex.bytes))
    #expect(fromHex == fromBytes)
    #expect(fromHex.hex == hex)
    #expect(fromHex.bytes.prefix(4) == [0x00, 0xff, 0x01, 0x23])
    #expect(fromHex[31] == 0x80)
    #expect(Set([fromHex, fromBytes]).count == 1)
  }

  @Test(arguments: [
    "", "00", String(repeating: "0", count: 63), String(repeating: "0", count: 65),
    String(repeating: "A", count: 64), String(repeating: "g", count: 64),
    String(repeating: "0", count: 63) + "é", " " + String(repeating: "0", count: 63),
    String(repeating: "0", count: 62) + "\0\0", "`" + String(repeating: "0", count: 63),
  ])
  func `what is not 64 lower-case digits is no checksum`(text: String) {
    #expect(Checksum(hex: text) == nil)
  }

  @Test(arguments: [0, 31, 33, 64]) func `another length than 32 is no checksum`(count: Int) {
    #expect(Checksum([UInt8](repeating: 1, count: count)) == nil)
  }

  @Test func `checksums are ordered as their hex is`() throws {
    var random = SystemRandomNumberGenerator()
    for _ in 0..<2000 {
      let left = (0..<32).map { _ in UInt8.random(in: 0...3, using: &random) }
      let right = (0..<32).map { _ in UInt8.random(in: 0...3, using: &random) }
      let (a, b) = (try #require(Checksum(left)), try #require(Checksum(right)))
      #expect((a < b) == (a.hex < b.hex))
      #expect((a == b) == (left == right))
    }
  }
}
