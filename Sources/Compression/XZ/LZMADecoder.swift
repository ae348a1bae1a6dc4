// SPDX-License-Identifier: Apache-2.0

/// What LZMA has learnt so far: the probabilities, the last distances and the kinds of the last
/// symbols. LZMA specification 2.0 (7-Zip).
@safe struct LZMADecoder: ~Copyable {
  private let probabilities: UnsafeMutablePointer<UInt16>
  /// How many bits of the byte before and of the position choose a literal's probabilities, and
  /// how many of the position all others.
  private var literalBits = 0
  private var literalPositionMask = 0
  private var positionMask = 0

  /// What the last symbols were, 0 to 11; below 7 the last one was a literal.
  private var state = 0
  /// The last four distances, less one each.
  private var (rep0, rep1, rep2, rep3): (UInt32, UInt32, UInt32, UInt32) = (0, 0, 0, 0)
  /// Of the last match, what the window had no room for.
  private var pending = 0

  /// Where each kind of probability begins.
  private enum Place {
    static let isMatch = 0
    static let isRep = isMatch + 12 << 4
    static let isRepG0 = isRep + 12
    static let isRepG1 = isRepG0 + 12
    static let isRepG2 = isRepG1 + 12
    static let isRep0Long = isRepG2 + 12
    static let slot = isRep0Long + 12 << 4
    static let special = slot + 4 << 6
    static let align = special + 128
    static let length = align + 16
    static let repLength = length + lengthCount
    static let literal = repLength + lengthCount
    /// Two choices, low and middle trees for each of 16 positions, one high tree.
    static let lengthCount = 2 + 16 << 3 + 16 << 3 + 1 << 8
    /// LZMA2 allows four bits to choose among literals.
    static let end = literal + 0x300 << 4
  }

  private static let shortestMatch = 2

  init() {
    unsafe probabilities = .allocate(capacity: Place.end)
    reset()
  }

  deinit { unsafe probabilities.deallocate() }

  /// Takes the byte that names the three numbers of bits. Throws `.corrupt`.
  mutating func setProperties(_ byte: UInt8) throws(CompressionError) {
    guard byte < 9 * 5 * 5 else { throw .corrupt }
    let (literal, rest) = (Int(byte) % 9, Int(byte) / 9)
    guard literal + rest % 5 <= 4 else { throw .corrupt }
    literalBits = literal
    literalPositionMask = 1 << (rest % 5) - 1
    positionMask = 1 << (rest / 5) - 1
  }

  /// Forgets all it has learnt.
  mutating func reset() {
    unsafe probabilities.update(repeating: RangeDecoder.evenChance, count: Place.end)
    state = 0
    (rep0, rep1, rep2, rep3) = (0, 0, 0, 0)
    pending = 0
  }

  /// Whether a chunk may end here.
  var isBetweenSymbols: Bool { pending == 0 }

  /// Decodes at most `count` bytes, as many as the window takes; gives how many. Throws `.corrupt`
  /// if the chunk, of `inputBytes`, does not have that many, or refers to what is not there.
  mutating func decode(
    _ count: Int, _ coder: inout RangeDecoder, inputBytes: Int, dictionaryBytes: UInt64,
    into window: inout LZWindow
  ) throws(CompressionError) -> Int {
    var left = min(count, window.room)
    let wanted = left
    if pending > 0 { left -= try resume(left, &window) }
    while left > 0 {
      let position = Int(truncatingIfNeeded: window.dictionaryBytes)
      let positionState = position & positionMask
      if coder.bit(at(Place.isMatch + state << 4 + positionState)) == 0 {
        try decodeLiteral(&coder, position, &window)
        left &-= 1
      } else {
        let length = decodeMatch(&coder, positionState)
        let distance = UInt64(rep0) + 1
        guard distance <= dictionaryBytes, distance <= window.dictionaryBytes else {
          throw .corrupt
        }
        let now = min(length, left)
        try window.repeat(distance, count: now)
        pending = length &- now
        left &-= now
      }
      if coder.position > inputBytes { throw .corrupt }
    }
    return wanted
  }

