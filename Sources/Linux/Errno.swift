// SPDX-License-Identifier: Apache-2.0
internal import CLinux

/// Why a system call failed. Carries no path: the module above adds it.
public struct Errno: Error, Hashable, Sendable {
  public let rawValue: Int32

  public init(_ rawValue: Int32) { self.rawValue = rawValue }

  /// What the last failed call of this thread left behind. errno(3).
  static var last: Errno { Errno(clinux_errno()) }

  /// The C library's words, for example "No such file or directory". strerror(3).
  public var text: String { unsafe String(cString: clinux_strerror(rawValue)) }

  /// The symbol, for example "ENOENT".
  public var name: String {
    guard let found = unsafe clinux_errno_name(rawValue) else { return "\(rawValue)" }
    return unsafe String(cString: found)
  }

  // The numbers are the same on every architecture that coppice serves (asm-generic/errno.h).
  public static let notPermitted = Errno(1)
  public static let notFound = Errno(2)
  public static let interrupted = Errno(4)
  public static let inputOutput = Errno(5)
  public static let badDescriptor = Errno(9)
  public static let again = Errno(11)
  public static let outOfMemory = Errno(12)
  public static let accessDenied = Errno(13)
  public static let busy = Errno(16)
  public static let exists = Errno(17)
  public static let crossDevice = Errno(18)
  public static let notDirectory = Errno(20)
  public static let isDirectory = Errno(21)
  public static let invalid = Errno(22)
  public static let notTerminal = Errno(25)
  public static let noSpace = Errno(28)
  public static let readOnlyFileSystem = Errno(30)
  public static let tooManyLinks = Errno(31)
  public static let brokenPipe = Errno(32)
  public static let range = Errno(34)
  public static let nameTooLong = Errno(36)
  public static let notImplemented = Errno(38)
  public static let notEmpty = Errno(39)
  public static let tooManySymbolicLinks = Errno(40)
  public static let noData = Errno(61)
  public static let overflow = Errno(75)
  public static let notSupported = Errno(95)
  public static let timedOut = Errno(110)
  public static let connectionRefused = Errno(111)
  public static let inProgress = Errno(115)
  public static let stale = Errno(116)
  public static let quota = Errno(122)
  public static let canceled = Errno(125)
}

/// Runs a system call until it is not interrupted by a signal: the only place that knows EINTR.
@inline(__always)
func retrying<T: FixedWidthInteger & SignedInteger>(_ call: () -> T) throws(Errno) -> T {
  while true {
    let result = call()
    if result >= 0 { return result }
    let errno = Errno.last
    if errno != .interrupted { throw errno }
  }
}
