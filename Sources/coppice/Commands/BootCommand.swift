// SPDX-License-Identifier: Apache-2.0
import Initramfs
import Linux

extension Command {
  static let boot = Command(
    "boot", "finds, mounts and starts the deployment, as the first process of an initramfs",
    details:
      "This is also what the program does when the kernel starts it, for example as /init. "
      + "Understands root=, rootfstype=, rootflags=, rootdelay=, rootwait, ro, rw, init=, panic= "
      + "and ostree= of the kernel command line; coppice.debug says more, and coppice.shell gives "
      + "a shell, if there is one, where something failed. The arguments are for the system's "
      + "init.",
    operands: [.any("ARGUMENT")]
  ) { _ throws(Message) in
    throw Message(
      .usage, "not-first-process", "'coppice boot' is for the first process of an initramfs",
      hint: "'coppice prepare-root' does its mounts alone")
  }
}

/// The program as PID 1 of an initramfs.
enum BootRole {
  /// How many of the words of this process are ours, where it is the first one and nothing else
  /// than to start the system is asked of it: the others are for init. A container may run any
  /// command as its first process.
  static func ownWords(_ call: [String], isFirstProcess: Bool) -> Int? {
    guard isFirstProcess else { return nil }
    guard let word = call.dropFirst().first else { return 1 }
    if word == Command.boot.name { return 2 }
    if isInit(call) { return 1 }
    let isOurs = word.starts(with: "--") || Command.all.contains { $0.name == word }
    return isOurs ? nil : 1
  }

  /// Whether the program was called as `init`.
  static func isInit(_ call: [String]) -> Bool {
    call.first?.utf8.split(separator: UInt8(ascii: "/")).last?.elementsEqual("init".utf8) ?? false
  }

  /// Starts the system, or the machine anew.
  static func run(skipping skipped: Int) -> Never {
    _ = Process.setFileModeMask(0o022)
    var options: BootOptions?
    do throws(InitramfsError) {
      try KernelFileSystems.mount()
      let known = BootOptions(try KernelCommandLine.current())
      options = known
      let log = KernelLog()
      log.say(.info, "\(BuildIdentity.version) starts the system")
      let start = SystemStart(
        known, describe: { $0.message.text }, report: { show($0, log, known) })
      throw start.run(skipping: skipped)
    } catch { fail(error, options) }
  }

  private static func show(_ event: StartEvent, _ log: KernelLog, _ options: BootOptions) {
    let (level, words) = event.words
    if level != .debug || options.isDebugging {
      log.say(level == .debug ? .info : level, words)
    }
    if case .starting = event { log.restoreLimit() }
  }

  private static func fail(_ error: InitramfsError, _ options: BootOptions?) -> Never {
    let log = KernelLog()
    log.show(error.message)
    if options?.wantsShell == true { runShell(log) }
    let seconds = options?.panicSeconds ?? BootOptions.rebootSeconds
    log.say(.error, "the machine restarts in \(seconds) s")
    Clock.sleep(milliseconds: Int64(seconds) * 1000)
    let failure = InitialProcess.restart()
    // The end of the first process is a panic, which has its own time-out.
    log.say(.error, "error: cannot restart: \(failure.reason)")
    Process.exit(ExitCode.failed.rawValue)
  }

  private static let shells = ["/bin/sh", "/usr/bin/sh", "/bin/busybox"]

  private static func runShell(_ log: KernelLog) {
    guard let shell = shells.first(where: { (try? FileDescriptor.status(of: $0)) != nil }) else {
      return log.say(.warning, "warning: no shell in the initramfs")
    }
    log.say(.warning, "'coppice.shell' was given: \(shell); the machine restarts after it")
    do throws(Errno) { try InitialProcess.run(shell, onConsole: "/dev/console") } catch {
      log.say(.error, "error: cannot run '\(shell)': \(error.reason)")
    }
  }
}
