// SPDX-License-Identifier: Apache-2.0

/// Unsigned LEB128: seven bits a byte, the lowest first, the high bit set on all but the last.
/// OSTree writes the numbers of `ostree.sizes` and of delta operations so.
public enum Varint {
  /// Ten groups of seven bits hold 64.
  public static let byteCountMax = 10

  public static func append(_ value: UInt64, to bytes: inout [UInt8]) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }

  /// The number that begins at `index`, which then stands behind it. Nil if `bytes` end inside it
  /// or it does not fit 64 bits; `index` stays then. Longer forms than needed are understood, as
  /// by libostree.
  public static func read(_ bytes: ArraySlice<UInt8>, at index: inout Int) -> UInt64? {
    guard index >= bytes.startIndex else { return nil }
    var value: UInt64 = 0
    var position = index
    for group in 0..<byteCountMax {
      guard position < bytes.endIndex else { return nil }
      let byte = bytes[position]
      position += 1
      if group == byteCountMax - 1, byte > 1 { return nil }
      value |= UInt64(byte & 0x7F) << UInt64(group * 7)
      if byte & 0x80 == 0 {
        index = position
        return value
      }
    }
    return nil
  }
}
