// SPDX-License-Identifier: Apache-2.0
import Cryptography
import OSTree
import Transport

/// A static delta that leads to a wanted commit from what is here.
struct DeltaOffer {
  let name: DeltaName
  /// What the summary or the index says of its superblock.
  let superblock: Checksum
}

/// Looks for the static delta that fits best.
struct DeltaSearch {
  let refs: RemoteRefs
  let repo: Repo

  /// One of those from a commit that is here and complete, the newest of these; or the one that
  /// starts from nothing, where nothing is here that a pull object by object could build on. Nil
  /// if there is none: also where its list cannot be read, since all objects can be had without.
  func find(_ target: ResolvedTarget) throws(PullError) -> DeltaOffer? {
    guard let map = try map(to: target.commit) else { return nil }
    var best: (offer: DeltaOffer, timestamp: UInt64)?
    var scratch: DeltaOffer?
    for index in 0..<map.count {
      guard let entry = try? map.entry(at: index), entry.name.to == target.commit else { continue }
      let offer = DeltaOffer(name: entry.name, superblock: entry.superblock)
      guard let from = entry.name.from else {
        scratch = offer
        continue
      }
      guard let timestamp = try timestamp(ofComplete: from) else { continue }
      if timestamp >= best?.timestamp ?? 0 { best = (offer, timestamp) }
    }
    if let best { return best.offer }
    return try hasNothing(for: target) ? scratch : nil
  }

  private func map(to commit: Checksum) throws(PullError) -> DeltaMap? {
    guard refs.hasIndexedDeltas else { return refs.summary?.deltas }
    let file = DeltaName.indexPath(to: commit)
    let bytes: [UInt8]?
    do throws(PullError) {
      bytes = try refs.source.contentFile(file, limitBytes: PullLimits.deltaIndexBytesMax)
    } catch {
      guard case .transport(let cause) = error, case .tooLarge = cause else { throw error }
      return nil
    }
    guard let bytes else { return nil }
    return (try? DeltaIndex(parsing: bytes))?.deltas
  }

  private func timestamp(ofComplete commit: Checksum) throws(PullError) -> UInt64? {
    try ostree { () throws(OSTreeError) in
      guard try repo.contains(ObjectName(commit, .commit)), try !repo.isPartial(commit) else {
        return nil
      }
      return try repo.loadCommit(commit).timestamp
    }
  }

  private func hasNothing(for target: ResolvedTarget) throws(PullError) -> Bool {
    try ostree { () throws(OSTreeError) in
      guard let ref = target.ref, !target.isOurs else { return try repo.refs().isEmpty }
      return try repo.readRef(Refspec(remote: refs.remote.name, ref: ref)) == nil
    }
  }
}
