// SPDX-License-Identifier: Apache-2.0
internal import CLinux

/// An open file or directory: closed once, when its one owner lets go of it. Always close-on-exec.
@frozen public struct FileDescriptor: ~Copyable, Sendable {
  /// The number, for libraries that want one. Owned by this value.
  public let raw: Int32

  /// Takes over `raw`, which nobody else may close.
  public init(owning raw: Int32) { self.raw = raw }

  deinit { _ = clinux_close(raw) }

  /// Ends the ownership without closing.
  public consuming func release() -> Int32 {
    let raw = self.raw
    discard self
    return raw
  }

  /// A second descriptor of the same open file. dup(2).
  public borrowing func duplicate() throws(Errno) -> FileDescriptor {
    let raw = self.raw
    return FileDescriptor(owning: try retrying { clinux_dup(raw) })
  }
}

/// Stands for the working directory in calls that take a directory. openat(2).
var workingDirectory: Int32 { Int32(CLINUX_AT_FDCWD) }

/// What a file is opened for.
public struct OpenOptions: OptionSet, Sendable {
  public let rawValue: Int32
  public init(rawValue: Int32) { self.rawValue = rawValue }

  public static var readOnly: OpenOptions { OpenOptions(rawValue: CLINUX_O_RDONLY) }
  public static var writeOnly: OpenOptions { OpenOptions(rawValue: CLINUX_O_WRONLY) }
  public static var readWrite: OpenOptions { OpenOptions(rawValue: CLINUX_O_RDWR) }
  public static var create: OpenOptions { OpenOptions(rawValue: CLINUX_O_CREAT) }
  public static var exclusive: OpenOptions { OpenOptions(rawValue: CLINUX_O_EXCL) }
  public static var truncate: OpenOptions { OpenOptions(rawValue: CLINUX_O_TRUNC) }
  public static var append: OpenOptions { OpenOptions(rawValue: CLINUX_O_APPEND) }
  public static var directory: OpenOptions { OpenOptions(rawValue: CLINUX_O_DIRECTORY) }
  /// The last component must not be a symbolic link.
  public static var noFollow: OpenOptions { OpenOptions(rawValue: CLINUX_O_NOFOLLOW) }
  /// Names a place without opening it for reading or writing.
  public static var pathOnly: OpenOptions { OpenOptions(rawValue: CLINUX_O_PATH) }
  public static var nonBlocking: OpenOptions { OpenOptions(rawValue: CLINUX_O_NONBLOCK) }
  static var temporary: OpenOptions { OpenOptions(rawValue: CLINUX_O_TMPFILE) }
}

extension FileDescriptor {
  /// Opens `path` as seen from the working directory. openat(2).
  public static func open(
    _ path: String, _ options: OpenOptions = .readOnly, mode: UInt32 = 0o644
  ) throws(Errno) -> FileDescriptor {
    try openAt(workingDirectory, path, options, mode)
  }

  /// Opens `path` relative to this directory. openat(2).
  public borrowing func open(
    _ path: String, _ options: OpenOptions = .readOnly, mode: UInt32 = 0o644
  ) throws(Errno) -> FileDescriptor {
    try FileDescriptor.openAt(raw, path, options, mode)
  }

  /// Opens a directory that is not a symbolic link.
  public borrowing func openDirectory(_ path: String) throws(Errno) -> FileDescriptor {
    try open(path, [.readOnly, .directory, .noFollow])
  }

  /// Opens a directory as seen from the working directory; links are followed.
  public static func openDirectory(_ path: String) throws(Errno) -> FileDescriptor {
    try open(path, [.readOnly, .directory])
  }

  /// Opens `path` relative to this directory, never leaving it and never through a symbolic link.
  /// Does not wait for the other end of a fifo that is found there. openat2(2), Linux 5.6.
  public borrowing func openBeneath(
    _ path: String, _ options: OpenOptions = .readOnly
  ) throws(Errno) -> FileDescriptor {
    try openResolving(
      path, options, UInt64(CLINUX_RESOLVE_BENEATH | CLINUX_RESOLVE_NO_SYMLINKS))
  }

  /// Opens `path` as a program would see it whose root is this directory: links are followed, and
  /// absolute ones as well as `..` stay inside. Does not wait for the other end of a fifo that is
  /// found there. openat2(2), Linux 5.6.
  public borrowing func openInRoot(
    _ path: String, _ options: OpenOptions = .readOnly
  ) throws(Errno) -> FileDescriptor {
    try openResolving(path, options, UInt64(CLINUX_RESOLVE_IN_ROOT))
  }

  /// The path, relative to this directory, of the regular file to which the link `path` leads in
  /// the manner of `openInRoot`; nil if it leads to none. Needs /proc.
  public borrowing func fileBehindLink(_ path: String) throws(Errno) -> String? {
    let file: FileDescriptor
    do throws(Errno) { file = try openInRoot(path, .pathOnly) } catch {
      switch error {
      case .notFound, .notDirectory, .tooManySymbolicLinks: return nil
      default: throw error
      }
    }
    guard try file.status().type == .regular else { return nil }
    let (own, found) = (try ownPath(), try file.ownPath())
    let prefix = own.utf8.elementsEqual("/".utf8) ? own : "\(own)/"
    guard found.utf8.starts(with: prefix.utf8) else { return nil }
    return String(found.utf8.dropFirst(prefix.utf8.count))
  }

  /// Where this file is as the kernel sees it. proc(5), `/proc/self/fd`.
  private borrowing func ownPath() throws(Errno) -> String {
    try symbolicLinkTarget(of: "/proc/self/fd/\(raw)")
  }

  private borrowing func openResolving(
    _ path: String, _ options: OpenOptions, _ resolve: UInt64
  ) throws(Errno) -> FileDescriptor {
    let raw = self.raw
    // O_PATH takes no other flag, and opens nothing that could wait.
    let flags = options.contains(.pathOnly) ? options : options.union(.nonBlocking)
    return FileDescriptor(
      owning: try retrying {
        unsafe withPath(path) {
          unsafe clinux_openat2(raw, $0, UInt64(flags.rawValue), 0, resolve)
        }
      })
  }

  /// An unnamed file in this directory, gone when closed unless `link(as:in:)` names it.
  /// open(2), `O_TMPFILE`. Throws `.notSupported` or `.isDirectory` on file systems without it.
  public borrowing func openTemporary(mode: UInt32 = 0o600) throws(Errno) -> FileDescriptor {
    try open(".", [.temporary, .readWrite], mode: mode)
  }

  private static func openAt(
    _ directory: Int32, _ path: String, _ options: OpenOptions, _ mode: UInt32
  ) throws(Errno) -> FileDescriptor {
    FileDescriptor(
      owning: try retrying {
        unsafe withPath(path) { unsafe clinux_openat(directory, $0, options.rawValue, mode) }
      })
  }

  /// A pipe: what is written to the second is read from the first. pipe2(2).
  public static func pipe() throws(Errno) -> FilePipe {
    var ends: (Int32, Int32) = (-1, -1)
    _ = try retrying {
      unsafe withUnsafeMutableBytes(of: &ends) {
        unsafe clinux_pipe($0.assumingMemoryBound(to: Int32.self).baseAddress!)
      }
    }
    return FilePipe(
      reading: FileDescriptor(owning: ends.0), writing: FileDescriptor(owning: ends.1))
  }
}

/// The two ends of a pipe.
public struct FilePipe: ~Copyable {
  public let reading: FileDescriptor
  public let writing: FileDescriptor
}
