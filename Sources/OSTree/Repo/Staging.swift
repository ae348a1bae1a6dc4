// SPDX-License-Identifier: Apache-2.0
import Cryptography
import Linux

/// Where fresh objects wait until all of them are durable:
/// ```
/// REPO/coppice/lock            held by the one coppice that adds objects
/// REPO/coppice/staging/XX/…    written by this run; hashed as they were written
/// REPO/coppice/leftovers/XX/…  written by a run that did not finish; hashed again first
/// REPO/coppice/partial/…       where the download of a large file can go on
/// ```
/// Not in `REPO/tmp`, where libostree deletes what it does not know. Nothing here is seen by
/// readers of the repo before `publish`. Shared by the threads of one pull.
public final class Staging: Sendable {
  public let repo: Repo
  let fresh: LooseObjects
  let leftovers: LooseObjects?
  let partials: FileDescriptor
  private let lock: FileDescriptor

  fileprivate init(
    _ repo: Repo, _ fresh: LooseObjects, leftovers: LooseObjects?,
    partials: consuming FileDescriptor, lock: consuming FileDescriptor
  ) {
    self.partials = partials
    self.repo = repo
    self.fresh = fresh
    self.leftovers = leftovers
    self.lock = lock
  }

  // A program that somebody starts at this moment has a copy of the open file until its exec(2).
  deinit { lock.unlock() }

  /// No honest object of metadata is larger; libostree's limit since 2023.4.
  public static let metadataLimitBytes = LooseObjects.metadataLimitBytes

  /// Whether the object need not be fetched: it is in the repo, or was written by this run, or was
  /// left by an earlier one and has the right checksum. What was left and is damaged is removed.
  public func contains(_ name: ObjectName) throws(OSTreeError) -> Bool {
    if try fresh.contains(name) { return true }
    if try repo.contains(name) { return true }
    guard let leftovers, try leftovers.contains(name) else { return false }
    if name.type == .file, partialFile(name.checksum) != nil { return false }
    return try adopt(name, from: leftovers)
  }

  private func adopt(
    _ name: ObjectName, from leftovers: LooseObjects
  ) throws(OSTreeError) -> Bool {
    var isSound = false
    var hash = FileHash()
    do throws(OSTreeError) {
      isSound = try leftovers.checksum(of: name, &hash, dropping: true) == name.checksum
    } catch {
      // What cannot be read as an object is not one; only trouble with the medium is an error.
      if case .file(_, let errno) = error, errno != .notFound { throw error }
    }
    guard isSound else {
      try leftovers.remove(name)
      return false
    }
    let loose = fresh.loosePath(name)
    try naming(fresh.fullPath(name)) { () throws(Errno) in
      try fresh.makeFolder(for: name)
      try leftovers.directory.rename(loose, into: fresh.directory, as: loose)
    }
    return true
  }

  /// An object of metadata that this run or an earlier one has stored. Throws `missing`.
  public func loadBytes(_ name: ObjectName) throws(OSTreeError) -> [UInt8] {
    if let bytes = try fresh.loadMetadata(name) { return bytes }
    return try repo.loadBytes(name)
  }

  public func loadCommit(_ checksum: Checksum) throws(OSTreeError) -> Commit {
    let name = ObjectName(checksum, .commit)
    let bytes = try loadBytes(name)
    return try parsing(name) { () throws(FormatError) in try Commit(parsing: bytes) }
  }

  /// A dirtree that this run or an earlier one has stored; a large one is not taken into memory.
  public func loadDirTree(_ checksum: Checksum) throws(OSTreeError) -> DirTree {
    if let tree = try fresh.loadDirTree(checksum, verifying: false) { return tree }
    return try repo.loadDirTree(checksum)
  }

  /// Adds an object of metadata. Throws `corrupt` if the bytes do not have that checksum; detached
  /// metadata, which is not named for its bytes, is taken as it is. Durable after `publish`.
  public func storeMetadata(_ name: ObjectName, _ bytes: [UInt8]) throws(OSTreeError) {
    precondition(name.type != .file, "files go through a sink")
    if name.type != .commitMeta {
      let found = SHA256.hash(bytes.span)
      if found != name.checksum { throw .corrupt(name, found: found) }
    }
    let loose = fresh.loosePath(name)
    try naming(fresh.fullPath(name)) { () throws(Errno) in
      let file = try openInFolder(loose, for: name, mode: 0o644)
      try file.write(bytes)
      try file.setMode(0o644)
    }
  }

  /// Opens a new file at the object's place, replacing what an attempt of this run left.
  func openInFolder(
    _ loose: String, for name: ObjectName, mode: UInt32
  ) throws(Errno) -> FileDescriptor {
    let options: OpenOptions = [.readWrite, .create, .truncate, .noFollow]
    do throws(Errno) { return try fresh.directory.open(loose, options, mode: mode) } catch {
      guard error == .notFound else { throw error }
      try fresh.makeFolder(for: name)
      return try fresh.directory.open(loose, options, mode: mode)
    }
  }

}

extension Repo {
  /// Begins to add objects. Throws `busy` if another coppice is at it. The caller holds the
  /// repo's shared lock as long as it uses the result.
  public func stage() throws(OSTreeError) -> Staging {
    let folder = "\(path)/coppice"
    do throws(Errno) {
      try root.makeDirectories("coppice", mode: 0o700)
      let ours = try root.openDirectory("coppice")
      let lock = try ours.open("lock", [.readWrite, .create], mode: 0o600)
      guard try lock.tryLock(.exclusive) else { throw .busy }
      let leftovers = try Repo.keepLeftovers(ours, path: folder, mode: mode)
      try ours.makeDirectories("staging", mode: 0o700)
      let fresh = LooseObjects(
        try ours.openDirectory("staging"), path: "\(folder)/staging", mode: mode)
      try ours.makeDirectories("partial", mode: 0o700)
      return Staging(
        self, fresh, leftovers: leftovers, partials: try ours.openDirectory("partial"), lock: lock)
    } catch {
      if error == .busy { throw .busy(path: "\(folder)/lock") }
      throw .file(path: folder, error)
    }
  }

  /// Moves what an interrupted run staged to `leftovers`; nil if there is nothing left over.
  private static func keepLeftovers(
    _ ours: borrowing FileDescriptor, path: String, mode: RepoMode
  ) throws(Errno) -> LooseObjects? {
    if try ours.contains("staging") {
      if try !ours.contains("leftovers") {
        try ours.rename("staging", to: "leftovers")
      } else {
        try moveObjects(
          from: try ours.openDirectory("staging"), to: try ours.openDirectory("leftovers"))
        try ours.removeTree("staging")
      }
    }
    guard try ours.contains("leftovers") else { return nil }
    let directory = try ours.openDirectory("leftovers")
    return LooseObjects(directory, path: "\(path)/leftovers", mode: mode)
  }

  private static func moveObjects(
    from: borrowing FileDescriptor, to: borrowing FileDescriptor
  ) throws(Errno) {
    for folder in try from.entries() {
      try to.makeDirectories(folder.name, mode: 0o700)
      let source = try from.openDirectory(folder.name)
      let target = try to.openDirectory(folder.name)
      for file in try source.entries() {
        try source.rename(file.name, into: target, as: file.name)
      }
    }
  }
}
