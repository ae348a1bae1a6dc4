// SPDX-License-Identifier: Apache-2.0

/// Made-up bytes, the same in every run: xorshift64*, Vigna 2016.
struct Payload {
  private var state: UInt64

  /// A piece that cannot be packed, to be written again and again.
  let piece: [UInt8]

  private static let pieceBytes = 1 << 20

  init(seed: UInt64 = 0x636F_7070_6963_6521) {
    state = seed
    var bytes: [UInt8] = []
    bytes.reserveCapacity(Payload.pieceBytes)
    while bytes.count < Payload.pieceBytes {
      let word = Payload.next(&state)
      for shift in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: word >> UInt64(8 * shift))) }
    }
    piece = bytes
  }

  private static func next(_ state: inout UInt64) -> UInt64 {
    state ^= state >> 12
    state ^= state << 25
    state ^= state >> 27
    return state &* 0x2545_F491_4F6C_DD1D
  }

  mutating func number(below limit: Int) -> Int {
    Int(Payload.next(&state) % UInt64(limit))
  }

  /// Bytes that deflate packs like none of ours, like numbers, like text, and like a disk image.
  enum Kind: String, CaseIterable {
    case random, digits, text, sparse
  }

  mutating func bytes(_ kind: Kind, count: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count + 64)
    switch kind {
    case .random:
      while bytes.count < count { bytes.append(contentsOf: piece.prefix(count - bytes.count)) }
    case .digits:
      while bytes.count < count { bytes.append(UInt8(ascii: "0") + UInt8(number(below: 10))) }
    case .text: appendText(to: &bytes, count)
    case .sparse:
      while bytes.count < count {
        bytes.append(contentsOf: repeatElement(0, count: 200 + number(below: 800)))
        bytes.append(contentsOf: piece.prefix(number(below: 100)))
      }
    }
    bytes.removeLast(bytes.count - count)
    return bytes
  }

  /// Words out of a small language, the first of them far more often.
  private mutating func appendText(to bytes: inout [UInt8], _ count: Int) {
    var words: [[UInt8]] = []
    for _ in 0..<2048 {
      var word: [UInt8] = []
      for _ in 0..<2 + number(below: 8) {
        word.append(UInt8(ascii: "a") + UInt8(number(below: 26)))
      }
      word.append(UInt8(ascii: " "))
      words.append(word)
    }
    while bytes.count < count {
      let spread = 1 + number(below: words.count)
      bytes.append(contentsOf: words[number(below: spread)])
    }
  }
}
