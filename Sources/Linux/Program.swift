// SPDX-License-Identifier: Apache-2.0
internal import CLinux

/// How a program ended.
public enum ProgramEnd: Hashable, Sendable {
  case exited(Int32)
  case killed(signal: Int32)
  /// It ran too long, and was killed with all that it had started in its process group.
  case timedOut
}

/// Other programs.
public enum Program {
  /// Runs a program without arguments and waits for its end: with no input, its output where
  /// standard error goes. A script without a first line that names its shell is run by /bin/sh.
  /// fork(2), execve(2), setpgid(2).
  public static func run(_ path: String, limitSeconds: Int) throws(Errno) -> ProgramEnd {
    let limit = Int64(limitSeconds) * 1_000_000_000
    let result = try retrying {
      unsafe withPath(path) { unsafe clinux_run_program($0, limit) }
    }
    if result == CLINUX_TIMED_OUT { return .timedOut }
    return result < 256 ? .exited(result) : .killed(signal: result - 256)
  }
}
