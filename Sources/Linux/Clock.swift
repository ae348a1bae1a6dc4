// SPDX-License-Identifier: Apache-2.0
internal import CLinux

/// The kernel's clocks. clock_gettime(2).
public enum Clock {
  /// Never goes back; its zero is arbitrary.
  public static var monotonicNanoseconds: Int64 { clinux_monotonic() }

  /// Seconds since 1970 in UTC; may jump.
  public static var wallSeconds: Int64 { clinux_realtime() / 1_000_000_000 }

  /// Whether something keeps the wall clock right since the machine started: NTP, for example.
  /// adjtimex(2).
  public static var isSynchronised: Bool { clinux_clock_is_synchronised() != 0 }

  /// sizeof(time_t) and sizeof(off_t) in our own C code: 8, or 2038 and 2 GiB are the end.
  public static var timeBytes: Int { Int(clinux_time_bytes()) }
  public static var fileOffsetBytes: Int { Int(clinux_offset_bytes()) }

  public static func sleep(milliseconds: Int64) { clinux_sleep(milliseconds * 1_000_000) }
}
