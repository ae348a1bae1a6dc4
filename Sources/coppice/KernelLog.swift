// SPDX-License-Identifier: Apache-2.0
import Linux

/// Where words go before there is a system: the log of the kernel, which shows them on the console
/// as far as `quiet` and `loglevel=` let it, and keeps them for the system's own log.
struct KernelLog {
  private static let path = "/dev/kmsg"
  /// The kernel drops most of what one writer says at once, unless it is told not to.
  private static let limit = "/proc/sys/kernel/printk_devkmsg"

  init() { KernelLog.setLimit("on") }

  /// As at the start, so that the system finds it as the kernel has it.
  func restoreLimit() { KernelLog.setLimit("ratelimit") }

  func show(_ message: Message) {
    say(.error, "error: \(message.text)")
    if let hint = message.hint { say(.error, "hint: \(hint)") }
  }

  /// Opened each time: where it is changes with the root.
  func say(_ level: Terminal.Level, _ text: String) {
    let line = "coppice: \(Terminal.printable(text))\n"
    do throws(Errno) {
      try FileDescriptor.open(KernelLog.path, .writeOnly).write("<\(level.rawValue)>\(line)")
    } catch { Process.print(line, to: 2) }
  }

  /// Where the kernel command line has said it (`printk.devkmsg=`), that stands.
  private static func setLimit(_ word: String) {
    do throws(Errno) {
      try FileDescriptor.open(limit, .writeOnly).write("\(word)\n")
    } catch { return }
  }
}
