// SPDX-License-Identifier: Apache-2.0
import Codec
import Testing

/// Bytes from hexadecimal digits, blanks between them ignored.
func bytes(_ hex: String) -> [UInt8] { Hex.decode(hex.filter { $0 != " " && $0 != "\n" })! }

@Suite struct HexTests {
  @Test(arguments: [([], ""), ([0], "00"), ([0xDE, 0xAD, 0x0F], "dead0f")] as [([UInt8], String)])
  func `bytes and digits stand for each other`(pair: ([UInt8], String)) {
    #expect(Hex.encode(pair.0.span) == pair.1)
    #expect(Hex.decode(pair.1) == pair.0)
  }

  @Test(arguments: ["0", "DEAD", "0g", "0x12", " 00", "é"])
  func `what is not lower-case pairs is refused`(text: String) {
    #expect(Hex.decode(text) == nil)
  }
}

@Suite struct Base64Tests {
  /// RFC 4648, 10.
  @Test(arguments: [
    ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="),
    ("fooba", "Zm9vYmE="), ("foobar", "Zm9vYmFy"),
  ])
  func `the vectors of the RFC hold both ways`(pair: (String, String)) {
    #expect(Base64.encode(Array(pair.0.utf8).span) == pair.1)
    #expect(Base64.decode(pair.1) == Array(pair.0.utf8))
  }

  @Test func `every letter of the alphabet is read and written`() {
    let all = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    #expect(Base64.decode(all).map { Base64.encode($0.span) } == all)
  }

  @Test(arguments: [
    "Zg", "Zg=", "Z===", "=", "====", "Zh==", "Zm9=", "Zg==\n", " Zg==", "Zm9v====", "Zm-_",
    "Zg==Zg==", "Z=g=",
  ])
  func `what encode would not have written is refused`(text: String) {
    #expect(Base64.decode(text) == nil)
  }

  @Test func `what is read from any text is written as that text`() {
    var random = RandomSource(seed: 1)
    var accepted = 0
    for _ in 0..<20_000 {
      let original = (0..<random.below(12)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
      let text = Base64.encode(original.span)
      #expect(Base64.decode(text) == original)
      let mutated = String(decoding: random.mutation(of: Array(text.utf8)), as: UTF8.self)
      guard let decoded = Base64.decode(mutated) else { continue }
      accepted += 1
      #expect(Base64.encode(decoded.span) == mutated)
    }
    #expect(accepted > 100)
  }
}

@Suite struct VarintTests {
  @Test(
    arguments: [
      (0, "00"), (127, "7f"), (128, "8001"), (300, "ac02"), (UInt64.max, "ffffffffffffffffff01"),
    ] as [(UInt64, String)])
  func `numbers are written and read`(pair: (UInt64, String)) {
    var written: [UInt8] = [9]
    Varint.append(pair.0, to: &written)
    #expect(written[1...].elementsEqual(bytes(pair.1)))
    var position = 1
    #expect(Varint.read(written[...], at: &position) == pair.0)
    #expect(position == written.count)
  }

  @Test(arguments: ["", "80", "ffffffffffffffffff02", "ffffffffffffffffffff01"])
  func `a number that does not end or fit is refused`(hex: String) {
    let encoded = bytes(hex)
    var position = 0
    #expect(Varint.read(encoded[...], at: &position) == nil)
    #expect(position == 0)
  }

  @Test func `a position outside the bytes is refused`() {
    let encoded: [UInt8] = [1, 2, 3]
    var (before, behind) = (0, 3)
    #expect(Varint.read(encoded[1...], at: &before) == nil)
    #expect(Varint.read(encoded[...], at: &behind) == nil)
  }
}
