// SPDX-License-Identifier: Apache-2.0

/// The same numbers from the same seed, on every machine. SplitMix64.
struct RandomSource: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
    return mixed ^ mixed >> 31
  }

  mutating func below(_ limit: Int) -> Int { Int(next() % UInt64(limit)) }

  /// `bytes` with a few bytes changed, taken out, put in, or copied from elsewhere.
  mutating func mutation(of bytes: [UInt8]) -> [UInt8] {
    var result = bytes
    for _ in 0...below(4) {
      let position = result.isEmpty ? 0 : below(result.count)
      switch below(5) {
      case 0 where !result.isEmpty: result[position] = UInt8(truncatingIfNeeded: next())
      case 1 where !result.isEmpty: result[position] ^= 1 << UInt8(below(8))
      case 2 where !result.isEmpty: result.remove(at: position)
      case 3 where !result.isEmpty:
        let end = min(result.count, position + 1 + below(8))
        result.insert(contentsOf: Array(result[position..<end]), at: below(result.count))
      default: result.insert([0, 1, 0xFF, 0x20, 0x3D][below(5)], at: position)
      }
    }
    return result
  }
}
