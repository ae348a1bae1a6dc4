// SPDX-License-Identifier: Apache-2.0
import Cryptography
import Linux
import Synchronization

/// What is read back from the medium, and hashed, before it counts.
public enum ReadBack: Sendable {
  case all
  case none
}

/// What publishing did, for reports.
public struct PublishReport: Sendable {
  public var objects: UInt64 = 0
  public var syncMilliseconds: Int64 = 0
  public var readBackMilliseconds: Int64 = 0
}

extension Staging {
  /// Makes every staged object part of the repo. Durable when it returns.
  ///
  /// 1. One `syncfs`: the data of all objects is on the medium.
  /// 2. With `readBack`, each is read from there and hashed, by as many threads as cores; the page
  ///    cache is dropped first, so that what the medium holds is what was asked for.
  /// 3. Renames into `objects/`, never over an object that is there; then the folders are synced.
  /// 4. Commits and their detached metadata follow last, and are synced.
  ///
  /// A power cut before 3 leaves the repo as it was, and in or after it sound: an object has its
  /// name only once its data is durable, a commit only once all of its objects are.
  public func publish(
    readBack: ReadBack, progress: @Sendable (UInt64) -> Void = { _ in }
  ) throws(OSTreeError) -> PublishReport {
    var report = PublishReport()
    let folders = try fresh.folders()
    if folders.isEmpty {
      try discard()
      return report
    }
    let start = Clock.monotonicNanoseconds
    if repo.configuration.usesFsync {
      try naming(repo.path) { () throws(Errno) in try repo.root.syncFileSystem() }
    }
    let synced = Clock.monotonicNanoseconds
    report.syncMilliseconds = (synced - start) / 1_000_000
    if readBack == .all {
      try readBackAll(folders)
      report.readBackMilliseconds = (Clock.monotonicNanoseconds - synced) / 1_000_000
    }
    report.objects = try move(folders, progress) { $0.type != .commit && $0.type != .commitMeta }
    report.objects += try move(folders, progress) { _ in true }
    try discard()
    return report
  }

  /// Removes the staged objects and what earlier runs left.
  public func discard() throws(OSTreeError) {
    try naming("\(repo.path)/coppice") { () throws(Errno) in
      let ours = try repo.root.openDirectory("coppice")
      try ours.removeTree("staging")
      try ours.removeTree("leftovers")
    }
  }

  private func readBackAll(_ folders: [String]) throws(OSTreeError) {
    let work = ReadBackWork(fresh, folders)
    Thread.fanOut(min(Thread.cores, max(folders.count, 1))) { _ in work.run() }
    if let failure = work.failure { throw failure }
  }

  /// Renames what `isWanted` into `objects/` and makes that durable.
  private func move(
    _ folders: [String], _ progress: (UInt64) -> Void, _ isWanted: (ObjectName) -> Bool
  ) throws(OSTreeError) -> UInt64 {
    var moved: UInt64 = 0
    for folder in folders {
      let names = try fresh.names(inFolder: folder).filter(isWanted)
      if names.isEmpty { continue }
      try naming("\(repo.objects.path)/\(folder)") { () throws(Errno) in
        try repo.objects.directory.makeDirectories(folder, mode: 0o775)
      }
      for name in names { try move(name) }
      moved += UInt64(names.count)
      progress(moved)
      try sync(folder)
    }
    if moved > 0 { try sync(".") }
    return moved
  }

  private func sync(_ folder: String) throws(OSTreeError) {
    guard repo.configuration.usesFsync else { return }
    try naming("\(repo.objects.path)/\(folder)") { () throws(Errno) in
      try repo.objects.directory.open(folder, [.readOnly, .directory]).sync()
    }
  }

  private func move(_ name: ObjectName) throws(OSTreeError) {
    let loose = fresh.loosePath(name)
    do throws(Errno) {
      // Detached metadata may change; everything else is the same under the same name, and the
      // inode that is there may be shared with deployments.
      try fresh.directory.rename(
        loose, into: repo.objects.directory, as: loose, replacing: name.type == .commitMeta)
    } catch {
      guard error == .exists else { throw .file(path: repo.objects.fullPath(name), error) }
      try fresh.remove(name)
    }
  }
}

/// Folders of staged objects, taken one by one by threads that hash what is in them.
private final class ReadBackWork: Sendable {
  private let store: LooseObjects
  private let folders: [String]
  private let next = Atomic<Int>(0)
  private let found = Guarded<OSTreeError?>(nil)

  init(_ store: LooseObjects, _ folders: [String]) {
    self.store = store
    self.folders = folders
  }

  var failure: OSTreeError? { found.withLock { $0 } }

  func run() {
    var hash = FileHash()
    while true {
      let index = next.add(1, ordering: .relaxed).oldValue
      if index >= folders.count || failure != nil { return }
      do throws(OSTreeError) { try hashFolder(folders[index], &hash) } catch {
        let failure = error
        found.withLock { if $0 == nil { $0 = failure } }
      }
    }
  }

  private func hashFolder(
    _ folder: String, _ hash: inout FileHash
  ) throws(OSTreeError) {
    for name in try store.names(inFolder: folder) where name.type != .commitMeta {
      let found = try store.checksum(of: name, &hash, dropping: true)
      guard found == name.checksum else {
        try store.remove(name)
        throw .corrupt(name, found: found)
      }
    }
  }
}
