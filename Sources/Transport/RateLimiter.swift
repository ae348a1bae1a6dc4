// SPDX-License-Identifier: Apache-2.0
internal import Linux

/// A budget of bytes a second that all connections of a client share (a token bucket).
final class RateLimiter: Sendable {
  /// How much may be saved up while nothing is received, as time.
  private static let burstNanoseconds: Int64 = 100_000_000

  private let bytesPerSecond: UInt64
  /// When the budget is level again, in monotonic nanoseconds.
  private let levelAt: Guarded<Int64>

  init(bytesPerSecond: UInt64) {
    self.bytesPerSecond = max(1, bytesPerSecond)
    levelAt = Guarded(Clock.monotonicNanoseconds)
  }

  /// Takes `bytes` off the budget; gives how long to wait before receiving more.
  func take(_ bytes: Int, now: Int64 = Clock.monotonicNanoseconds) -> Int64 {
    let cost = Int64(clamping: UInt64(bytes) * 1_000_000_000 / bytesPerSecond)
    return levelAt.withLock { level in
      level = max(level, now - RateLimiter.burstNanoseconds) + cost
      return max(0, level - now)
    }
  }
}
