// SPDX-License-Identifier: Apache-2.0
import Cryptography
import Linux

// Is everything in the repo what its name says, and is everything there that the commits need?
extension Repo {
  /// Checks the repo; finding problems is not an error, they are in the report.
  ///
  /// 1. Every object is hashed, each once, whether a commit needs it or not.
  /// 2. The trees of all commits are walked: is everything there? Partial commits are passed over,
  ///    but for those that an earlier check has marked.
  /// 3. Commits that lack objects are marked partial, so that the next pull completes them; one
  ///    that was marked and is complete loses the mark.
  /// 4. Refs name commits that are there, and those that were pulled say which refs they are for.
  ///
  /// Holds the shared lock: objects may come meanwhile, none may go. `progress` is called by any
  /// of the threads. ostree: `ostree fsck`.
  public func fsck(
    _ options: FsckOptions = FsckOptions(),
    progress: @escaping @Sendable (FsckProgress) -> Void = { _ in }
  ) throws(OSTreeError) -> FsckReport {
    try fsck(options, progress, under: try lock(.shared))
  }

  private func fsck(
    _ options: FsckOptions, _ progress: @escaping @Sendable (FsckProgress) -> Void,
    under lock: borrowing RepoLock
  ) throws(OSTreeError) -> FsckReport {
    var (report, commits) = try FsckHashing(objects, options, progress).run()
    let isMarking = options.marksCommits && isWritable
    // Beyond the list there may be any object: then no commit can be called sound.
    let isTruncated = report.problemCount > UInt64(report.problems.count)
    var walk = FsckWalk(self, damaged: Set(report.damaged))
    for commit in commits {
      let isMarked = try isMarkedDamaged(commit)
      if !isMarked, try isPartial(commit) {
        report.partialCommits.append(commit)
        continue
      }
      report.commits += 1
      let verdict = try walk.run(commit, into: &report)
      if verdict.isLacking || verdict.isSpoilt || isTruncated {
        report.unsoundCommits.append(commit)
        if isMarking, verdict.isLacking { try markPartial(commit, damaged: true) }
      } else if isMarked, isMarking {
        try clearPartial(commit)
      }
    }
    try checkRefs(&report)
    return report
  }

  private func checkRefs(_ report: inout FsckReport) throws(OSTreeError) {
    for (refspec, checksum) in try refs() {
      guard try contains(ObjectName(checksum, .commit)) else {
        report.add(.danglingRef(refspec, checksum))
        continue
      }
      // Refs of our own may point at any commit: deployments are held by such refs.
      guard refspec.remote != nil, !report.unsoundCommits.contains(checksum) else { continue }
      guard let bindings = try loadCommit(checksum).refBindings else { continue }
      if !bindings.contains(refspec.ref) { report.add(.foreignRef(refspec, checksum)) }
    }
  }

  /// Takes the damaged objects of a report away, so that a pull fetches them again. Durable when
  /// it returns.
  ///
  /// The commits that need them are marked first: whatever happens in between, a pull of the same
  /// commits then looks for every object. Deployments keep the inodes that they share with removed
  /// objects of a bare repo, and have to be deployed again. Throws `busy`.
  public func removeDamaged(_ report: FsckReport) throws(OSTreeError) {
    if !report.damaged.isEmpty { try removeDamaged(report, under: try lock(.exclusive)) }
  }

  private func removeDamaged(
    _ report: FsckReport, under lock: borrowing RepoLock
  ) throws(OSTreeError) {
    for commit in report.unsoundCommits { try markPartial(commit, damaged: true) }
    for name in report.damaged { try objects.remove(name) }
    try naming(path) { () throws(Errno) in try root.syncFileSystem() }
  }
}
