// SPDX-License-Identifier: Apache-2.0

/// A JSON document to be written: compact, members in the order given. RFC 8259.
public indirect enum JSONValue: Sendable {
  case object([(String, JSONValue)])
  case array([JSONValue])
  case string(String)
  case integer(Int64)
  case unsigned(UInt64)
  /// A number as it shall stand there, for example `3.2`; see `decimal(_:digits:)`.
  case decimal(String)
  case boolean(Bool)
  case null

  /// `value` with `digits` digits behind the point, rounded; null for what JSON cannot say or a
  /// 53-bit number of such digits cannot hold.
  public static func decimal(_ value: Double, digits: Int) -> JSONValue {
    var scale: Int64 = 1
    for _ in 0..<min(max(digits, 0), 15) { scale *= 10 }
    let scaled = value.magnitude * Double(scale) + 0.5
    guard scaled.isFinite, scaled < 9_007_199_254_740_992 else { return .null }
    let number = Int64(scaled)
    let sign = value < 0 && number > 0 ? "-" : ""
    if scale == 1 { return .decimal("\(sign)\(number)") }
    let fraction = String(number % scale + scale).utf8.dropFirst()
    return .decimal("\(sign)\(number / scale)." + String(decoding: fraction, as: UTF8.self))
  }

  /// A string, or null.
  public static func string(orNull value: String?) -> JSONValue {
    value.map { .string($0) } ?? .null
  }

  /// The document as text on one line.
  public func serialized() -> String {
    var text: [UInt8] = []
    append(to: &text)
    return String(decoding: text, as: UTF8.self)
  }

  private func append(to text: inout [UInt8]) {
    switch self {
    case .object(let members):
      text.append(UInt8(ascii: "{"))
      for (index, member) in members.enumerated() {
        if index > 0 { text.append(UInt8(ascii: ",")) }
        JSONValue.append(quoted: member.0, to: &text)
        text.append(UInt8(ascii: ":"))
        member.1.append(to: &text)
      }
      text.append(UInt8(ascii: "}"))
    case .array(let elements):
      text.append(UInt8(ascii: "["))
      for (index, element) in elements.enumerated() {
        if index > 0 { text.append(UInt8(ascii: ",")) }
        element.append(to: &text)
      }
      text.append(UInt8(ascii: "]"))
    case .string(let value): JSONValue.append(quoted: value, to: &text)
    case .integer(let value): text.append(contentsOf: String(value).utf8)
    case .unsigned(let value): text.append(contentsOf: String(value).utf8)
    case .decimal(let number): text.append(contentsOf: number.utf8)
    case .boolean(let value): text.append(contentsOf: (value ? "true" : "false").utf8)
    case .null: text.append(contentsOf: "null".utf8)
    }
  }

  /// Quotation mark, backslash and control characters are escaped, all else stands as UTF-8.
  private static func append(quoted value: String, to text: inout [UInt8]) {
    text.append(UInt8(ascii: "\""))
    for byte in value.utf8 {
      switch byte {
      case UInt8(ascii: "\""): text.append(contentsOf: "\\\"".utf8)
      case UInt8(ascii: "\\"): text.append(contentsOf: "\\\\".utf8)
      case 8: text.append(contentsOf: "\\b".utf8)
      case 9: text.append(contentsOf: "\\t".utf8)
      case 10: text.append(contentsOf: "\\n".utf8)
      case 12: text.append(contentsOf: "\\f".utf8)
      case 13: text.append(contentsOf: "\\r".utf8)
      case 0..<0x20:
        text.append(contentsOf: "\\u00".utf8)
        text.append(contentsOf: Hex.encode([byte].span).utf8)
      default: text.append(byte)
      }
    }
    text.append(UInt8(ascii: "\""))
  }
}
