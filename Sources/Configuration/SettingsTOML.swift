// SPDX-License-Identifier: Apache-2.0

extension Settings {
  /// The configuration in force, for somebody else to read: TOML 1.0, a table for each section and
  /// every value as a basic string. Of URLs only what says where the server is: not the name and
  /// password that may stand before the host, nor a query.
  public var toml: String {
    var text = ""
    var section = ""
    for setting in Setting.allCases {
      guard let value = self.text(of: setting) else { continue }
      if !section.utf8.elementsEqual(setting.section.utf8) {
        if !text.utf8.isEmpty { text += "\n" }
        section = setting.section
        text += "[\(section)]\n"
      }
      text += "\(setting.key) = \(TOMLText.string(TOMLText.withoutSecrets(value)))\n"
    }
    return text
  }
}

enum TOMLText {
  /// A basic string, in quotes.
  static func string(_ value: String) -> String {
    var bytes: [UInt8] = [UInt8(ascii: "\"")]
    for byte in value.utf8 {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes += [UInt8(ascii: "\\"), byte]
      case 0..<0x20, 0x7F:
        let digits = String(byte, radix: 16)
        bytes += Array((byte < 0x10 ? "\\u000\(digits)" : "\\u00\(digits)").utf8)
      default: bytes.append(byte)
      }
    }
    bytes.append(UInt8(ascii: "\""))
    return String(decoding: bytes, as: UTF8.self)
  }

  /// `https://user:secret@host/path?token=x` becomes `https://host/path`. What is no URL stays.
  static func withoutSecrets(_ value: String) -> String {
    let bytes = value.utf8
    guard bytes.starts(with: "http://".utf8) || bytes.starts(with: "https://".utf8),
      let colon = bytes.firstIndex(of: UInt8(ascii: ":"))
    else { return value }
    let start = bytes.index(colon, offsetBy: 3)
    let end = bytes[start...].firstIndex {
      $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") || $0 == UInt8(ascii: "#")
    }
    let authority = bytes[start..<(end ?? bytes.endIndex)]
    let host = authority.lastIndex(of: UInt8(ascii: "@")).map { authority[$0...].dropFirst() }
    let path = bytes[(end ?? bytes.endIndex)...].prefix {
      $0 != UInt8(ascii: "?") && $0 != UInt8(ascii: "#")
    }
    return String(
      decoding: Array(bytes[..<start]) + Array(host ?? authority) + Array(path), as: UTF8.self)
  }
}
