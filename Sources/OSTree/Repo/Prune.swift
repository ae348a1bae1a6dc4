// SPDX-License-Identifier: Apache-2.0
import Cryptography
import Linux

/// What may stay.
public struct PruneOptions: Sendable {
  /// How many generations of parents stay with each commit; nil for all of history.
  public var depth: UInt64?
  /// Only what refs name stays; otherwise every commit that is in the repo.
  public var refsOnly = false
  /// Nothing is removed, only counted.
  public var isDryRun = false

  public init() {}
}

/// What was removed, or would be.
public struct PruneReport: Sendable, Hashable {
  /// Objects before.
  public var objects: UInt64 = 0
  public var removedObjects: UInt64 = 0
  public var removedCommits: UInt64 = 0
  public var removedDeltas: UInt64 = 0
  /// Of objects that no deployment shares; the others' space comes back with the deployment.
  public var freedBytes: UInt64 = 0
}

// Takes away what nothing refers to. ostree: `ostree_repo_prune`.
extension Repo {
  /// Removes objects that no commit needs, with the detached metadata and marks of commits that
  /// go, static deltas to commits that are not there, and cached summaries of remotes that no
  /// longer exist.
  ///
  /// Refs of all kinds count. What a commit needs stays although objects of it are missing, if it
  /// is partial; otherwise a missing folder stops the pruning with `missing`, before anything is
  /// removed. Commits go first and durably, then what they needed: a power cut leaves only sound
  /// commits. Holds the exclusive lock; throws `busy` if it is not to be had.
  ///
  /// Memory: about 20 bytes for each object that stays.
  public func prune(
    _ options: PruneOptions = PruneOptions()
  ) throws(OSTreeError) -> PruneReport {
    try prune(options, under: try lock(options.isDryRun ? .shared : .exclusive))
  }

  private func prune(
    _ options: PruneOptions, under lock: borrowing RepoLock
  ) throws(OSTreeError) -> PruneReport {
    var reachable = Reachability(self)
    for commit in try rootCommits() { try reachable.add(commit, depth: options.depth) }
    if !options.refsOnly {
      for commit in try commits() { try reachable.add(commit, depth: options.depth) }
    }
    var sweep = PruneSweep(self, reachable, isDryRun: options.isDryRun)
    try sweep.run()
    return sweep.report
  }

  /// What the refs name: our own, those of remotes, and mirrored ones.
  private func rootCommits() throws(OSTreeError) -> Set<Checksum> {
    var roots = Set(try refs().map { $0.commit })
    roots.formUnion(try mirrorRefs())
    return roots
  }
}

/// Which objects stay.
///
/// An object is known by eight of its bytes: two that share them are both kept, which does no harm.
/// Folders that were walked are known by all, since passing over one would lose what is below it.
struct Reachability {
  private let repo: Repo
  private var keys: Set<UInt64> = []
  private var walked: Set<Checksum> = []
  /// Commits with the generations of parents that were asked for.
  private var commits: [Checksum: UInt64] = [:]

  init(_ repo: Repo) { self.repo = repo }

  /// Whether the object stays. Detached metadata goes with its commit; tombstones always stay.
  func contains(_ name: ObjectName) -> Bool {
    switch name.type {
    case .tombstoneCommit: true
    case .commitMeta: commits[name.checksum] != nil
    case .commit: commits[name.checksum] != nil
    case .file, .dirTree, .dirMeta: keys.contains(Reachability.key(name))
    }
  }

  private static func key(_ name: ObjectName) -> UInt64 {
    var key: UInt64 = 0
    for index in 0..<8 { key = key << 8 | UInt64(name.checksum[index]) }
    // The same checksum may, in theory, name objects of several types.
    return key ^ UInt64(name.type.rawValue)
  }

  /// Keeps a commit, if it is there, and `depth` generations of its parents.
  mutating func add(_ commit: Checksum, depth: UInt64?) throws(OSTreeError) {
    var next: Checksum? = commit
    var left = depth ?? .max
    while let checksum = next, try repo.contains(ObjectName(checksum, .commit)) {
      let known = commits[checksum]
      if let known, known >= left { return }
      commits[checksum] = left
      let commit = try repo.loadCommit(checksum)
      if known == nil {
        keys.insert(Reachability.key(ObjectName(commit.rootMeta, .dirMeta)))
        try walk(commit.rootTree, isPartial: try repo.isPartial(checksum))
      }
      if left == 0 { return }
      left -= left == .max ? 0 : 1
      next = commit.parent
    }
  }

  private mutating func walk(_ root: Checksum, isPartial: Bool) throws(OSTreeError) {
    var waiting = [root]
    while let checksum = waiting.popLast() {
      guard !walked.contains(checksum) else { continue }
      keys.insert(Reachability.key(ObjectName(checksum, .dirTree)))
      let tree: DirTree
      do throws(OSTreeError) { tree = try repo.loadDirTree(checksum) } catch {
        if case .missing = error, isPartial { continue }
        throw error
      }
      walked.insert(checksum)
      for index in 0..<tree.fileCount {
        keys.insert(Reachability.key(ObjectName(tree.fileChecksum(at: index), .file)))
      }
      for index in 0..<tree.directoryCount {
        let directory = tree.directory(at: index)
        keys.insert(Reachability.key(ObjectName(directory.meta, .dirMeta)))
        if !walked.contains(directory.tree) { waiting.append(directory.tree) }
      }
    }
  }
}
