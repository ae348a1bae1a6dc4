// SPDX-License-Identifier: Apache-2.0
internal import Linux

/// When a transfer is worth another try, and how long to wait for it.
struct RetryPolicy {
  let retriesMax: Int
  let delayMilliseconds: Int64
  let delayMaxMilliseconds: Int64

  init(_ options: TransportOptions) {
    retriesMax = max(0, options.retriesMax)
    delayMilliseconds = max(0, options.retryDelayMilliseconds)
    delayMaxMilliseconds = max(0, options.retryDelayMaxMilliseconds)
  }

  /// What may be different the next time: names, connections, time-outs, a busy or broken server.
  static func isTransient(_ error: TransportError) -> Bool {
    switch error {
    case .resolve, .connect, .closed, .tooSlow: true
    case .timedOut(_, let phase): phase != .total
    case .handshake(_, .closed): true
    case .status(_, let status): isTransient(status: status)
    case .proxy(_, .status(let status)): isTransient(status: status)
    default: false
    }
  }

  /// 408 Request Timeout, 429 Too Many Requests and the server's own faults. RFC 9110 15.5, 15.6.
  static func isTransient(status: Int) -> Bool {
    status == 408 || status == 429 || (500...599).contains(status)
  }

  /// The wait in milliseconds before retry number `retry` (1 is the first), or nil if it is one
  /// too many. Doubles each time; half of it is left to chance, so that a fleet whose server came
  /// back does not return in step. `jitter` is 0...255.
  func delay(retry: Int, retryAfterSeconds: Int64?, jitter: UInt8) -> Int64? {
    guard retry <= retriesMax else { return nil }
    if let retryAfterSeconds {
      let (wanted, overflow) = retryAfterSeconds.multipliedReportingOverflow(by: 1000)
      return overflow ? delayMaxMilliseconds : min(max(0, wanted), delayMaxMilliseconds)
    }
    let doublings = min(retry - 1, 20)
    let (full, overflow) = delayMilliseconds.multipliedReportingOverflow(by: 1 << doublings)
    let capped = overflow ? delayMaxMilliseconds : min(full, delayMaxMilliseconds)
    return capped / 2 + capped / 2 * Int64(jitter) / 255
  }

  /// Seconds that a Retry-After header asks for: a number, or a date, counted from the server's
  /// own Date so that our clock may be wrong. RFC 9110 10.2.3.
  static func seconds(retryAfter: String?, date: String?, now: Int64) -> Int64? {
    guard let retryAfter else { return nil }
    let bytes = Array(retryAfter.utf8)
    if let number = bytes[...].decimalNumber { return Int64(clamping: number) }
    guard let until = HTTPDate.parse(retryAfter) else { return nil }
    return max(0, until - (date.flatMap { HTTPDate.parse($0) } ?? now))
  }
}
