// SPDX-License-Identifier: Apache-2.0

/// The only door to the network: HTTP/1.1 over TCP and TLS and, where a server chooses it, HTTP/2,
/// with limits, retries and resume.
///
/// May be used by several threads at once; each transfer runs on the thread that asks for it.
public final class HTTPClient: Sendable {
  let options: TransportOptions
  let proxies: ProxySettings
  let names = NameCache()
  let tls = TLSContexts()
  let pool = ConnectionPool()
  let origins = OriginMemory()
  let limiter: RateLimiter?

  /// Reads the certificates and keys that the options name. Errors: `.identity`, `.noTrustRoots`.
  public init(_ options: TransportOptions) throws(TransportError) {
    var options = options
    options.userAgent = HTTPClient.sendable(options.userAgent)
    // A day is for ever here, and can be counted in nanoseconds.
    let day: Int64 = 86_400_000
    options.connectTimeoutMilliseconds = min(max(1, options.connectTimeoutMilliseconds), day)
    options.totalTimeoutMilliseconds = options.totalTimeoutMilliseconds.map { min(max(1, $0), day) }
    options.retryDelayMaxMilliseconds = min(options.retryDelayMaxMilliseconds, day)
    options.lowSpeedSeconds = min(options.lowSpeedSeconds, Int(day / 1000))
    self.options = options
    proxies = ProxySettings(options.proxy)
    limiter = options.limitRateBytesPerSecond.map { RateLimiter(bytesPerSecond: $0) }
    // Wrong files are reported before anything is fetched; roots that are not needed, because
    // all is plain http, are not loaded at all.
    if options.caFile != nil || options.certificateFile != nil || options.privateKeyFile != nil {
      _ = try tls.context(showsIdentity: true, options)
    }
  }

  /// `text` without what could end a header.
  private static func sendable(_ text: String) -> String {
    String(decoding: text.utf8.filter { HeaderCharacter.isValue($0) }, as: UTF8.self)
  }

  /// From when on the youngest certificate is valid of all servers that were believed so far,
  /// seconds since 1970: it cannot be earlier than that now. Nil where none was, or any certificate
  /// will do.
  public var youngestCertificate: Int64? { tls.youngestBegin }

  /// Fetches a small body whole, with the retries of the options.
  ///
  /// 404 and 410 are `.notFound`. The body is kept in memory, so `limitBytes` bounds it.
  public func get(
    _ url: HTTPURL, limitBytes: Int, conditions: Conditions? = nil
  ) throws(TransportError) -> Fetched {
    let whole = WholeBody(
      TransferRequest(url, limitBytes: UInt64(limitBytes), conditions: conditions))
    run(url, whole)
    return try whole.take()
  }

  /// Hands something in, with the retries of the options, and takes the answer whole.
  ///
  /// Any status is an answer but those that another attempt may change: 408, 429 and 5xx are
  /// `.status` once the retries are over, or at once where the submission is not idempotent. It
  /// is sent again after a broken connection only if it is, or if no byte of it had gone out.
  public func send(
    _ submission: Submission, to url: HTTPURL, limitBytes: Int
  ) throws(TransportError) -> Answer {
    let whole = WholeBody(TransferRequest(url, submission, limitBytes: UInt64(limitBytes)))
    run(url, whole)
    return try whole.takeAnswer()
  }

  func offersHTTP2(to origin: Origin) -> Bool {
    options.offersHTTP2 && origins.allowsHTTP2(origin)
  }

  /// What was agreed upon with an origin.
  public enum SpokenProtocol: Hashable, Sendable {
    case http1
    /// With so many requests on each connection.
    case http2(streams: Int)
  }

  /// What is spoken with the origin of `url`; nil before there was a connection to it.
  public func spokenProtocol(with url: HTTPURL) -> SpokenProtocol? {
    origins.spokenProtocol(url.origin)
  }

  /// How many connections to the origin of `url` are worth while, `wanted` at most: where each
  /// carries many requests at once, a few do. Whoever may speak HTTP/2 is taken to do so.
  public func connections(to url: HTTPURL, wanted: Int) -> Int {
    let mayMultiplex: Bool
    switch spokenProtocol(with: url) {
    case .http1?: mayMultiplex = false
    case .http2?: mayMultiplex = true
    case nil: mayMultiplex = url.isSecure
    }
    guard mayMultiplex && offersHTTP2(to: url.origin) else { return wanted }
    return min(wanted, HTTP2Limits.connectionsMax)
  }

  /// The version of nghttp2 inside, for example "1.52.0". nghttp2_version(3).
  public static var http2Version: String { HTTP2Session.libraryVersion }

  /// Runs transfers on the calling thread, over one connection kept alive to the origin of
  /// `base`, until `handler.nextRequest` gives nil and none is in flight, or it is cancelled.
  public func run(_ base: HTTPURL, _ handler: any TransferHandler) {
    TransferLoop(self, base, handler).run()
  }
}
