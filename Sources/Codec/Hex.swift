// SPDX-License-Identifier: Apache-2.0

/// Bytes as hexadecimal digits, in lower case, as OSTree and TUF write them.
public enum Hex {
  /// Two lower-case digits for each byte.
  public static func encode(_ bytes: Span<UInt8>) -> String {
    var text: [UInt8] = []
    text.reserveCapacity(bytes.count * 2)
    for index in bytes.indices {
      text.append(digit(bytes[index] >> 4))
      text.append(digit(bytes[index] & 15))
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// Nil unless `text` is an even number of digits of `0-9a-f`.
  public static func decode(_ text: String) -> [UInt8]? { decode(text, value(of:)) }

  /// Nil unless `text` is an even number of digits of `0-9a-fA-F`, as other programs write keys.
  public static func decode(eitherCase text: String) -> [UInt8]? {
    decode(text, value(ofEitherCase:))
  }

  private static func decode(_ text: String, _ digit: (UInt8) -> UInt8?) -> [UInt8]? {
    guard text.utf8.count % 2 == 0 else { return nil }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.utf8.count / 2)
    var high: UInt8?
    for character in text.utf8 {
      guard let value = digit(character) else { return nil }
      if let first = high {
        bytes.append(first << 4 | value)
        high = nil
      } else {
        high = value
      }
    }
    return bytes
  }

  static func digit(_ value: UInt8) -> UInt8 {
    value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
  }

  private static func value(of character: UInt8) -> UInt8? {
    switch character {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): character - UInt8(ascii: "a") + 10
    default: nil
    }
  }

  static func value(ofEitherCase character: UInt8) -> UInt8? {
    value(of: UInt8(ascii: "A")...UInt8(ascii: "F") ~= character ? character | 0x20 : character)
  }
}
