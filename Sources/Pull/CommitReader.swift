// SPDX-License-Identifier: Apache-2.0
import Cryptography
import OSTree

/// Reads commits from a remote and does not give one away before it is trusted: checksum,
/// signatures, bindings. Stores nothing.
struct CommitReader {
  let source: PullSource
  let remote: RemoteConfig
  let trust: RemoteTrust

  /// A commit that is trusted, with its detached metadata if it has any.
  struct Found {
    let commit: Commit
    let detached: [UInt8]?
  }

  /// Judges `bytes` if they are here already, else what the source has.
  func read(
    _ target: ResolvedTarget, present bytes: [UInt8]?
  ) throws(PullError) -> Found {
    let found = try read(target.commit, present: bytes, limitBytes: target.commitBytes)
    if let ref = target.ref, !target.isOurs {
      try checkBindings(found.commit, target.commit, ref: ref)
    }
    return found
  }

  /// As above, without a ref to be bound to.
  func read(
    _ checksum: Checksum, present: [UInt8]?, limitBytes: UInt64? = nil
  ) throws(PullError) -> Found {
    let name = ObjectName(checksum, .commit)
    let url = source.objectURL(name)
    // First what may change: it also tells about a commit that is here already.
    let detached = try source.object(
      ObjectName(checksum, .commitMeta), limitBytes: PullLimits.detachedBytesMax)
    var bytes = present
    if bytes == nil {
      // What a summary promises may be a lie.
      bytes = try source.object(
        name, limitBytes: min(limitBytes ?? .max, PullLimits.commitBytesMax))
    }
    guard let bytes else { throw .missing(name, url: url) }
    let found = SHA256.hash(bytes.span)
    guard found == checksum else { throw .corrupt(name, url: url, found: found) }
    try trust.check(bytes, checksum, detached: detached, source)
    do throws(FormatError) {
      return Found(commit: try Commit(parsing: bytes), detached: detached)
    } catch { throw .malformed(name, url: url, error) }
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
