// SPDX-License-Identifier: Apache-2.0
import Linux

/// The folder that the benchmarks work in, and that nothing is left of:
/// ```
/// DIR/.coppice-bench.PID/      all that is written
/// DIR/.coppice-bench.PID/lock  held as long as its process lives
/// ```
/// One that a killed process has left is removed by the next that works in the same directory.
final class Scratch: Sendable {
  let path: String
  let directory: FileDescriptor
  /// Who owns it: the benchmarks make files of the same owner.
  let status: FileStatus
  /// How much may be written at any one time.
  let roomBytes: UInt64
  /// How many files there may be at any one time.
  let filesMax: Int
  private let parent: FileDescriptor
  private let name: String
  private let lock: FileDescriptor

  private static let prefix = ".coppice-bench."
  static let lockName = "lock"
  /// The smallest measures take a quarter of it.
  static let freeBytesMin: UInt64 = 16 << 20
  private static let roomBytesMax: UInt64 = 512 << 20
  private static let filesMax = 65536

  /// Throws `notADirectory`, and `noSpace` if less than `freeBytesMin` are free.
  init(in path: String) throws(BenchError) {
    let parent = try Scratch.open(path)
    try at(path) { () throws(Errno) in try Scratch.removeLeftovers(in: parent) }
    let found = try at(path) { () throws(Errno) in try parent.fileSystemStatus() }
    if found.isReadOnly { throw .file(path: path, .readOnlyFileSystem) }
    guard found.freeBytes >= Scratch.freeBytesMin else {
      throw .noSpace(
        path: path, neededBytes: Scratch.freeBytesMin, freeBytes: found.freeBytes)
    }
    roomBytes = min(found.freeBytes / 4, Scratch.roomBytesMax)
    // File systems without a fixed number of inodes say 0.
    filesMax =
      found.inodesFree == 0
      ? Scratch.filesMax : Int(min(found.inodesFree / 4, UInt64(Scratch.filesMax)))
    name = "\(Scratch.prefix)\(Process.identifier)"
    self.path = "\(path)/\(name)"
    do throws(Errno) {
      try parent.makeDirectory(name, mode: 0o700)
      directory = try parent.openDirectory(name)
      lock = try directory.open(Scratch.lockName, [.readWrite, .create], mode: 0o600)
      _ = try lock.tryLock(.exclusive)
      status = try directory.status()
    } catch { throw .file(path: "\(path)/\(Scratch.prefix)\(Process.identifier)", error) }
    self.parent = parent
  }

  private static func open(_ path: String) throws(BenchError) -> FileDescriptor {
    do throws(Errno) { return try FileDescriptor.openDirectory(path) } catch {
      if error == .notFound || error == .notDirectory { throw .notADirectory(path) }
      throw .file(path: path, error)
    }
  }

  /// Removes all of it.
  func remove() throws(BenchError) {
    try at(path) { () throws(Errno) in try parent.removeTree(name) }
  }

  private static func removeLeftovers(in parent: borrowing FileDescriptor) throws(Errno) {
    for entry in try parent.entries() where entry.name.hasPrefix(prefix) {
      // Whoever begins at this moment has its folder before it has the lock.
      let owner = entry.name.utf8.dropFirst(prefix.utf8.count)
      let mayBegin = try parent.contains("/proc/\(String(owner)!)")
      guard let lock = try? parent.open("\(entry.name)/\(lockName)", [.readWrite]) else {
        if !mayBegin { try parent.removeTree(entry.name) }
        continue
      }
      if try lock.tryLock(.exclusive) { try parent.removeTree(entry.name) }
    }
  }
}

extension Scratch {
  /// An empty folder, whatever was there.
  func makeFolder(_ name: String) throws(BenchError) {
    try at("\(path)/\(name)") { () throws(Errno) in
      try directory.removeTree(name)
      try directory.makeDirectory(name, mode: 0o700)
    }
  }

  func remove(_ name: String) throws(BenchError) {
    try at("\(path)/\(name)") { () throws(Errno) in try directory.removeTree(name) }
  }

  /// All that was written here reaches the medium, and what others wrote as well.
  func sync() throws(BenchError) {
    try at(path) { () throws(Errno) in try directory.syncFileSystem() }
  }

  /// Makes a file of so many bytes that no file system can pack. Durable if `syncs`.
  func makeFile(
    _ name: String, bytes: Int64, _ payload: inout Payload, syncs: Bool = false
  ) throws(BenchError) {
    let piece = payload.piece
    try at("\(path)/\(name)") { () throws(Errno) in
      let file = try directory.open(name, [.writeOnly, .create, .truncate], mode: 0o600)
      var left = bytes
      while left > 0 {
        let count = Int(min(left, Int64(piece.count)))
        try file.write(piece.span.extracting(0..<count))
        left -= Int64(count)
      }
      if syncs { try file.syncData() }
    }
  }
}
