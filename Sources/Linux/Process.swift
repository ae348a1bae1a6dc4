// SPDX-License-Identifier: Apache-2.0
internal import CLinux

/// This process: what it was given, what it used, how it ends.
public enum Process {
  /// Program name first. Known before `main` and without /proc.
  public static var arguments: [String] {
    (0..<clinux_argument_count()).map { unsafe FileName.decode(cString: clinux_argument($0)) }
  }

  /// getenv(3).
  public static func environment(_ name: String) -> String? {
    guard let value = unsafe clinux_environment(name) else { return nil }
    return unsafe FileName.decode(cString: value)
  }

  public static var isRoot: Bool { clinux_effective_user() == 0 }
  public static var identifier: Int32 { clinux_process_id() }

  /// For example "x86_64", "aarch64", "armv7l". uname(2).
  public static var machine: String { unsafe String(cString: clinux_machine()) }
  /// For example "6.1.0-28-amd64". uname(2).
  public static var kernelRelease: String { unsafe String(cString: clinux_kernel_release()) }

  /// Another one after each start of the kernel; nil without /proc. random(4), `boot_id`.
  public static var bootIdentifier: String? {
    let text = try? FileDescriptor.open("/proc/sys/kernel/random/boot_id").readAll(limit: 256)
    return text.map { String(decoding: $0.prefix { $0 > UInt8(ascii: " ") }, as: UTF8.self) }
  }

  public static func exit(_ code: Int32) -> Never { clinux_exit(code) }

  /// From here on this process is killed when the one that started it ends. Throws if that happens
  /// meanwhile. prctl(2), `PR_SET_PDEATHSIG`.
  public static func endWithParent() throws(Errno) {
    _ = try retrying { clinux_end_with_parent() }
  }

  /// Sets the mask of permission bits that new files do not get; gives the old one. umask(2).
  @discardableResult
  public static func setFileModeMask(_ mask: UInt32) -> UInt32 { clinux_umask(mask) }

  public static func isTerminal(_ descriptor: Int32) -> Bool { clinux_is_terminal(descriptor) != 0 }

  /// Width of the terminal, or nil.
  public static func terminalColumns(_ descriptor: Int32) -> Int? {
    let columns = clinux_terminal_columns(descriptor)
    return columns > 0 ? Int(columns) : nil
  }

  /// Writes to standard output (1) or standard error (2), all of it or as much as is taken.
  public static func print(_ text: String, to descriptor: Int32) {
    let file = FileDescriptor(owning: descriptor)
    try? file.write(text)
    _ = file.release()
  }

  /// Writing to a closed connection is an error of the call, not the end of the process.
  public static func ignoreBrokenPipes() { clinux_ignore_sigpipe() }

  /// From here on the first SIGINT, SIGTERM or SIGHUP only makes `isInterrupted` true.
  public static func catchInterrupts() { clinux_catch_interrupts() }
  public static var isInterrupted: Bool { clinux_interrupted() != 0 }

  /// User and system time so far, and the peak resident set. getrusage(2), proc_pid_status(5).
  public static var usage: (userNanoseconds: Int64, systemNanoseconds: Int64, peakBytes: UInt64) {
    var (user, system, peak): (Int64, Int64, UInt64) = (0, 0, 0)
    unsafe clinux_usage(&user, &system, &peak)
    // What getrusage says includes the process that started this one, up to its exec.
    return (user, system, peakBytes(of: "self") ?? peak)
  }

  /// The peak resident set of a process; nil if there is none or no /proc.
  public static func peakBytes(of process: String) -> UInt64? {
    guard let text = try? FileDescriptor.open("/proc/\(process)/status").readAll(limit: 64 << 10)
    else { return nil }
    for line in text.split(separator: UInt8(ascii: "\n"))
    where line.starts(with: "VmHWM:".utf8) {
      let digits = line.filter { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
      return UInt64(String(decoding: digits, as: UTF8.self)).map { $0 * 1024 }
    }
    return nil
  }

  /// Bytes that nobody can foretell. getrandom(2).
  public static func randomBytes(_ count: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    let result = unsafe bytes.withUnsafeMutableBytes {
      unsafe clinux_random($0.baseAddress ?? empty, count)
    }
    if result != 0 { die("the kernel gives no random bytes") }
    return bytes
  }

  /// Restarts the machine by the init system's own program, so that file systems go down in order.
  public static func reboot() throws(Errno) {
    _ = clinux_sync_all()
    _ = try retrying { clinux_reboot_by_systemd() }
  }
}

/// Ends the process because of a mistake of ours: says so on standard error and aborts. What a
/// trap would say is lost in Embedded Swift.
public func die(_ why: String) -> Never {
  Process.print("coppice: internal error: \(why)\n", to: 2)
  clinux_abort()
}
