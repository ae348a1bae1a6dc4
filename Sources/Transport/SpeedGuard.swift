// SPDX-License-Identifier: Apache-2.0

/// Notices a connection that is too slow: only time spent waiting for the other side counts, so
/// neither our own work nor a rate limit is held against it.
struct SpeedGuard {
  private let bytesMin: UInt64
  private let windowNanoseconds: Int64
  private var bytes: UInt64 = 0
  private var waited: Int64 = 0

  init(_ options: TransportOptions) {
    bytesMin =
      UInt64(max(0, options.lowSpeedBytesPerSecond))
      .multipliedReportingOverflow(by: UInt64(max(0, options.lowSpeedSeconds))).partialValue
    windowNanoseconds = Int64(max(0, options.lowSpeedSeconds)) * 1_000_000_000
  }

  /// A new window, as after each complete response.
  mutating func reset() { (bytes, waited) = (0, 0) }

  mutating func moved(_ count: Int) { bytes += UInt64(count) }

  enum Verdict { case open, fastEnough, tooSlow }

  /// Whether, after this wait, enough has moved in the time that is allowed; open while it lasts.
  mutating func judge(afterWaiting nanoseconds: Int64) -> Verdict {
    waited += nanoseconds
    guard bytesMin > 0, waited >= windowNanoseconds else { return .open }
    if bytes < bytesMin { return .tooSlow }
    reset()
    return .fastEnough
  }

  /// Whether, after this wait, too little has moved for too long.
  mutating func isTooSlow(afterWaiting nanoseconds: Int64) -> Bool {
    if case .tooSlow = judge(afterWaiting: nanoseconds) { return true }
    return false
  }
}
