// SPDX-License-Identifier: Apache-2.0
import Cryptography
import OSTree

/// Fetches commits and stores those that are trusted, with their detached metadata.
struct CommitFetch {
  let reader: CommitReader
  let staging: Staging
  let progress: PullProgress

  var remote: RemoteConfig { reader.remote }

  /// The commit that a target names, stored and marked partial.
  func fetch(_ target: ResolvedTarget) throws(PullError) -> Commit {
    let present = try present(ObjectName(target.commit, .commit))
    let found = try reader.read(target, present: present)
    try store(found, target.commit, isFresh: present == nil)
    return found.commit
  }

  /// As `fetch`, for a parent: nil if the server does not have it, which ends the history.
  func fetchParent(_ checksum: Checksum) throws(PullError) -> Commit? {
    let present = try present(ObjectName(checksum, .commit))
    do throws(PullError) {
      let found = try reader.read(checksum, present: present)
      try store(found, checksum, isFresh: present == nil)
      return found.commit
    } catch {
      if case .missing(let name, _) = error, name.checksum == checksum { return nil }
      throw error
    }
  }

  private func store(
    _ found: CommitReader.Found, _ checksum: Checksum, isFresh: Bool
  ) throws(PullError) {
    let name = ObjectName(checksum, .commit)
    let detachedName = ObjectName(checksum, .commitMeta)
    try ostree { () throws(OSTreeError) in
      if let detached = found.detached, try !isPresent(detachedName, detached) {
        try staging.storeMetadata(detachedName, detached)
      }
      guard isFresh else { return }
      try staging.repo.markPartial(checksum)
      try staging.storeMetadata(name, found.commit.bytes)
    }
    guard isFresh else { return }
    progress.received(found.commit.bytes.count)
    progress.stored(name, bytes: UInt64(found.commit.bytes.count))
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
}
