// SPDX-License-Identifier: Apache-2.0
import Cryptography
import OSTree

/// A commit of a pull, trusted and staged. Of a long history only the roots are kept.
struct PulledCommit {
  let checksum: Checksum
  let rootTree: Checksum
  let rootMeta: Checksum
}

/// The commits of a pull: those that were named and, as deep as was asked for, their parents.
struct CommitChain {
  private let fetch: CommitFetch
  private let options: PullOptions
  private var seen: Set<Checksum> = []
  /// Whose trees are wanted: not those that are complete in the repo.
  private(set) var commits: [PulledCommit] = []

  init(_ fetch: CommitFetch, _ options: PullOptions) {
    self.fetch = fetch
    self.options = options
  }

  mutating func follow(_ target: ResolvedTarget) throws(PullError) {
    let repo = fetch.staging.repo
    let wasComplete = try isComplete(target.commit, in: repo)
    let commit = try fetch.fetch(target)
    if let ref = target.ref, !target.isOurs { try checkAge(commit, target.commit, ref: ref) }
    add(commit, target.commit, isComplete: wasComplete)

    var parent = commit.parent
    var generation: UInt64 = 0
    while let checksum = parent, generation < options.depth ?? UInt64(PullLimits.historyMax) {
      let wasComplete = try isComplete(checksum, in: repo)
      guard let commit = try fetch.fetchParent(checksum) else { return }
      add(commit, checksum, isComplete: wasComplete)
      parent = commit.parent
      generation += 1
    }
  }

  private func isComplete(_ checksum: Checksum, in repo: Repo) throws(PullError) -> Bool {
    try ostree { () throws(OSTreeError) in
      guard try repo.contains(ObjectName(checksum, .commit)) else { return false }
      return try !repo.isPartial(checksum)
    }
  }

  private mutating func add(_ commit: Commit, _ checksum: Checksum, isComplete: Bool) {
    guard seen.insert(checksum).inserted, !isComplete else { return }
    commits.append(
      PulledCommit(checksum: checksum, rootTree: commit.rootTree, rootMeta: commit.rootMeta))
  }

  /// A ref does not go back in time: an old commit, signed once, may have known holes.
  private func checkAge(
    _ commit: Commit, _ checksum: Checksum, ref: String
  ) throws(PullError) {
    guard options.checksTimestamp else { return }
    let refspec = Refspec(remote: options.isMirror ? nil : fetch.remote.name, ref: ref)
    let current = try ostree { () throws(OSTreeError) -> Commit? in
      let repo = fetch.staging.repo
      guard let current = try repo.readRef(refspec), current != checksum else { return nil }
      guard try repo.contains(ObjectName(current, .commit)) else { return nil }
      return try repo.loadCommit(current)
    }
    guard let current, commit.timestamp < current.timestamp else { return }
    throw .older(ref: ref, checksum, timestamp: commit.timestamp, than: current.timestamp)
  }
}