  private mutating func resume(
    _ room: Int, _ window: inout LZWindow
  ) throws(CompressionError) -> Int {
    let now = min(pending, room)
    try window.repeat(UInt64(rep0) + 1, count: now)
    pending -= now
    return now
  }

  @inline(__always) private func at(_ place: Int) -> Probability {
    unsafe Probability(probabilities + place)
  }

  @inline(__always) private mutating func decodeLiteral(
    _ coder: inout RangeDecoder, _ position: Int, _ window: inout LZWindow
  ) throws(CompressionError) {
    let context =
      (position & literalPositionMask) << literalBits + Int(window.last) >> (8 - literalBits)
    let tree = at(Place.literal + 0x300 * context)
    var symbol = 1
    if state >= 7 {
      // What stands where the last match would go on is likely not it.
      var expected = Int(try window.byte(back: UInt64(rep0) + 1))
      var offset = 0x100
      while symbol < 0x100 {
        expected <<= 1
        let expectedBit = expected & offset
        let bit = coder.bit(tree + (offset + expectedBit + symbol))
        symbol = symbol << 1 | bit
        offset &= bit == 1 ? expectedBit : ~expectedBit
      }
    } else {
      while symbol < 0x100 { symbol = symbol << 1 | coder.bit(tree + symbol) }
    }
    window.put(UInt8(truncatingIfNeeded: symbol))
    state = state <= 3 ? 0 : state <= 9 ? state &- 3 : state &- 6
  }

  /// Gives the length; the distance is in `rep0`.
  @inline(__always) private mutating func decodeMatch(
    _ coder: inout RangeDecoder, _ positionState: Int
  ) -> Int {
    let followsLiteral = state < 7
    if coder.bit(at(Place.isRep + state)) == 0 {
      (rep3, rep2, rep1) = (rep2, rep1, rep0)
      let length = decodeLength(&coder, Place.length, positionState)
      rep0 = decodeDistance(&coder, length)
      state = followsLiteral ? 7 : 10
      return length
    }
    if coder.bit(at(Place.isRepG0 + state)) == 0 {
      if coder.bit(at(Place.isRep0Long + state << 4 + positionState)) == 0 {
        state = followsLiteral ? 9 : 11
        return 1
      }
    } else if coder.bit(at(Place.isRepG1 + state)) == 0 {
      (rep0, rep1) = (rep1, rep0)
    } else if coder.bit(at(Place.isRepG2 + state)) == 0 {
      (rep0, rep1, rep2) = (rep2, rep0, rep1)
    } else {
      (rep0, rep1, rep2, rep3) = (rep3, rep0, rep1, rep2)
    }
    state = followsLiteral ? 8 : 11
    return decodeLength(&coder, Place.repLength, positionState)
  }

  private func decodeLength(
    _ coder: inout RangeDecoder, _ place: Int, _ positionState: Int
  ) -> Int {
    let trees = place + 2
    var length = LZMADecoder.shortestMatch
    if coder.bit(at(place)) == 0 {
      return length + coder.number(at(trees + positionState << 3), bits: 3)
    }
    length += 8
    if coder.bit(at(place + 1)) == 0 {
      return length + coder.number(at(trees + 16 << 3 + positionState << 3), bits: 3)
    }
    length += 8
    return length + coder.number(at(trees + 32 << 3), bits: 8)
  }

  private func decodeDistance(_ coder: inout RangeDecoder, _ length: Int) -> UInt32 {
    let kind = min(length - LZMADecoder.shortestMatch, 3)
    let slot = coder.number(at(Place.slot + kind << 6), bits: 6)
    if slot < 4 { return UInt32(slot) }
    let bits = slot >> 1 - 1
    let base = UInt32(2 | slot & 1)
    if slot < 14 {
      let start = base << UInt32(bits)
      let tree = at(Place.special + Int(start) - slot)
      return start + coder.reversedNumber(tree, bits: bits)
    }
    let high = base << UInt32(bits - 4) | coder.plainNumber(bits: bits - 4)
    return high << 4 | coder.reversedNumber(at(Place.align), bits: 4)
  }
}
