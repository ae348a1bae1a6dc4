// SPDX-License-Identifier: Apache-2.0

/// In which order the members of an object stand.
enum JSONNameOrder {
  /// By code point, which is also the order of the UTF-8 bytes.
  case codePoints
  /// By the code units of UTF-16: what is above U+FFFF comes before U+E000 to U+FFFF.
  case utf16

  /// A number that stands in this order for `scalar`, which is no surrogate.
  func rank(_ scalar: UInt32) -> UInt32 {
    guard self == .utf16, scalar >= 0xE000 else { return scalar }
    return scalar < 0x1_0000 ? scalar + 0x11_0000 : scalar
  }
}

// Strings as they stand in the bytes, escapes and all.
extension JSONText {
  /// Whether a byte inside a string is a character that stands for itself in every spelling.
  static func isPlain(_ byte: UInt8) -> Bool {
    byte >= 0x20 && byte < 0x7F && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
  }

  /// The character at `position` of a string, which moves behind it; nil at the closing mark.
  func scalar(at position: inout Int) -> UInt32? {
    let byte = bytes[position]
    if byte == UInt8(ascii: "\"") { return nil }
    if byte == UInt8(ascii: "\\") { return escaped(at: &position) }
    return JSONText.scalar(bytes, at: &position)
  }

  /// The character at `position` of UTF-8 that was checked.
  private static func scalar(_ bytes: [UInt8], at position: inout Int) -> UInt32 {
    let byte = bytes[position]
    let count = byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4
    var scalar = count == 1 ? UInt32(byte) : UInt32(byte) & (0x7F >> UInt32(count))
    for index in 1..<count {
      scalar = scalar << 6 | UInt32(bytes[position + index] & 0x3F)
    }
    position += count
    return scalar
  }

  private func escaped(at position: inout Int) -> UInt32 {
    let letter = bytes[position + 1]
    guard letter == UInt8(ascii: "u") else {
      position += 2
      return JSONText.meaning(ofEscape: letter) ?? UInt32(letter)
    }
    let first = codeUnit(at: position + 2)
    position += 6
    guard 0xD800...0xDBFF ~= first else { return first }
    let second = codeUnit(at: position + 2)
    position += 6
    return 0x1_0000 + (first - 0xD800) << 10 + (second - 0xDC00)
  }

  /// What a letter behind a backslash stands for; nil for `u`, and for what is no escape.
  static func meaning(ofEscape letter: UInt8) -> UInt32? {
    switch letter {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): UInt32(letter)
    case UInt8(ascii: "b"): 0x08
    case UInt8(ascii: "f"): 0x0C
    case UInt8(ascii: "n"): 0x0A
    case UInt8(ascii: "r"): 0x0D
    case UInt8(ascii: "t"): 0x09
    default: nil
    }
  }

  /// Four hexadecimal digits.
  private func codeUnit(at position: Int) -> UInt32 {
    var unit: UInt32 = 0
    for index in position..<position + 4 {
      unit = unit << 4 | UInt32(Hex.value(ofEitherCase: bytes[index]) ?? 0)
    }
    return unit
  }

  /// Whether the string at `left` sorts before the one at `right`.
  func isName(_ left: Int, before right: Int, _ order: JSONNameOrder) -> Bool {
    var (left, right) = (left + 1, right + 1)
    while bytes[left] == bytes[right], JSONText.isPlain(bytes[left]) {
      left += 1
      right += 1
    }
    while let rightScalar = scalar(at: &right) {
      guard let leftScalar = scalar(at: &left) else { return true }
      if leftScalar != rightScalar { return order.rank(leftScalar) < order.rank(rightScalar) }
    }
    return false
  }

  /// Whether the string at `start` says `text`, which is UTF-8. Takes no memory.
  func isString(_ start: Int, _ text: [UInt8]) -> Bool {
    var (position, index) = (start + 1, 0)
    while let scalar = scalar(at: &position) {
      guard index < text.count, JSONText.scalar(text, at: &index) == scalar else { return false }
    }
    return index == text.count
  }

  /// What the string at `start` says.
  func string(at start: Int) -> String {
    var decoded: [UInt8] = []
    var position = start + 1
    while let scalar = scalar(at: &position) { JSONText.append(scalar, to: &decoded) }
    return String(decoding: decoded, as: UTF8.self)
  }

  /// Appends `scalar` as UTF-8.
  static func append(_ scalar: UInt32, to bytes: inout [UInt8]) {
    func tail(_ shift: UInt32) -> UInt8 { UInt8(0x80 | scalar >> shift & 0x3F) }
    switch scalar {
    case 0..<0x80: bytes.append(UInt8(scalar))
    case 0x80..<0x800:
      bytes.append(UInt8(0xC0 | scalar >> 6))
      bytes.append(tail(0))
    case 0x800..<0x1_0000:
      bytes.append(UInt8(0xE0 | scalar >> 12))
      bytes.append(tail(6))
      bytes.append(tail(0))
    default:
      bytes.append(UInt8(0xF0 | scalar >> 18))
      bytes.append(tail(12))
      bytes.append(tail(6))
      bytes.append(tail(0))
    }
  }
}
