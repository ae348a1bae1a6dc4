// SPDX-License-Identifier: Apache-2.0

/// Bytes as a URL has them. RFC 3986, 2.1.
public enum PercentEncoding {
  /// Letters and digits of ASCII, `-`, `.`, `_` and `~`: what never needs an escape. RFC 3986, 2.3.
  public static func isUnreserved(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
      UInt8(ascii: "_"), UInt8(ascii: "~"):
      true
    default: false
    }
  }

  /// Appends `byte` as it is, or as `%` and two digits in upper case.
  public static func append(
    _ byte: UInt8, to bytes: inout [UInt8], escapingUnless isAllowed: (UInt8) -> Bool
  ) {
    if isAllowed(byte) {
      bytes.append(byte)
    } else {
      bytes.append(UInt8(ascii: "%"))
      bytes.append(upperDigit(byte >> 4))
      bytes.append(upperDigit(byte & 15))
    }
  }

  private static func upperDigit(_ value: UInt8) -> UInt8 {
    value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "A") + value - 10
  }

  /// `text` as one component of a path: only what is unreserved stands as it is, also no slash. No
  /// two texts become the same.
  public static func component(_ text: String) -> String {
    var bytes: [UInt8] = []
    for byte in text.utf8 { append(byte, to: &bytes, escapingUnless: isUnreserved) }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// As `component`, fit for the name of a file: it does not begin with a point, and is not longer
  /// than `byteCountMax`. A longer one becomes `%-` and what `shortened` makes of the text; no
  /// escape looks like that.
  public static func fileName(
    _ text: String, byteCountMax: Int, shortened: (String) -> String
  ) -> String {
    var name = component(text)
    if name.utf8.first == UInt8(ascii: ".") {
      name = "%2E" + String(decoding: name.utf8.dropFirst(), as: UTF8.self)
    }
    return name.utf8.count <= byteCountMax ? name : "%-" + shortened(text)
  }
}
