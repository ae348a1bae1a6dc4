// SPDX-License-Identifier: Apache-2.0

/// Framing offsets: where the parts of variable size in a container end. Little-endian numbers
/// behind the body, all of the least width that can count the whole container.
public enum GVariantFraming {
  /// The width in bytes that a container of `count` bytes uses.
  public static func width(ofContainer count: Int) -> Int {
    switch UInt64(count) {
    case 0: 0
    case ...0xFF: 1
    case ...0xFFFF: 2
    case ...0xFFFF_FFFF: 4
    default: 8
    }
  }

  /// The width that a writer takes for a body of `body` bytes and `offsets` offsets.
  public static func width(ofBody body: Int, offsets: Int) -> Int {
    if fits(body, offsets, width: 1) { return 1 }
    if fits(body, offsets, width: 2) { return 2 }
    return fits(body, offsets, width: 4) ? 4 : 8
  }

  private static func fits(_ body: Int, _ offsets: Int, width: Int) -> Bool {
    UInt64(body) + UInt64(offsets) * UInt64(width) < 1 << UInt64(8 * width)
  }

  /// The number of `width` bytes at `position`, which lies inside `bytes`. Nil if it is more than
  /// any container can be.
  public static func offset(_ bytes: Span<UInt8>, at position: Int, width: Int) -> Int? {
    var value: UInt64 = 0
    for index in 0..<width {
      value |= UInt64(bytes[position + index]) << UInt64(8 * index)
    }
    return Int(exactly: value)
  }

  static func append(_ offset: Int, width: Int, to bytes: inout [UInt8]) {
    for index in 0..<width {
      bytes.append(UInt8(truncatingIfNeeded: UInt64(offset) >> UInt64(8 * index)))
    }
  }

  /// How many elements an array of variable-size elements has, and how long its body is. Nil if
  /// the offset of the last does not leave room for a whole table.
  public static func arrayTable(
    _ bytes: Span<UInt8>, _ range: Range<Int>
  ) -> (count: Int, body: Int, width: Int)? {
    let width = width(ofContainer: range.count)
    if width == 0 { return (0, 0, 0) }
    guard let body = offset(bytes, at: range.upperBound - width, width: width),
      body < range.count, (range.count - body) % width == 0
    else { return nil }
    return ((range.count - body) / width, body, width)
  }
}
