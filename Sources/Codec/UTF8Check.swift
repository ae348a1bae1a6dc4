// SPDX-License-Identifier: Apache-2.0

/// UTF-8 as RFC 3629 has it: shortest forms, no surrogates, nothing above U+10FFFF.
enum UTF8Check {
  /// Whether `range` of `bytes` is UTF-8 without a NUL.
  static func isText(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Bool {
    firstFault(bytes, range) == nil
  }

  static func isText(_ bytes: Span<UInt8>) -> Bool { isText(bytes, 0..<bytes.count) }

  /// Where the first character of `range` begins that is not UTF-8, or a NUL.
  static func firstFault(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Int? {
    var position = range.lowerBound
    while position < range.upperBound {
      let first = bytes[position]
      if first == 0 { return position }
      if first < 0x80 {
        position += 1
        continue
      }
      // The second byte decides over long forms, surrogates and the upper end.
      let (count, second): (Int, ClosedRange<UInt8>)
      switch first {
      case 0xC2...0xDF: (count, second) = (2, 0x80...0xBF)
      case 0xE0: (count, second) = (3, 0xA0...0xBF)
      case 0xED: (count, second) = (3, 0x80...0x9F)
      case 0xE1...0xEF: (count, second) = (3, 0x80...0xBF)
      case 0xF0: (count, second) = (4, 0x90...0xBF)
      case 0xF1...0xF3: (count, second) = (4, 0x80...0xBF)
      case 0xF4: (count, second) = (4, 0x80...0x8F)
      default: return position
      }
      guard range.upperBound - position >= count, second.contains(bytes[position + 1]) else {
        return position
      }
      for index in 2..<count where bytes[position + index] & 0xC0 != 0x80 { return position }
      position += count
    }
    return nil
  }
}
