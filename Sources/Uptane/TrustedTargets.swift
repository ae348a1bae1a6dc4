// SPDX-License-Identifier: Apache-2.0

extension TrustedSnapshot {
  /// Judges the top-level targets that this snapshot lists. TUF specification, 5.6; Uptane Standard
  /// 2.1.0, 5.4.4.6. A director's must not delegate.
  ///
  /// `storedVersion` is that of the stored targets. Works for those as well, which need not be
  /// fetched if they are accepted.
  ///
  /// Throws what is wrong.
  public borrowing func accept(
    targets bytes: [UInt8], storedVersion: Int64?
  ) throws(UptaneError) -> AcceptedTargets {
    let listing = try targetsListing()
    try listing.check(bytes, judgement.place(.targets))
    let targets = try judgement.targets(bytes, listing, storedVersion)
    return AcceptedTargets(
      judgement: judgement, snapshot: metadata, removedRoles: removedRoles, metadata: targets)
  }
}

extension TrustedRoot {
  /// Judges the targets of a director that has neither timestamp nor snapshot, where the policy
  /// allows that: nothing then shows that they are the newest.
  ///
  /// Throws what is wrong; `fetch` of the timestamp where the policy demands one.
  public borrowing func accept(
    unlistedTargets bytes: [UInt8], storedVersion: Int64?
  ) throws(UptaneError) -> AcceptedTargets {
    guard judgement.policy.repository == .director, !judgement.policy.requiresTimestamp else {
      throw judgement.place(.timestamp).error(.fetch)
    }
    let targets = try judgement.targets(bytes, nil, storedVersion)
    return AcceptedTargets(
      judgement: judgement, snapshot: nil, removedRoles: [], metadata: targets)
  }

  /// How to ask for such targets.
  public var unlistedTargets: MetadataRequest { judgement.request(.targets) }

  /// The version of such targets that are stored, for `accept`; nil if they are damaged.
  public borrowing func version(storedTargets bytes: [UInt8]) -> Int64? {
    judgement.version(stored: bytes, .targets)
  }
}

extension Judgement {
  /// All checks on top-level targets but those of their bytes.
  fileprivate func targets(
    _ bytes: [UInt8], _ listing: FileListing?, _ storedVersion: Int64?
  ) throws(UptaneError) -> TargetsMetadata {
    let envelope = try parse(bytes, .targets)
    let targets = try TargetsMetadata(envelope)
    try root.checkSignatures(of: envelope)
    try checkVersion(of: envelope, listing, storedVersion: storedVersion)
    if policy.repository == .director, targets.delegates {
      throw envelope.place.error(.directorDelegation)
    }
    return targets
  }
}

/// Top-level targets that hold by themselves: to be persisted, and then settled.
public struct AcceptedTargets: ~Copyable {
  let judgement: Judgement
  let snapshot: SnapshotMetadata?
  let removedRoles: [String]
  let metadata: TargetsMetadata

  public var version: Int64 { metadata.envelope.version }

  /// Holds the targets against what the snapshot has dropped: a role that is still delegated to
  /// must not have vanished from it.
  ///
  /// Throws `roleRemoved` of the snapshot.
  public consuming func settle() throws(UptaneError) -> TrustedTargets {
    for name in removedRoles where metadata.delegates(to: name) {
      throw judgement.place(.snapshot).error(.roleRemoved(name))
    }
    return TrustedTargets(judgement: judgement, snapshot: snapshot, metadata: metadata)
  }
}

/// Top-level targets in force. Holds the file in memory.
public struct TrustedTargets: ~Copyable {
  let judgement: Judgement
  let snapshot: SnapshotMetadata?
  let metadata: TargetsMetadata

  public var version: Int64 { metadata.envelope.version }
  /// Seconds since 1970.
  public var expires: Int64 { metadata.envelope.expires }
  public var rootVersion: Int64 { judgement.root.version }
  /// Nil for a director without one.
  public var snapshotVersion: Int64? { snapshot?.envelope.version }
  /// Whether the names of target files begin with their hashes. TUF specification, 6.2.
  public var hasConsistentSnapshots: Bool { judgement.root.hasConsistentSnapshots }

  /// Begins to look for a target in these and in all that they delegate to. The search does not
  /// hold on to this file.
  public borrowing func search(for path: String) -> TargetSearch {
    TargetSearch(path, judgement, snapshot, metadata)
  }
}
