// SPDX-License-Identifier: Apache-2.0

/// The order in which boot loaders and libostree sort versions: as glibc's strverscmp(3).
///
/// Runs of digits count as numbers, unless they begin with a zero, when they count as what follows
/// a decimal point: `000 < 00 < 01 < 010 < 09 < 0 < 1 < 9 < 10`.
public enum VersionOrder {
  /// Less than, equal to or greater than zero, as the first version is.
  public static func compare(_ first: String, _ second: String) -> Int {
    compare(Array(first.utf8), Array(second.utf8))
  }

  /// Where the comparison stands: outside a number, in a whole number, in what follows a decimal
  /// point, or in its leading zeros.
  private enum State { case normal, integer, fraction, zeros }

  private enum Kind { case other, digit, zero }

  static func compare(_ first: [UInt8], _ second: [UInt8]) -> Int {
    var index = 0
    var state = State.normal
    while true {
      let (a, b) = (byte(first, index), byte(second, index))
      if a != b { return decide(state, first, second, at: index) }
      if a == 0 { return 0 }
      state = next(state, kind(a))
      index += 1
    }
  }

  /// The state after a byte that both have.
  private static func next(_ state: State, _ kind: Kind) -> State {
    switch (state, kind) {
    case (_, .other): .normal
    case (.normal, .digit): .integer
    case (.normal, .zero): .zeros
    case (.integer, _): .integer
    case (.fraction, _), (.zeros, .digit): .fraction
    case (.zeros, .zero): .zeros
    }
  }

  /// The result where the two first differ.
  private static func decide(
    _ state: State, _ first: [UInt8], _ second: [UInt8], at index: Int
  ) -> Int {
    let (a, b) = (byte(first, index), byte(second, index))
    let byBytes = Int(a) - Int(b)
    switch (state, kind(a), kind(b)) {
    case (.normal, .digit, .digit): return byLength(first, second, at: index)
    case (.integer, .other, .other): return byBytes
    case (.integer, .other, _): return -1
    case (.integer, _, .other): return 1
    case (.integer, _, _): return byLength(first, second, at: index)
    case (.zeros, .other, .other): return byBytes
    case (.zeros, .other, _): return 1
    case (.zeros, _, .other): return -1
    default: return byBytes
    }
  }

  /// The number with more digits is the greater; of two as long, the first digit decides.
  private static func byLength(_ first: [UInt8], _ second: [UInt8], at index: Int) -> Int {
    var position = index
    while isDigit(byte(first, position)) {
      if !isDigit(byte(second, position)) { return 1 }
      position += 1
    }
    if isDigit(byte(second, position)) { return -1 }
    return Int(byte(first, index)) - Int(byte(second, index))
  }

  private static func byte(_ bytes: [UInt8], _ index: Int) -> UInt8 {
    index < bytes.count ? bytes[index] : 0
  }

  private static func isDigit(_ byte: UInt8) -> Bool {
    byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
  }

  private static func kind(_ byte: UInt8) -> Kind {
    byte == UInt8(ascii: "0") ? .zero : isDigit(byte) ? .digit : .other
  }
}
