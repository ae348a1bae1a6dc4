// SPDX-License-Identifier: Apache-2.0
import Linux
import Testing

@testable import Transport

@Suite struct RetryTests {
  static var policy: RetryPolicy {
    var options = TransportOptions()
    options.retriesMax = 10
    options.retryDelayMilliseconds = 500
    options.retryDelayMaxMilliseconds = 20_000
    return RetryPolicy(options)
  }

  @Test(arguments: [(1, 500), (2, 1000), (3, 2000), (6, 16000), (7, 20000), (10, 20000)])
  func `waits double up to a limit, and half is chance`(retry: Int, longest: Int64) {
    let policy = Self.policy
    #expect(policy.delay(retry: retry, retryAfterSeconds: nil, jitter: 255) == longest)
    #expect(policy.delay(retry: retry, retryAfterSeconds: nil, jitter: 0) == longest / 2)
  }

  @Test func `the server's wish is heeded up to a limit`() {
    let policy = Self.policy
    #expect(policy.delay(retry: 1, retryAfterSeconds: 7, jitter: 9) == 7000)
    #expect(policy.delay(retry: 1, retryAfterSeconds: 0, jitter: 9) == 0)
    #expect(policy.delay(retry: 1, retryAfterSeconds: 3600, jitter: 9) == 20_000)
    #expect(policy.delay(retry: 1, retryAfterSeconds: .max, jitter: 9) == 20_000)
    #expect(policy.delay(retry: 11, retryAfterSeconds: 7, jitter: 9) == nil)
  }

  @Test(
    arguments: [
      ("120", 120), ("Sun, 06 Nov 1994 08:49:37 GMT", 37), ("Sun, 06 Nov 1994 08:48:00 GMT", 0),
      ("soon", nil), ("-5", nil), ("", nil), ("99999999999999999999", nil),
      ("Sun, 06 Nov 1994 08:49:37 CET", nil),
    ] as [(String, Int64?)])
  func `Retry-After is seconds or a date by the server's clock`(text: String, seconds: Int64?) {
    let date = "Sun, 06 Nov 1994 08:49:00 GMT"
    #expect(RetryPolicy.seconds(retryAfter: text, date: date, now: 5) == seconds)
  }

  @Test(
    arguments: [
      ("Thu, 01 Jan 1970 00:00:00 GMT", 0), ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777),
      ("Thu, 29 Feb 2024 23:59:59 GMT", 1_709_251_199),
      ("Fri, 01 Mar 2024 00:00:00 GMT", 1_709_251_200),
      ("Tue, 19 Jan 2038 03:14:08 GMT", 2_147_483_648),
      ("Sun, 06-Nov-94 08:49:37 GMT", nil), ("Sun, 32 Nov 1994 08:49:37 GMT", nil),
      ("Sun, 06 Foo 1994 08:49:37 GMT", nil), ("Sun, 06 Nov 1994 24:49:37 GMT", nil),
    ] as [(String, Int64?)])
  func `dates are read`(text: String, seconds: Int64?) {
    #expect(HTTPDate.parse(text) == seconds)
    if let seconds { #expect(HTTPDate.text(seconds: seconds) == text) }
  }

  @Test(arguments: [-1, 253_402_300_800, .max] as [Int64])
  func `years without four digits are not written`(seconds: Int64) {
    #expect(HTTPDate.text(seconds: seconds) == nil)
  }

  @Test func `only what may change is tried again`() {
    let url = "http://h/"
    #expect(RetryPolicy.isTransient(.closed(url: url, receivedBytes: 0)))
    #expect(RetryPolicy.isTransient(.connect(address: "h", .connectionRefused)))
    #expect(RetryPolicy.isTransient(.resolve(host: "h", .unknownHost)))
    #expect(RetryPolicy.isTransient(.tooSlow(url: url)))
    #expect(RetryPolicy.isTransient(.timedOut(url: url, .connect)))
    #expect(!RetryPolicy.isTransient(.timedOut(url: url, .total)))
    #expect(!RetryPolicy.isTransient(.certificate(url: url, .expired)))
    #expect(!RetryPolicy.isTransient(.handshake(url: url, .version)))
    #expect(!RetryPolicy.isTransient(.notFound(url: url, status: 404)))
    #expect(!RetryPolicy.isTransient(.malformed(url: url, .statusLine)))
    for status in [408, 429, 500, 502, 503, 504] {
      #expect(RetryPolicy.isTransient(status: status))
    }
    for status in [400, 401, 403, 404, 410, 416, 431] {
      #expect(!RetryPolicy.isTransient(status: status))
    }
  }

  @Test func `progress makes retries start anew, crumbs do not`() {
    let state = TransferState(
      TransferRequest(HTTPURL("http://h/")!, limitBytes: 1 << 20), totalTimeoutMilliseconds: nil)
    state.countFailure()
    state.countFailure()
    #expect(state.retryCount == 2)
    state.offset = 4095
    state.countFailure()
    #expect(state.retryCount == 3)
    state.offset += 4096
    state.countFailure()
    #expect(state.retryCount == 1)
    // The same bytes a second time are no progress.
    state.forget()
    state.offset = 8000
    state.countFailure()
    #expect(state.retryCount == 2)
  }

  @Test func `the rate limit adds up over connections`() {
    let limiter = RateLimiter(bytesPerSecond: 1000)
    let now = Clock.monotonicNanoseconds + 1_000_000_000
    // A tenth of a second may be saved up.
    #expect(limiter.take(100, now: now) == 0)
    #expect(limiter.take(500, now: now) == 500_000_000)
    #expect(limiter.take(500, now: now + 500_000_000) == 500_000_000)
    #expect(limiter.take(0, now: now + 2_000_000_000) == 0)
  }

  @Test func `too slow is a window of waiting with too little in it`() {
    var options = TransportOptions()
    options.lowSpeedBytesPerSecond = 100
    options.lowSpeedSeconds = 2
    var speed = SpeedGuard(options)
    let second: Int64 = 1_000_000_000
    var verdicts: [Bool] = []
    for received in [0, 200, 199, 0] {
      speed.moved(received)
      verdicts.append(speed.isTooSlow(afterWaiting: second))
    }
    #expect(verdicts == [false, false, false, true])

    options.lowSpeedBytesPerSecond = 0
    speed = SpeedGuard(options)
    let isTooSlow = speed.isTooSlow(afterWaiting: 100 * second)
    #expect(!isTooSlow)
  }
}
