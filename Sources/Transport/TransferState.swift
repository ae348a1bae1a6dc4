// SPDX-License-Identifier: Apache-2.0
internal import Linux

/// A request on its way: how far it is, and what has happened to it.
final class TransferState {
  /// So much more than before counts as progress and makes retries start anew. Less does not: a
  /// peer that gives one byte for each connection could hold us forever.
  static let progressBytesMin: UInt64 = 4 << 10

  let request: TransferRequest
  /// Monotonic nanoseconds, or nil for no end.
  let deadline: Int64?

  /// Where it is fetched from: the request's URL, or what a redirect named.
  var target: HTTPURL
  var redirectCount = 0

  /// The next byte that is wanted; those before it have been handed on, or were there before.
  var offset: UInt64
  /// What the bytes before `offset` belong to. RFC 9110 13.1.5.
  var validator: String?
  /// Length of the content, if the server said.
  var total: UInt64?
  /// Whether `begin` was called since the start or the last `restart`.
  var hasBegun = false

  var retryCount = 0
  /// How often it was sent again at once since the server had refused it without a look.
  var refusalCount = 0
  private var highestOffset: UInt64
  /// Monotonic nanoseconds before which it must not be sent again.
  var notBefore: Int64 = 0

  /// Whether bytes of an attempt before the present one have left.
  private(set) var isRepeated = false

  // Of the present attempt:
  /// Whether it asked for a range.
  var askedRange = false
  /// Whether it shared the way with other requests.
  var wasPipelined = false
  /// Whether any byte of the answer has come.
  var hasAnswer = false
  /// Whether any byte of the request has left.
  var wasSent = false

  init(_ request: TransferRequest, totalTimeoutMilliseconds: Int64?) {
    self.request = request
    deadline = totalTimeoutMilliseconds.map { Clock.monotonicNanoseconds + $0 * 1_000_000 }
    target = request.url
    offset = request.startOffset
    highestOffset = request.startOffset
    validator = request.ifRange
  }

  var url: String { target.text }

  /// Whether the target still is of the origin that the caller named: only that one is shown
  /// credentials and the client certificate.
  var isAtHome: Bool { target.origin == request.url.origin }

  /// Begins an attempt.
  func prepareToSend(alongside others: Int) {
    if !mayResume { forget() }
    askedRange = offset > 0
    wasPipelined = others > 0
    hasAnswer = false
    if wasSent { isRepeated = true }
    wasSent = false
  }

  /// Whether another attempt does no harm: not where the server may have done already, once and
  /// for good, what it was told.
  var mayRepeat: Bool { !wasSent || request.submission?.isIdempotent ?? true }

  /// Without something to compare, a part may only be put together with content that cannot have
  /// changed: named by its checksum, or known to be so by the caller.
  private var mayResume: Bool {
    validator != nil || request.allowsPipelining || offset == request.startOffset
  }

  /// What was received is worthless: everything is wanted again.
  func forget() {
    offset = 0
    validator = nil
    total = nil
  }

  /// Counts a failed attempt, unless there was progress since the last one.
  func countFailure() {
    if offset >= highestOffset + TransferState.progressBytesMin { retryCount = 0 }
    highestOffset = max(highestOffset, offset)
    retryCount += 1
    target = request.url
    redirectCount = 0
  }
}
