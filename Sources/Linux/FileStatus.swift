// SPDX-License-Identifier: Apache-2.0
internal import CLinux

/// What a file is: the type bits of its mode. inode(7).
public enum FileType: UInt32, Sendable {
  case fifo = 0o010000
  case characterDevice = 0o020000
  case directory = 0o040000
  case blockDevice = 0o060000
  case regular = 0o100000
  case symbolicLink = 0o120000
  case socket = 0o140000

  public static let mask: UInt32 = 0o170000

  public init?(mode: UInt32) { self.init(rawValue: mode & FileType.mask) }
}

/// What the file system knows of one file. stat(2).
public struct FileStatus: Sendable, Hashable {
  public let device: UInt64
  public let inode: UInt64
  public let sizeBytes: UInt64
  /// Blocks of 512 bytes.
  public let blocks: UInt64
  public let modifiedSeconds: Int64
  public let modifiedNanoseconds: UInt32
  /// Type and permission bits.
  public let mode: UInt32
  public let uid: UInt32
  public let gid: UInt32
  public let links: UInt64
  /// What a device node stands for: its numbers. makedev(3).
  public let nodeMajor: UInt32
  public let nodeMinor: UInt32
  /// `device` in the same form.
  public let deviceMajor: UInt32
  public let deviceMinor: UInt32

  public var size: UInt64 { sizeBytes }
  public var type: FileType? { FileType(mode: mode) }
  public var permissions: UInt32 { mode & 0o7777 }

  init(_ found: clinux_stat) {
    device = found.dev
    inode = found.ino
    sizeBytes = found.size
    blocks = found.blocks
    modifiedSeconds = found.mtime_seconds
    modifiedNanoseconds = found.mtime_nanoseconds
    mode = found.mode
    uid = found.uid
    gid = found.gid
    links = found.nlink
    nodeMajor = found.node_major
    nodeMinor = found.node_minor
    deviceMajor = found.dev_major
    deviceMinor = found.dev_minor
  }

  /// The same as one number, in the form of `device`.
  public var nodeDevice: UInt64 {
    let (major, minor) = (UInt64(nodeMajor), UInt64(nodeMinor))
    return (major & 0xFFFF_F000) << 32 | (major & 0xFFF) << 8 | (minor & 0xFFFF_FF00) << 12
      | minor & 0xFF
  }

  public func isSameFile(as other: FileStatus) -> Bool {
    device == other.device && inode == other.inode
  }
}

extension FileDescriptor {
  /// fstat(2).
  public borrowing func status() throws(Errno) -> FileStatus {
    let raw = self.raw
    var found = clinux_stat()
    _ = try retrying { unsafe clinux_fstat(raw, &found) }
    return FileStatus(found)
  }

  /// Of `path` relative to this directory; a symbolic link itself unless `following`. fstatat(2).
  public borrowing func status(
    of path: String, following: Bool = false
  ) throws(Errno) -> FileStatus {
    try FileDescriptor.status(raw, path, following)
  }

  /// Of `path` as seen from the working directory. fstatat(2).
  public static func status(of path: String, following: Bool = true) throws(Errno) -> FileStatus {
    try status(workingDirectory, path, following)
  }

  /// Nil where there is nothing of that name.
  public borrowing func statusIfPresent(
    of path: String, following: Bool = false
  ) throws(Errno) -> FileStatus? {
    do throws(Errno) { return try status(of: path, following: following) } catch {
      if error == .notFound || error == .notDirectory { return nil }
      throw error
    }
  }

  /// Whether there is anything of that name, a dangling symbolic link included.
  public borrowing func contains(_ path: String) throws(Errno) -> Bool {
    try statusIfPresent(of: path) != nil
  }

  private static func status(
    _ directory: Int32, _ path: String, _ following: Bool
  ) throws(Errno) -> FileStatus {
    var found = clinux_stat()
    let flags = following ? 0 : Int32(CLINUX_AT_SYMLINK_NOFOLLOW)
    _ = try retrying {
      unsafe withPath(path) { unsafe clinux_fstatat(directory, $0, flags, &found) }
    }
    return FileStatus(found)
  }

  /// Whether the caller may write to `path` below this directory. faccessat(2).
  public borrowing func isWritable(_ path: String = ".") -> Bool {
    let raw = self.raw
    return unsafe withPath(path) { unsafe clinux_faccessat(raw, $0, 2) } == 0
  }

  /// fchmod(2).
  public borrowing func setMode(_ mode: UInt32) throws(Errno) {
    let raw = self.raw
    _ = try retrying { clinux_fchmod(raw, mode & 0o7777) }
  }

  /// Follows a symbolic link. fchmodat(2).
  public borrowing func setMode(_ mode: UInt32, of path: String) throws(Errno) {
    let raw = self.raw
    _ = try retrying { unsafe withPath(path) { unsafe clinux_fchmodat(raw, $0, mode & 0o7777) } }
  }

  /// fchown(2). Clears set-user-id bits and file capabilities, so it comes before those.
  public borrowing func setOwner(uid: UInt32, gid: UInt32) throws(Errno) {
    let raw = self.raw
    _ = try retrying { clinux_fchown(raw, uid, gid) }
  }

  /// Of a symbolic link itself. fchownat(2).
  public borrowing func setOwner(uid: UInt32, gid: UInt32, of path: String) throws(Errno) {
    let raw = self.raw
    _ = try retrying {
      unsafe withPath(path) {
        unsafe clinux_fchownat(raw, $0, uid, gid, Int32(CLINUX_AT_SYMLINK_NOFOLLOW))
      }
    }
  }

  /// Access and modification time. futimens(3).
  public borrowing func setTimes(seconds: Int64, nanoseconds: UInt32 = 0) throws(Errno) {
    let raw = self.raw
    _ = try retrying { clinux_futimens(raw, seconds, nanoseconds) }
  }

  /// Access and modification time become now. futimens(3).
  public borrowing func touch() throws(Errno) {
    let raw = self.raw
    _ = try retrying { clinux_utimens_now(raw) }
  }
}
