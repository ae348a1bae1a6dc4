// SPDX-License-Identifier: Apache-2.0

/// How likely it is that the next bit is 0, in parts of 2048: one of a table of such numbers, whose
/// owner outlives it. Learns from each bit.
@safe struct Probability {
  private let place: UnsafeMutablePointer<UInt16>

  @inline(__always) init(_ place: UnsafeMutablePointer<UInt16>) { unsafe self.place = place }

  @inline(__always) var chance: UInt32 { UInt32(unsafe place.pointee) }

  @inline(__always) func set(_ chance: UInt32) {
    unsafe place.pointee = UInt16(truncatingIfNeeded: chance)
  }

  /// Another one of the same table.
  @inline(__always) static func + (first: Probability, distance: Int) -> Probability {
    unsafe Probability(first.place + distance)
  }
}

/// Reads the bits of one LZMA chunk, each by the probability that it is 0.
///
/// The caller looks at `position` after each symbol: one symbol takes at most
/// `RangeDecoder.symbolBytesMax` bytes, and that many may be read behind the chunk's end.
/// LZMA specification 2.0 (7-Zip), range decoder.
@safe struct RangeDecoder {
  private let input: UnsafePointer<UInt8>
  /// The next byte to be read.
  private(set) var position: Int
  private var range = UInt32.max
  private var code: UInt32 = 0

  /// Of a chunk: one byte of zero, four of code.
  static let initialBytes = 5
  static let symbolBytesMax = 24

  /// What a probability begins with: even chances.
  static let evenChance: UInt16 = 1 << 10

  /// Nil if the chunk cannot begin like this. `input` outlives the decoder.
  init?(_ input: UnsafePointer<UInt8>) {
    guard unsafe input[0] == 0 else { return nil }
    unsafe self.input = input
    for index in 1..<RangeDecoder.initialBytes { code = code << 8 | UInt32(unsafe input[index]) }
    position = RangeDecoder.initialBytes
  }

  /// Whether the chunk ends here as an encoder ends it.
  mutating func isAtEnd() -> Bool {
    normalize()
    return code == 0
  }

  @inline(__always) private mutating func normalize() {
    guard range < 1 << 24 else { return }
    range <<= 8
    code = code << 8 | UInt32(unsafe input[position])
    position &+= 1
  }

  @inline(__always) mutating func bit(_ probability: Probability) -> Int {
    normalize()
    let chance = probability.chance
    let bound = (range >> 11) &* chance
    if code < bound {
      range = bound
      probability.set(chance &+ (2048 &- chance) >> 5)
      return 0
    }
    range &-= bound
    code &-= bound
    probability.set(chance &- chance >> 5)
    return 1
  }

  /// A number of `bits` bits, the highest first; `tree[1]` is the root.
  @inline(__always) mutating func number(_ tree: Probability, bits: Int) -> Int {
    var node = 1
    for _ in 0..<bits { node = node << 1 | bit(tree + node) }
    return node &- 1 << bits
  }

  /// A number of `bits` bits, the lowest first; `tree[1]` is the root.
  @inline(__always) mutating func reversedNumber(_ tree: Probability, bits: Int) -> UInt32 {
    var (node, value): (Int, UInt32) = (1, 0)
    for index in 0..<bits {
      let bit = bit(tree + node)
      node = node << 1 | bit
      value |= UInt32(truncatingIfNeeded: bit) << UInt32(truncatingIfNeeded: index)
    }
    return value
  }

  /// A number of `bits` bits that are as likely 0 as 1.
  @inline(__always) mutating func plainNumber(bits: Int) -> UInt32 {
    var value: UInt32 = 0
    for _ in 0..<bits {
      normalize()
      range >>= 1
      let isSet = code >= range
      if isSet { code &-= range }
      value = value << 1 | (isSet ? 1 : 0)
    }
    return value
  }
}
