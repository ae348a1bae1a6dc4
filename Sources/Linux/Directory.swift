// SPDX-License-Identifier: Apache-2.0
internal import CLinux

// Changes to directories. None of them is durable before the directory's own `sync()`, or a
// `syncFileSystem()`, has returned.
extension FileDescriptor {
  /// mkdirat(2). The mode is masked by the umask.
  public borrowing func makeDirectory(_ path: String, mode: UInt32 = 0o755) throws(Errno) {
    let raw = self.raw
    _ = try retrying { unsafe withPath(path) { unsafe clinux_mkdirat(raw, $0, mode) } }
  }

  /// Makes `path` and every directory on the way that is missing; what is there stays as it is.
  public borrowing func makeDirectories(_ path: String, mode: UInt32 = 0o755) throws(Errno) {
    do throws(Errno) { return try makeDirectory(path, mode: mode) } catch {
      if error == .exists { return }
      guard error == .notFound, let parent = FileDescriptor.parent(of: path) else { throw error }
      try makeDirectories(parent, mode: mode)
    }
    do throws(Errno) { try makeDirectory(path, mode: mode) } catch {
      if error != .exists { throw error }
    }
  }

  private static func parent(of path: String) -> String? {
    var bytes = path.utf8[...]
    while bytes.last == UInt8(ascii: "/") { bytes.removeLast() }
    guard let slash = bytes.lastIndex(of: UInt8(ascii: "/")) else { return nil }
    let parent = String(bytes[..<slash])
    return parent == nil || parent!.isEmpty ? nil : parent
  }

  /// Removes a file or symbolic link. unlinkat(2).
  public borrowing func unlink(_ path: String) throws(Errno) { try unlink(path, flags: 0) }

  /// Removes a file or symbolic link; false if there was none.
  @discardableResult
  public borrowing func unlinkIfPresent(_ path: String) throws(Errno) -> Bool {
    do throws(Errno) { try unlink(path) } catch {
      if error == .notFound { return false }
      throw error
    }
    return true
  }

  /// Removes an empty directory. unlinkat(2), `AT_REMOVEDIR`.
  public borrowing func removeDirectory(_ path: String) throws(Errno) {
    try unlink(path, flags: Int32(CLINUX_AT_REMOVEDIR))
  }

  private borrowing func unlink(_ path: String, flags: Int32) throws(Errno) {
    let raw = self.raw
    _ = try retrying { unsafe withPath(path) { unsafe clinux_unlinkat(raw, $0, flags) } }
  }

  /// Removes `path` and all below it; nothing to do if it is missing. Links are not followed.
  /// Flags that forbid it (`chattr +i`, `chattr +a`) are cleared first where `clearingImmutable`,
  /// those of files inside as well.
  public borrowing func removeTree(
    _ path: String, clearingImmutable: Bool = false
  ) throws(Errno) {
    guard let found = try statusIfPresent(of: path) else { return }
    guard found.type == .directory else {
      return try removeFile(path, found, clearingImmutable: clearingImmutable)
    }
    let directory = try openDirectory(path)
    if clearingImmutable { try? directory.clearProtection() }
    for entry in try directory.entries() {
      if entry.type == .directory {
        try directory.removeTree(entry.name, clearingImmutable: clearingImmutable)
      } else {
        do throws(Errno) { try directory.unlink(entry.name) } catch {
          // A file system that does not tell types says so only now.
          if error != .isDirectory && error != .notPermitted { throw error }
          try directory.removeTree(entry.name, clearingImmutable: clearingImmutable)
        }
      }
    }
    try removeDirectory(path)
  }

  private borrowing func removeFile(
    _ path: String, _ found: FileStatus, clearingImmutable: Bool
  ) throws(Errno) {
    do throws(Errno) { try unlink(path) } catch {
      guard error == .notPermitted, clearingImmutable, found.type == .regular else { throw error }
      try open(path, [.readOnly, .noFollow, .nonBlocking]).clearProtection()
      try unlink(path)
    }
  }

  /// Renames within this directory, replacing what has that name. renameat2(2).
  public borrowing func rename(_ path: String, to newPath: String) throws(Errno) {
    try rename(path, into: self, as: newPath)
  }

  /// Renames into another directory of the same file system. renameat2(2).
  public borrowing func rename(
    _ path: String, into directory: borrowing FileDescriptor, as newPath: String,
    replacing: Bool = true
  ) throws(Errno) {
    try rename(path, directory.raw, newPath, replacing ? 0 : UInt32(CLINUX_RENAME_NOREPLACE))
  }

  /// Swaps two names in one step. Throws `.invalid` where the file system cannot.
  /// renameat2(2), `RENAME_EXCHANGE`.
  public borrowing func exchange(_ path: String, with other: String) throws(Errno) {
    try rename(path, raw, other, UInt32(CLINUX_RENAME_EXCHANGE))
  }

  private borrowing func rename(
    _ path: String, _ directory: Int32, _ newPath: String, _ flags: UInt32
  ) throws(Errno) {
    let raw = self.raw
    _ = try retrying {
      unsafe withPath(path) { from in
        unsafe withPath(newPath) { to in
          unsafe clinux_renameat2(raw, from, directory, to, flags)
        }
      }
    }
  }

