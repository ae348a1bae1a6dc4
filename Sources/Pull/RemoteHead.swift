// SPDX-License-Identifier: Apache-2.0
public import Cryptography
public import OSTree

/// What a remote offers under one name.
public struct RemoteHead: Sendable {
  /// Nil where a commit was named by its checksum.
  public let ref: String?
  public let checksum: Checksum
  /// Trusted as far as the remote's settings demand.
  public let commit: Commit
}

extension CommitPull {
  /// What the remote said the last time.
  var summaryCache: SummaryCache { SummaryCache(repo, remote: remote.name) }

  /// Asks what the targets of the options name now, in their order. Commits are judged as `run`
  /// judges them, but for their age; nothing is stored and no lock is taken.
  public func heads() throws(PullError) -> [RemoteHead] {
    let trust = try RemoteTrust(remote)
    let reader = CommitReader(source: source, remote: remote, trust: trust)
    var heads: [RemoteHead] = []
    for target in try RemoteRefs(source, remote, trust, summaryCache).resolve(options) {
      let present = try ostree { () throws(OSTreeError) -> [UInt8]? in
        let name = ObjectName(target.commit, .commit)
        return try repo.contains(name) ? try repo.loadBytes(name) : nil
      }
      let found = try reader.read(target, present: present)
      heads.append(RemoteHead(ref: target.ref, checksum: target.commit, commit: found.commit))
    }
    return heads
  }
}
