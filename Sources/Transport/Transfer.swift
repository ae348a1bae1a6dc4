// SPDX-License-Identifier: Apache-2.0

/// What a caller wants fetched.
public struct TransferRequest: Sendable {
  public var url: HTTPURL
  /// The caller's own; Transport only hands it back.
  public var tag: UInt64
  /// A longer body is refused, whether the server announces it or not.
  public var limitBytes: UInt64
  /// Where to begin: what is before, the caller has already.
  public var startOffset: UInt64
  /// What made sure of it: `ResponseInfo.validator` of the response that the first part is from.
  /// Without one, a `startOffset` is only safe where the content cannot change.
  public var ifRange: String?
  /// Whether it may be sent before earlier requests are answered: for content that is named by
  /// its checksum.
  public var allowsPipelining: Bool
  /// Answers "not modified" instead of a body if the server's copy still is the one named here.
  public var conditions: Conditions?
  /// What is handed in; nil: something is fetched. The answer is the body then, whatever its
  /// status, but for those that a later attempt may change.
  public private(set) var submission: Submission?

  public init(
    _ url: HTTPURL, tag: UInt64 = 0, limitBytes: UInt64, startOffset: UInt64 = 0,
    ifRange: String? = nil, allowsPipelining: Bool = false, conditions: Conditions? = nil
  ) {
    self.url = url
    self.tag = tag
    self.limitBytes = limitBytes
    self.startOffset = startOffset
    self.ifRange = ifRange
    self.allowsPipelining = allowsPipelining
    self.conditions = conditions
  }

  public init(_ url: HTTPURL, _ submission: Submission, tag: UInt64 = 0, limitBytes: UInt64) {
    self.init(url, tag: tag, limitBytes: limitBytes)
    self.submission = submission
  }
}

/// Which copy the caller has: for If-None-Match and If-Modified-Since. RFC 9110 13.1.
public struct Conditions: Hashable, Sendable {
  public var etag: String?
  /// `Sun, 06 Nov 1994 08:49:37 GMT`.
  public var lastModified: String?

  public init(etag: String? = nil, lastModified: String? = nil) {
    self.etag = etag
    self.lastModified = lastModified
  }
}

/// What the head of a successful response says about the body.
public struct ResponseInfo: Sendable {
  public var status = 200
  /// As in `Answer`.
  public var isRepeated = false
  /// Of the whole content, from its byte 0; nil if the server does not say.
  public var expectedBytes: UInt64?
  /// 304: the copy that the request's conditions name is still good; no body follows.
  public var isNotModified = false
  /// What names this content when it is asked for again; empty if that is not sure enough.
  public var conditions = Conditions()
  /// Fit for `TransferRequest.ifRange`: the ETag if it is strong, else the time of change if it is
  /// old enough to be sure. RFC 9110 8.8.2.2, 13.1.5.
  public var validator: String?
  /// The body ends where the connection does, so that a cut may look like the end.
  public var endsWithConnection = false
}

/// Whether a transfer goes on.
public enum TransferVerdict: Sendable { case proceed, abandon }

/// Where transfers come from and their bodies go to. Called on the thread that called
/// `HTTPClient.run`, never by two at once.
///
/// For each request: `begin`, `receive` any number of times, and `finish`; or `fail`; or, after
/// `receive` gave `.abandon`, nothing more. `restart` and then another `begin` may come between.
public protocol TransferHandler: AnyObject {
  /// The next request; called when there is room in flight. `mayWait`: nothing is in flight, so
  /// it may block until there is work, and nil means that there never will be. Else nil means
  /// that there is none now.
  func nextRequest(mayWait: Bool) -> TransferRequest?
  /// The body follows, from `startOffset` or from where it broke off on a lost connection
  /// (`begin` comes once for a request, and once more after each `restart`).
  func begin(_ request: TransferRequest, _ response: ResponseInfo)
  /// A piece of the body, in order, of at most the connection's buffer (32 KiB).
  func receive(_ request: TransferRequest, _ bytes: Span<UInt8>) -> TransferVerdict
  /// The body comes again from byte 0, whatever `startOffset` was: forget what was received.
  func restart(_ request: TransferRequest)
  /// The body is complete.
  func finish(_ request: TransferRequest)
  /// Final: retries are over.
  func fail(_ request: TransferRequest, _ error: TransportError)
  /// Asked at least once a second; when true, what is in flight fails as `.interrupted`.
  var isCancelled: Bool { get }
}

/// A small body, whole.
public enum Fetched: Hashable, Sendable {
  /// `conditions` as in `ResponseInfo`.
  case body([UInt8], conditions: Conditions)
  /// The copy that the request's conditions name is still good.
  case notModified
}
