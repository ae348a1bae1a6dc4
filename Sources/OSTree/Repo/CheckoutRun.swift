// SPDX-License-Identifier: Apache-2.0
import Cryptography
import Linux
import Synchronization

/// One checkout under way: the calling thread walks the tree and makes the folders, and it and a
/// thread for each other core put the files into them. Memory: a buffer for each thread. Open
/// files: one for each level of folders, and one for each folder that waits for its files.
final class CheckoutRun: Sendable {
  private let repo: Repo
  private let options: CheckoutOptions
  /// Whether folders and copies get no owner: asked for, or never stored.
  private let isUser: Bool
  private let jobs: Channel<Job>
  private let state = Guarded(State())

  private struct State {
    var report = CheckoutReport()
    var failure: OSTreeError?
    /// Many folders share few of these.
    var metas: [Checksum: DirMeta] = [:]
  }

  /// More distinct ones than any honest tree has; then the collection starts again.
  private static let metasMax = 1024
  /// So few that all threads end at about the same time, so many that asking for them costs little.
  private static let filesPerJob = 32
  private static let jobsPerThread = 4

  /// A folder that is being filled.
  private final class Level: Sendable {
    let directory: FileDescriptor
    let tree: DirTree
    let meta: Checksum
    let path: String
    /// Who still has to do with it: the walk, and jobs.
    let users = Atomic<Int>(1)

    init(
      _ directory: consuming FileDescriptor, _ tree: DirTree, meta: Checksum, path: String
    ) {
      self.directory = directory
      self.tree = tree
      self.meta = meta
      self.path = path
    }
  }

  /// Some files of a folder.
  private struct Job: Sendable {
    let level: Level
    let files: Range<Int>
  }

  init(_ repo: Repo, _ options: CheckoutOptions) {
    self.repo = repo
    self.options = options
    isUser = options.mode == .user || repo.mode == .bareUserOnly
    jobs = Channel(capacity: CheckoutRun.jobsPerThread * Thread.cores)
  }

  /// Fills the folder `root.name`, which was made, from the top down; each gets its owner, mode
  /// and time when all is in it.
  func fill(
    _ root: DirTree.Directory, _ parent: borrowing FileDescriptor
  ) throws(OSTreeError) -> CheckoutReport {
    var helpers = ThreadGroup()
    for _ in 1..<max(1, Thread.cores) {
      // With fewer threads it takes longer, no more.
      do throws(Errno) { try helpers.start { self.help() } } catch { break }
    }
    var files = CheckoutFiles(repo, options)
    do throws(OSTreeError) {
      try walk(root, parent, &files)
      while !hasFailed, let job = jobs.tryReceive() { try run(job, &files) }
    } catch { note(error) }
    jobs.close(discarding: hasFailed)
    helpers.join()
    add(files.report)
    if let failure = state.withLock({ $0.failure }) { throw failure }
    return state.withLock { $0.report }
  }

  private func walk(
    _ root: DirTree.Directory, _ parent: borrowing FileDescriptor, _ files: inout CheckoutFiles
  ) throws(OSTreeError) {
    var levels: [(level: Level, nextDirectory: Int)] = []
    levels.append((try open(root, in: parent, path: root.name), 0))
    try hand(levels[0].level, &files)
    while let (level, next) = levels.last, !hasFailed {
      guard next < level.tree.directoryCount else {
        try release(level)
        levels.removeLast()
        continue
      }
      levels[levels.count - 1].nextDirectory += 1
      let child = level.tree.directory(at: next)
      let path = "\(level.path)/\(child.name)"
      try naming(path) { () throws(Errno) in
        try level.directory.makeDirectory(child.name, mode: 0o700)
      }
      levels.append((try open(child, in: level.directory, path: path), 0))
      try hand(levels[levels.count - 1].level, &files)
    }
  }

  private func open(
    _ child: DirTree.Directory, in parent: borrowing FileDescriptor, path: String
  ) throws(OSTreeError) -> Level {
    let tree = try repo.loadDirTree(child.tree, verifying: true)
    do throws(Errno) {
      let directory = try parent.openDirectory(child.name)
      return Level(directory, tree, meta: child.meta, path: path)
    } catch { throw .file(path: path, error) }
  }
}

extension CheckoutRun {
  /// Hands the files of a folder to the threads; when they have enough to do, to this one.
  private func hand(_ level: Level, _ files: inout CheckoutFiles) throws(OSTreeError) {
    var start = 0
    while start < level.tree.fileCount, !hasFailed {
      let end = min(start + CheckoutRun.filesPerJob, level.tree.fileCount)
      let job = Job(level: level, files: start..<end)
      level.users.add(1, ordering: .relaxed)
      if !jobs.trySend(job) { try run(job, &files) }
      start = end
    }
  }

  private func help() {
    var files = CheckoutFiles(repo, options)
    while !hasFailed, let job = jobs.receive() {
      do throws(OSTreeError) { try run(job, &files) } catch { note(error) }
    }
    add(files.report)
  }

  private func run(_ job: Job, _ files: inout CheckoutFiles) throws(OSTreeError) {
    let level = job.level
    for index in job.files {
      try files.place(level.tree.file(at: index), in: level.directory, path: level.path)
    }
    try release(level)
  }

  /// The last who had to do with a folder gives it its owner, mode and time.
  private func release(_ level: Level) throws(OSTreeError) {
    guard level.users.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 else { return }
    let meta = try load(level.meta)
    state.withLock { $0.report.directories += 1 }
    // A repo that keeps no owners keeps folders that others can enter from being written by all.
    let mode = repo.mode == .bareUserOnly ? meta.mode & 0o775 : meta.mode
    try naming(level.path) { () throws(Errno) in
      if !isUser {
        try level.directory.setOwner(uid: meta.uid, gid: meta.gid)
        for attribute in meta.xattrs {
          try level.directory.setExtendedAttribute(attribute.name, attribute.value)
        }
      }
      try level.directory.setMode(mode)
      try level.directory.setTimes(seconds: 0)
    }
  }

  private func load(_ checksum: Checksum) throws(OSTreeError) -> DirMeta {
    if let meta = state.withLock({ $0.metas[checksum] }) { return meta }
    let meta = try repo.loadDirMeta(checksum, verifying: true)
    state.withLock { state in
      if state.metas.count >= CheckoutRun.metasMax { state.metas = [:] }
      state.metas[checksum] = meta
    }
    return meta
  }

  private var hasFailed: Bool { state.withLock { $0.failure != nil } }

  private func note(_ error: OSTreeError) {
    state.withLock { $0.failure = $0.failure ?? error }
  }

  private func add(_ report: CheckoutReport) {
    state.withLock { state in
      state.report.linked += report.linked
      state.report.copied += report.copied
      state.report.copiedBytes += report.copiedBytes
    }
  }
}
