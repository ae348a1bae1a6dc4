// SPDX-License-Identifier: Apache-2.0
internal import CLinux

/// What restarts the machine unless it is fed. Opened it runs, and when this value ends it goes on
/// running: who comes next has to feed it. (Documentation/watchdog/watchdog-api.rst)
public struct Watchdog: ~Copyable {
  private let file: FileDescriptor

  /// Starts it, or takes over one that runs. open(2); throws `.notFound` where there is none, and
  /// `.busy` where another process has it.
  public init(path: String) throws(Errno) { file = try FileDescriptor.open(path, [.writeOnly]) }

  /// Gives the time that it really has now: a driver takes what its hardware can do. Throws
  /// `.notSupported` where it cannot be changed. WDIOC_SETTIMEOUT.
  public func setTimeout(seconds: Int32) throws(Errno) -> Int32 {
    let raw = file.raw
    return try retrying { clinux_set_watchdog_seconds(raw, seconds) }
  }

  /// The time begins anew. WDIOC_KEEPALIVE.
  public func feed() throws(Errno) {
    let raw = file.raw
    _ = try retrying { clinux_feed_watchdog(raw) }
  }
}
