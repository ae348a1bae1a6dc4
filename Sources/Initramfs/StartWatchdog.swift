// SPDX-License-Identifier: Apache-2.0
import Linux

/// The machine's watchdog until the system's init has it, where `coppice.watchdog=SECONDS` asks for
/// it. Each step feeds it, so that a start that hangs ends in a restart, which the boot loader
/// counts. It is handed over running: an init that does not feed it is restarted as well.
final class StartWatchdog {
  private let seconds: UInt32?
  private let path: String
  private var watchdog: Watchdog?

  /// `path` is the node of the first watchdog.
  init(_ options: BootOptions, path: String = "/dev/watchdog") {
    seconds = options.watchdogSeconds
    self.path = path
  }

  /// Whether it was asked for and does not run yet.
  var isMissing: Bool { seconds != nil && watchdog == nil }

  /// Starts it, and gives its seconds: a driver may round them, and nil is one that has its own.
  func start() throws(InitramfsError) -> Int32? {
    guard let seconds else { return nil }
    return try at(path) { () throws(Errno) in
      let opened = try Watchdog(path: path)
      let taken = try? opened.setTimeout(seconds: Int32(seconds))
      watchdog = consume opened
      return taken
    }
  }

  func feed() { try? watchdog?.feed() }
}
