// SPDX-License-Identifier: Apache-2.0
internal import Linux

/// How an `HTTPClient` behaves. The defaults are those of `ostree pull` where it has them.
public struct TransportOptions: Sendable {
  /// PEM file of trust roots; nil: the system's bundle.
  public var caFile: String?
  /// PEM files of the client's certificate (with its chain) and key. Shown to the origin that a
  /// request names, never to where it is redirected.
  public var certificateFile: String?
  public var privateKeyFile: String?
  /// When certificates must be valid.
  public var validity = ValidityTime.now(floor: 0)
  /// False: any certificate will do. For `tls-permissive=true` alone.
  public var verifiesPeer = true

  public var proxy = ProxyChoice.environment
  public var userAgent = "coppice/\(BuildIdentity.version)"
  /// Sent to the origin that a request names, never to where it is redirected.
  public var extraHeaders: [HTTPHeader] = []

  /// For one connection: all addresses, proxy and TLS handshake together.
  public var connectTimeoutMilliseconds: Int64 = 30_000
  /// Fewer bytes a second than this over `lowSpeedSeconds` end a connection. 0: never.
  public var lowSpeedBytesPerSecond = 1000
  public var lowSpeedSeconds = 30
  /// For one request with all its attempts; nil: no limit.
  public var totalTimeoutMilliseconds: Int64?

  /// How often a request is tried again without progress between.
  public var retriesMax = 5
  /// The wait before the first retry; doubled for each further one, with jitter.
  public var retryDelayMilliseconds: Int64 = 500
  /// No wait is longer than this, whatever Retry-After says.
  public var retryDelayMaxMilliseconds: Int64 = 60_000

  /// Whether a server may choose HTTP/2. Plain http is HTTP/1.1 always.
  public var offersHTTP2 = true
  /// Requests sent ahead on a connection of HTTP/1.1. 1: none.
  public var pipelineDepth = 16
  public var redirectsMax = 10
  /// Shared by all connections of a client. Nil: as fast as can be.
  public var limitRateBytesPerSecond: UInt64?

  public init() {}
}

public enum ProxyChoice: Hashable, Sendable {
  /// `https_proxy`, `http_proxy`, `no_proxy`, as curl(1) reads them.
  case environment
  case none
  case url(HTTPURL)
}

/// A header of a request. Must hold no line ends or control characters.
public struct HTTPHeader: Hashable, Sendable {
  public let name: String
  public let value: String

  /// Nil if it cannot be sent as it is: the name is a token, the value visible characters.
  public init?(_ name: String, _ value: String) {
    guard !name.isEmpty, name.utf8.allSatisfy(HeaderCharacter.isToken),
      value.utf8.allSatisfy(HeaderCharacter.isValue)
    else { return nil }
    self.name = name
    self.value = value
  }
}

/// Which bytes may stand where in a header. RFC 9110 5.5 and 5.6.2.
enum HeaderCharacter {
  static func isToken(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    case UInt8(ascii: "!"), UInt8(ascii: "#"), UInt8(ascii: "$"), UInt8(ascii: "%"),
      UInt8(ascii: "&"), UInt8(ascii: "'"), UInt8(ascii: "*"), UInt8(ascii: "+"),
      UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "^"), UInt8(ascii: "_"),
      UInt8(ascii: "`"), UInt8(ascii: "|"), UInt8(ascii: "~"):
      true
    default: false
    }
  }

  /// Visible characters, blank, tab, and the bytes above ASCII.
  static func isValue(_ byte: UInt8) -> Bool { byte >= 0x20 && byte != 0x7f || byte == 9 }
}