  /// A second name for the file `path`, not followed if it is a symbolic link. linkat(2).
  public borrowing func link(
    _ path: String, into directory: borrowing FileDescriptor, as newPath: String
  ) throws(Errno) {
    let (from, to) = (raw, directory.raw)
    _ = try retrying {
      unsafe withPath(path) { old in
        unsafe withPath(newPath) { new in unsafe clinux_linkat(from, old, to, new, 0) }
      }
    }
  }

  /// A name for this unnamed file. linkat(2), `AT_EMPTY_PATH` or through /proc without the right.
  public borrowing func link(
    into directory: borrowing FileDescriptor, as path: String
  ) throws(Errno) {
    let (from, to) = (raw, directory.raw)
    do throws(Errno) {
      _ = try retrying {
        unsafe withPath(path) {
          unsafe clinux_linkat(from, "", to, $0, Int32(CLINUX_AT_EMPTY_PATH))
        }
      }
    } catch {
      guard error == .notFound || error == .notPermitted else { throw error }
      _ = try retrying {
        unsafe withPath(path) {
          unsafe clinux_linkat(
            workingDirectory, "/proc/self/fd/\(from)", to, $0, Int32(CLINUX_AT_SYMLINK_FOLLOW))
        }
      }
    }
  }

  /// Makes a symbolic link at `path` that says `target`. symlinkat(2).
  public borrowing func symbolicLink(_ path: String, to target: String) throws(Errno) {
    let raw = self.raw
    _ = try retrying {
      unsafe withPath(target) { old in
        unsafe withPath(path) { new in unsafe clinux_symlinkat(old, raw, new) }
      }
    }
  }

  /// What the symbolic link `path` says. readlinkat(2).
  public borrowing func symbolicLinkTarget(of path: String) throws(Errno) -> String {
    let raw = self.raw
    var buffer = [CChar](repeating: 0, count: 4096)
    let count = try retrying {
      unsafe withPath(path) { name in
        unsafe buffer.withUnsafeMutableBufferPointer {
          unsafe clinux_readlinkat(raw, name, $0.baseAddress!, 4095)
        }
      }
    }
    if count >= 4095 { throw .nameTooLong }
    return unsafe buffer.withUnsafeBufferPointer {
      unsafe FileName.decode(cString: $0.baseAddress!)
    }
  }

  /// Nil if there is nothing of that name, or it is not a symbolic link.
  public borrowing func symbolicLinkTargetIfPresent(of path: String) throws(Errno) -> String? {
    do throws(Errno) { return try symbolicLinkTarget(of: path) } catch {
      if error == .notFound || error == .invalid || error == .notDirectory { return nil }
      throw error
    }
  }

  /// A character device, here only the 0:0 that overlayfs reads as a whiteout. mknodat(2).
  public borrowing func makeWhiteout(_ path: String, mode: UInt32) throws(Errno) {
    let raw = self.raw
    let full = FileType.characterDevice.rawValue | (mode & 0o7777)
    _ = try retrying { unsafe withPath(path) { unsafe clinux_mknodat(raw, $0, full, 0) } }
  }
}

/// One name in a directory.
public struct DirectoryEntry: Sendable, Hashable {
  public let name: String
  /// Nil where the file system does not tell; ask `status(of:)` then.
  public let type: FileType?
}

extension FileDescriptor {
  /// All names in this directory but `.` and `..`, in the order of the file system. The whole
  /// list in memory: for directories of unknown size take `forEachEntry`. readdir(3).
  public borrowing func entries() throws(Errno) -> [DirectoryEntry] {
    var entries: [DirectoryEntry] = []
    try forEachEntry { (entry) throws(Errno) in entries.append(entry) }
    return entries
  }

  /// As `entries`, sorted by the bytes of the names.
  public borrowing func sortedEntries() throws(Errno) -> [DirectoryEntry] {
    try entries().sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
  }

  /// Calls `body` for each name in this directory but `.` and `..`, one at a time. readdir(3).
  public borrowing func forEachEntry(
    _ body: (DirectoryEntry) throws(Errno) -> Void
  ) throws(Errno) {
    let stream = try DirectoryStream(of: self)
    while let entry = try stream.next() { try body(entry) }
  }
}

/// A walk over the names of one directory, for callers with an error type of their own.
/// readdir(3).
@safe public struct DirectoryStream: ~Copyable {
  private let stream: UnsafeMutableRawPointer

  /// Starts at the front, whatever the descriptor's own position is.
  public init(of directory: borrowing FileDescriptor) throws(Errno) {
    let copy = try directory.open(".", [.readOnly, .directory])
    guard let stream = unsafe clinux_fdopendir(copy.raw) else { throw .last }
    _ = copy.release()
    unsafe self.stream = stream
  }

  deinit { unsafe clinux_closedir(stream) }

  /// The next name, or nil at the end.
  public borrowing func next() throws(Errno) -> DirectoryEntry? {
    var name: UnsafePointer<CChar>?
    var type: UInt8 = 0
    while try retrying({ unsafe clinux_readdir(stream, &name, &type) }) == 1 {
      guard let bytes = unsafe name else { return nil }
      let decoded = unsafe FileName.decode(cString: bytes)
      if decoded == "." || decoded == ".." { continue }
      return DirectoryEntry(name: decoded, type: FileType(rawValue: UInt32(type) << 12))
    }
    return nil
  }
}
