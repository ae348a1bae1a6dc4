// SPDX-License-Identifier: Apache-2.0
import Codec

/// What a snapshot says: the versions of all targets metadata that belong together. TUF
/// specification, 4.4.
struct SnapshotMetadata: Sendable {
  let envelope: Envelope
  private let meta: JSONNode

  /// Throws `malformed` for any entry that is none, also for those that nobody will ask for. The
  /// signatures are the caller's to check.
  init(_ envelope: Envelope) throws(UptaneError) {
    guard let meta = envelope.signed["meta"], meta.kind == .object else {
      throw envelope.place.malformed(.member("meta"))
    }
    self.envelope = envelope
    self.meta = meta
    for (name, entry) in meta.members {
      _ = try FileListing(entry, name: name, in: envelope.place)
    }
  }

  /// What it says of a role; nil if it does not list it.
  func listing(of role: Role) throws(UptaneError) -> FileListing? {
    let name = "\(role.name).json"
    guard let entry = meta[name] else { return nil }
    return try FileListing(entry, name: name, in: envelope.place)
  }

  /// Refuses to forget what `known`, the snapshot before this, has listed. TUF specification,
  /// 5.5.5. What `ota` says of its root is of no use here.
  ///
  /// Gives the delegated roles that are gone: in `ota` a server takes a revoked role out of the
  /// snapshot, so there they are suspicious only if targets still delegate to them.
  ///
  /// Throws `rollback` of the role that goes back, `roleRemoved`.
  func checkFollows(
    _ known: SnapshotMetadata, _ judgement: Judgement
  ) throws(UptaneError) -> [String] {
    let (found, trusted) = (envelope.version, known.envelope.version)
    if found < trusted {
      throw envelope.place.error(.rollback(found: found, trusted: trusted))
    }
    var removed: [String] = []
    for (name, node) in known.meta.members where !same(name, "root.json") {
      let before = try FileListing(node, name: name, in: known.envelope.place)
      let role = Role(listedAs: name) ?? .delegated(name)
      guard let entry = meta[name] else {
        guard envelope.dialect == .ota, role != .targets else {
          throw envelope.place.error(.roleRemoved(role.name))
        }
        removed.append(role.name)
        continue
      }
      let now = try FileListing(entry, name: name, in: envelope.place)
      if now.version < before.version {
        throw judgement.place(role).error(
          .rollback(found: now.version, trusted: before.version))
      }
    }
    return removed
  }
}

extension TrustedTimestamp {
  /// Judges the snapshot that this timestamp names, and holds it against the one that is stored.
  /// TUF specification, 5.5; Uptane Standard 2.1.0, 5.4.4.5.
  ///
  /// Works for the stored snapshot as well, which need not be fetched if it is accepted. A stored
  /// one that is damaged, or that the root's keys did not sign, counts for nothing.
  ///
  /// Throws what is wrong.
  public borrowing func accept(
    snapshot bytes: [UInt8], stored: [UInt8]?
  ) throws(UptaneError) -> TrustedSnapshot {
    let place = judgement.place(.snapshot)
    try metadata.snapshot.check(bytes, place)
    let found = try judgement.snapshot(bytes)
    try metadata.snapshot.check(version: found.envelope.version, place)
    var removed: [String] = []
    if let known = stored.flatMap(judgement.snapshot(stored:)) {
      removed = try found.checkFollows(known, judgement)
    }
    try found.envelope.checkNotExpired(at: judgement.now)
    return TrustedSnapshot(judgement: judgement, metadata: found, removedRoles: removed)
  }
}

extension Judgement {
  fileprivate func snapshot(_ bytes: [UInt8]) throws(UptaneError) -> SnapshotMetadata {
    let metadata = try SnapshotMetadata(parse(bytes, .snapshot))
    try root.checkSignatures(of: metadata.envelope)
    return metadata
  }

  fileprivate func snapshot(stored bytes: [UInt8]) -> SnapshotMetadata? {
    do throws(UptaneError) { return try snapshot(bytes) } catch { return nil }
  }
}

/// A snapshot in force: what targets are judged by.
public struct TrustedSnapshot: ~Copyable {
  let judgement: Judgement
  let metadata: SnapshotMetadata
  /// Listed by the snapshot before and no longer by this one. Only in `ota`.
  let removedRoles: [String]

  public var version: Int64 { metadata.envelope.version }

  /// What to ask for next, unless the stored one is accepted. Throws `roleMissing`.
  public borrowing func targets() throws(UptaneError) -> MetadataRequest {
    judgement.request(.targets, try targetsListing())
  }

  borrowing func targetsListing() throws(UptaneError) -> FileListing {
    guard let listing = try metadata.listing(of: .targets) else {
      throw judgement.place(.targets).error(.roleMissing)
    }
    return listing
  }

  /// The version of stored top-level targets, for `accept`; nil if they are damaged.
  public borrowing func version(storedTargets bytes: [UInt8]) -> Int64? {
    judgement.version(stored: bytes, .targets)
  }
}
