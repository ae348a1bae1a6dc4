// SPDX-License-Identifier: Apache-2.0
internal import Codec

/// Which bytes may stand where in a URL. RFC 3986 appendix A.
enum URLCharacter {
  static func isUnreserved(_ byte: UInt8) -> Bool { PercentEncoding.isUnreserved(byte) }

  static func isSubDelimiter(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "!"), UInt8(ascii: "$"), UInt8(ascii: "&"), UInt8(ascii: "'"),
      UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: "*"), UInt8(ascii: "+"),
      UInt8(ascii: ","), UInt8(ascii: ";"), UInt8(ascii: "="):
      true
    default: false
    }
  }

  /// What a raw path may hold as it is.
  static func isPath(_ byte: UInt8) -> Bool {
    isUnreserved(byte) || isSubDelimiter(byte) || byte == UInt8(ascii: ":")
      || byte == UInt8(ascii: "@") || byte == UInt8(ascii: "/")
  }

  /// What an already encoded path or query may hold as it is.
  static func isEncoded(_ byte: UInt8) -> Bool {
    isPath(byte) || byte == UInt8(ascii: "%") || byte == UInt8(ascii: "?")
  }

  /// Blanks and control characters: never in a URL, encoded or not.
  static func isForbidden(_ byte: UInt8) -> Bool { byte <= 0x20 || byte == 0x7f }

  /// The value of one hexadecimal digit, or nil.
  static func hexValue(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
  }

  static func lowered(_ byte: UInt8) -> UInt8 {
    (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
  }

  /// Undoes percent escapes; nil if one is malformed.
  static func unescaped(_ bytes: ArraySlice<UInt8>) -> [UInt8]? {
    var result: [UInt8] = []
    var index = bytes.startIndex
    while index < bytes.endIndex {
      guard bytes[index] == UInt8(ascii: "%") else {
        result.append(bytes[index])
        index += 1
        continue
      }
      guard bytes.endIndex - index > 2, let high = hexValue(bytes[index + 1]),
        let low = hexValue(bytes[index + 2])
      else { return nil }
      result.append(high << 4 | low)
      index += 3
    }
    return result
  }
}

/// Takes a URL apart from front to back.
struct URLScanner {
  private let bytes: [UInt8]
  private var position = 0

  init(_ text: String) { bytes = Array(text.utf8) }

  /// True for https, false for http, nil for anything else.
  mutating func takeScheme() -> Bool? {
    guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")) else { return nil }
    let scheme = bytes[..<colon].map(URLCharacter.lowered)
    position = colon + 1
    if scheme.elementsEqual("https".utf8) { return true }
    if scheme.elementsEqual("http".utf8) { return false }
    return nil
  }

  mutating func take(_ text: String) -> Bool {
    guard bytes[position...].starts(with: text.utf8) else { return false }
    position += text.utf8.count
    return true
  }

  mutating func takeAuthority() -> ArraySlice<UInt8> {
    let rest = bytes[position...]
    let end =
      rest.firstIndex {
        $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") || $0 == UInt8(ascii: "#")
      } ?? rest.endIndex
    position = end
    return rest[..<end]
  }

  /// The rest, encoded, without its fragment; nil if it holds what no URL may hold.
  mutating func takePathAndQuery() -> (path: String, query: String?)? {
    let rest = bytes[position...].prefix { $0 != UInt8(ascii: "#") }
    position = bytes.endIndex
    if rest.contains(where: URLCharacter.isForbidden) { return nil }
    var encoded: [UInt8] = []
    encoded.reserveCapacity(rest.count + 1)
    if rest.first != UInt8(ascii: "/") { encoded.append(UInt8(ascii: "/")) }
    for byte in rest {
      PercentEncoding.append(byte, to: &encoded, escapingUnless: URLCharacter.isEncoded)
    }
    guard let mark = encoded.firstIndex(of: UInt8(ascii: "?")) else {
      return (String(decoding: encoded, as: UTF8.self), nil)
    }
    return (
      String(decoding: encoded[..<mark], as: UTF8.self),
      String(decoding: encoded[(mark + 1)...], as: UTF8.self)
    )
  }
}

/// `user:password@host:port`, checked. RFC 3986 3.2.
struct URLAuthority {
  let host: String
  let port: UInt16
  let credentials: String?

  /// RFC 1035 2.3.4.
  private static let hostByteCountMax = 253

  init?(_ bytes: ArraySlice<UInt8>, isSecure: Bool) {
    var rest = bytes
    if let at = bytes.lastIndex(of: UInt8(ascii: "@")) {
      guard let user = URLCharacter.unescaped(bytes[..<at]),
        !user.contains(where: { $0 < 0x20 || $0 == 0x7f })
      else { return nil }
      credentials = String(decoding: user, as: UTF8.self)
      rest = bytes[(at + 1)...]
    } else {
      credentials = nil
    }
    guard let (host, portDigits) = URLAuthority.split(rest), !host.isEmpty,
      host.count <= URLAuthority.hostByteCountMax
    else { return nil }
    self.host = String(decoding: host, as: UTF8.self)
    if portDigits.isEmpty {
      port = isSecure ? 443 : 80
    } else {
      guard portDigits.count <= 5, portDigits.allSatisfy({ (0x30...0x39).contains($0) }) else {
        return nil
      }
      let number = portDigits.reduce(UInt32(0)) { $0 * 10 + UInt32($1 - 0x30) }
      guard number > 0, let small = UInt16(exactly: number) else { return nil }
      port = small
    }
  }

  /// Host in lower case without brackets, and the digits behind the colon.
  private static func split(_ bytes: ArraySlice<UInt8>) -> ([UInt8], ArraySlice<UInt8>)? {
    if bytes.first == UInt8(ascii: "[") {
      guard let end = bytes.firstIndex(of: UInt8(ascii: "]")) else { return nil }
      let host = bytes[(bytes.startIndex + 1)..<end].map(URLCharacter.lowered)
      let isAddress =
        host.contains(UInt8(ascii: ":"))
        && host.allSatisfy {
          URLCharacter.hexValue($0) != nil || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: ".")
        }
      let rest = bytes[(end + 1)...]
      guard isAddress, rest.isEmpty || rest.first == UInt8(ascii: ":") else { return nil }
      return (host, rest.dropFirst())
    }
    let colon = bytes.firstIndex(of: UInt8(ascii: ":")) ?? bytes.endIndex
    let host = bytes[..<colon].map(URLCharacter.lowered)
    guard host.allSatisfy(URLCharacter.isUnreserved) else { return nil }
    return (host, bytes[colon...].dropFirst())
  }
}
