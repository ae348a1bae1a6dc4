// SPDX-License-Identifier: Apache-2.0
internal import Codec

/// An `http` or `https` URL that is fit to be sent: only ASCII, no fragment, host in lower case.
///
/// What RFC 3986 does not allow in a URL but people write (blanks excepted) is percent-encoded;
/// control characters, blanks and malformed authorities are refused.
public struct HTTPURL: Hashable, Sendable {
  /// Longer ones are refused: servers refuse them as well (RFC 9110 4.1 asks for 8000 at least).
  public static let byteCountMax = 8192

  public let isSecure: Bool
  /// A name, or an address without brackets, in lower case.
  public let host: String
  public let port: UInt16
  /// Begins with a slash; percent-encoded as it is sent.
  public let path: String
  /// What follows the question mark, without it.
  public let query: String?
  /// `user:password`, with percent escapes undone.
  public let credentials: String?

  init(
    isSecure: Bool, host: String, port: UInt16, path: String, query: String?, credentials: String?
  ) {
    self.isSecure = isSecure
    self.host = host
    self.port = port
    self.path = path
    self.query = query
    self.credentials = credentials
  }

  /// Nil if `text` is not an absolute http or https URL as described above. RFC 3986, RFC 9110 4.2.
  public init?(_ text: String) {
    guard text.utf8.count <= HTTPURL.byteCountMax else { return nil }
    var scanner = URLScanner(text)
    guard let isSecure = scanner.takeScheme(), scanner.take("//") else { return nil }
    let authority = scanner.takeAuthority()
    guard let place = URLAuthority(authority, isSecure: isSecure) else { return nil }
    guard let (path, query) = scanner.takePathAndQuery() else { return nil }
    self.init(
      isSecure: isSecure, host: place.host, port: place.port, path: path, query: query,
      credentials: place.credentials)
  }

  public var scheme: String { isSecure ? "https" : "http" }

  /// Whom a connection is made to: scheme, host and port. RFC 6454.
  public var origin: Origin { Origin(isSecure: isSecure, host: host, port: port) }

  /// The URL for people and logs: the password is left out.
  public var text: String {
    var text = "\(scheme)://"
    if let credentials {
      text += String(decoding: credentials.utf8.prefix { $0 != UInt8(ascii: ":") }, as: UTF8.self)
      text += "@"
    }
    return text + authority + target
  }

  /// Host and port as the Host header wants them: no port where it is the scheme's own.
  public var authority: String {
    let name = host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]" : host
    return port == (isSecure ? 443 : 80) ? name : "\(name):\(port)"
  }

  /// Path and query as a request line wants them.
  public var target: String {
    guard let query else { return path }
    return "\(path)?\(query)"
  }

  /// This URL with `name`, a raw path of one or several components, put behind its own path with
  /// one slash between. What a path may not hold is percent-encoded; the query stays.
  public func appending(_ name: String) -> HTTPURL {
    var bytes: [UInt8] = []
    for byte in name.utf8.drop(while: { $0 == UInt8(ascii: "/") }) {
      PercentEncoding.append(byte, to: &bytes, escapingUnless: URLCharacter.isPath)
    }
    return appending(encoded: String(decoding: bytes, as: UTF8.self))
  }

  /// As `appending`, for a path that is percent-encoded already and does not begin with a slash.
  public func appending(encoded name: String) -> HTTPURL {
    var bytes = Array(path.utf8)
    while bytes.last == UInt8(ascii: "/") { bytes.removeLast() }
    let path = String(decoding: bytes, as: UTF8.self)
    return replacing(path: "\(path)/\(name)", query: query)
  }

  func replacing(path: String, query: String?) -> HTTPURL {
    HTTPURL(
      isSecure: isSecure, host: host, port: port, path: path, query: query,
      credentials: credentials)
  }
}

/// Scheme, host and port: whom one talks to. RFC 6454.
public struct Origin: Hashable, Sendable {
  public let isSecure: Bool
  public let host: String
  public let port: UInt16
}
