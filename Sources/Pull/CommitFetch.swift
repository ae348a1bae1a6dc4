// SPDX-License-Identifier: Apache-2.0
import Cryptography
import OSTree

/// Fetches commits, and does not store one before it is trusted: checksum, signatures, bindings,
/// age.
struct CommitFetch {
  let source: PullSource
  let remote: RemoteConfig
  let trust: RemoteTrust
  let staging: Staging
  let progress: PullProgress

  /// The commit that a target names, stored with its detached metadata and marked partial.
  func fetch(_ target: ResolvedTarget) throws(PullError) -> Commit {
    let commit = try fetch(target.commit, limitBytes: target.commitBytes)
    if let ref = target.ref {
      try checkBindings(commit, target.commit, ref: ref)
    }
    return commit
  }

  /// As `fetch`, for a parent: nil if the server does not have it, which ends the history.
  func fetchParent(_ checksum: Checksum) throws(PullError) -> Commit? {
    do throws(PullError) { return try fetch(checksum, limitBytes: nil) } catch {
      if case .missing(let name, _) = error, name.checksum == checksum { return nil }
      throw error
    }
  }

  private func fetch(_ checksum: Checksum, limitBytes: UInt64?) throws(PullError) -> Commit {
    let name = ObjectName(checksum, .commit)
    let url = source.objectURL(name)
    // First what may change: it also tells about a commit that is here already.
    let detachedName = ObjectName(checksum, .commitMeta)
    let detached = try source.object(detachedName, limitBytes: PullLimits.detachedBytesMax)
    var bytes = try present(name)
    let isFresh = bytes == nil
    if bytes == nil {
      bytes = try source.object(name, limitBytes: limitBytes ?? PullLimits.commitBytesMax)
    }
    guard let bytes else { throw .missing(name, url: url) }
    let found = SHA256.hash(bytes.span)
    guard found == checksum else { throw .corrupt(name, url: url, found: found) }
    try trust.check(bytes, checksum, detached: detached, source)

    let commit: Commit
    do throws(FormatError) { commit = try Commit(parsing: bytes) } catch {
      throw .malformed(name, url: url, error)
    }
    try ostree { () throws(OSTreeError) in
      if let detached, try !isPresent(detachedName, detached) {
        try staging.storeMetadata(detachedName, detached)
      }
      guard isFresh else { return }
      try staging.repo.markPartial(checksum)
      try staging.storeMetadata(name, bytes)
    }
    if isFresh {
      progress.received(bytes.count)
      progress.stored(name, bytes: UInt64(bytes.count))
    }
    return commit
  }

  /// Whether these very bytes are in the repo.
  private func isPresent(_ name: ObjectName, _ bytes: [UInt8]) throws(OSTreeError) -> Bool {
    guard try staging.repo.contains(name) else { return false }
    return try staging.repo.loadBytes(name) == bytes
  }

  private func present(_ name: ObjectName) throws(PullError) -> [UInt8]? {
    try ostree { () throws(OSTreeError) in
      guard try staging.contains(name) else { return nil }
      return try staging.loadBytes(name)
    }
  }

  /// A commit may say which refs and which collection it belongs to, so that a server cannot pass
  /// one branch off as another. ostree spec: ref and collection bindings.
  private func checkBindings(
    _ commit: Commit, _ checksum: Checksum, ref: String
  ) throws(PullError) {
    let bound = commit.refBindings
    if let bound, !bound.contains(ref) {
      throw .refBinding(ref: ref, checksum, bound: bound)
    }
    guard let expected = remote.collectionID else { return }
    guard commit.collectionBinding == expected else {
      throw .collectionBinding(expected: expected, checksum, found: commit.collectionBinding)
    }
    if bound == nil { throw .refBinding(ref: ref, checksum, bound: []) }
  }
}
