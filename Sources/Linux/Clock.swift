// SPDX-License-Identifier: Apache-2.0
internal import CLinux

/// The kernel's clocks. clock_gettime(2).
public enum Clock {
  /// Never goes back; its zero is arbitrary.
  public static var monotonicNanoseconds: Int64 { clinux_monotonic() }

  /// Seconds since 1970 in UTC; may jump.
  public static var wallSeconds: Int64 { clinux_realtime() / 1_000_000_000 }

  public static func sleep(milliseconds: Int64) { clinux_sleep(milliseconds * 1_000_000) }
}
