// SPDX-License-Identifier: Apache-2.0
import Cryptography
public import Uptane

/// Brings the trusted metadata of one repository up to date. TUF specification, 5: client workflow;
/// Uptane Standard 2.1.0, 5.4.4.
/// ```
/// roots ─ timestamp ─ snapshot ─ targets ─ delegated roles of a search
/// ```
/// Asks for no more than that, in that order, and for nothing that is stored and still in force.
/// Each file is persisted when its own checks have passed, before the next is asked for; what was
/// persisted stays, however it ends.
public struct MetadataRefresh<Source: MetadataSource, Storage: MetadataStorage> {
  public let policy: VerificationPolicy
  let source: Source
  let storage: Storage
  /// The start of the update, seconds since 1970: all is judged as of then.
  let now: Int64

  /// Ask once more for timestamp, snapshot and targets if two of them do not belong together, since
  /// servers of Uptane do not publish in one step: a director may make new metadata at the moment
  /// when it is asked for its targets.
  public var asksTwice = true

  public init(_ policy: VerificationPolicy, _ source: Source, _ storage: Storage, now: Int64) {
    self.policy = policy
    self.source = source
    self.storage = storage
    self.now = now
  }

  /// Walks from the stored root to the newest targets.
  public func run() throws(MetadataError) -> TrustedTargets {
    let root = try root()
    do throws(MetadataError) { return try targets(root) } catch {
      guard asksTwice, error.mayBeMixture else { throw error }
    }
    return try targets(root)
  }

  /// Looks for a target in `targets` and in all that they delegate to. Throws `targetNotFound`.
  public func find(
    _ path: String, in targets: borrowing TrustedTargets
  ) throws(MetadataError) -> Target {
    try complete(targets.search(for: path))
  }

  private func fetch(_ request: MetadataRequest) throws(MetadataError) -> [UInt8] {
    do throws(FetchFailure) { return try source.fetch(request) } catch {
      throw MetadataError(error, request, policy.repository)
    }
  }
}

// MARK: - Roots
extension MetadataRefresh {
  /// TUF specification, 5.3.
  private func root() throws(MetadataError) -> TrustedRoot {
    guard let bytes = try storage.load(.root) else { throw .noRoot }
    var chain = try judged { () throws(UptaneError) in try RootChain(trusting: bytes, policy) }
    let noted = try storage.loadFreshnessKeys()
    let known = noted ?? chain.freshnessKeys
    var isNoted = noted != nil
    for _ in 0..<policy.limits.rootSteps {
      guard let next = try nextRoot(chain) else { break }
      try judged { () throws(UptaneError) in try chain.accept(next) }
      if !isNoted, chain.freshnessKeys != known {
        // Before the root that makes it true: noted for nothing it does no harm.
        try storage.saveFreshnessKeys(known)
        isNoted = true
      }
      try storage.save(.root, next)
    }
    let keys = chain.freshnessKeys
    let root: TrustedRoot
    do throws(UptaneError) { root = try chain.finish(at: now) } catch { throw .refused(error) }
    if keys != known { try storage.recover() } else if isNoted { try storage.removeFreshnessKeys() }
    return root
  }

  /// Nil if there is none.
  private func nextRoot(_ chain: borrowing RootChain) throws(MetadataError) -> [UInt8]? {
    let request = chain.next
    do throws(FetchFailure) { return try source.fetch(request) } catch {
      if error.endsRootChain { return nil }
      throw MetadataError(error, request, policy.repository)
    }
  }
}

// MARK: - Timestamp, snapshot, targets
extension MetadataRefresh {
  private func targets(_ root: borrowing TrustedRoot) throws(MetadataError) -> TrustedTargets {
    guard let timestamp = try timestamp(root) else { return try unlistedTargets(root) }
    return try targets(try snapshot(timestamp))
  }

  /// TUF specification, 5.4. Nil if there is none and need not be.
  private func timestamp(
    _ root: borrowing TrustedRoot
  ) throws(MetadataError) -> TrustedTimestamp? {
    let stored = try storage.load(.timestamp)
    let request = root.timestamp
    let bytes: [UInt8]
    do throws(FetchFailure) { bytes = try source.fetch(request) } catch {
      // A director that had a timestamp once must always have one.
      if error.isMissing, mayLackTimestamp, stored == nil { return nil }
      throw MetadataError(error, request, policy.repository)
    }
    let timestamp = try judged { () throws(UptaneError) in
      try root.accept(timestamp: bytes, stored: stored)
    }
    if !timestamp.isStored { try storage.save(.timestamp, bytes) }
    return timestamp
  }

  private var mayLackTimestamp: Bool {
    policy.repository == .director && !policy.requiresTimestamp
  }

  /// TUF specification, 5.5.
  private func snapshot(
    _ timestamp: borrowing TrustedTimestamp
  ) throws(MetadataError) -> TrustedSnapshot {
    let stored = try storage.load(.snapshot)
    if let stored {
      do throws(UptaneError) {
        return try timestamp.accept(snapshot: stored, stored: stored)
      } catch {}  // Then the server has a better one, or an error for us.
    }
    let bytes = try fetch(timestamp.snapshot)
    let snapshot = try judged { () throws(UptaneError) in
      try timestamp.accept(snapshot: bytes, stored: stored)
    }
    try storage.save(.snapshot, bytes)
    return snapshot
  }

  /// TUF specification, 5.6.
  ///
  /// A director is asked for its targets in any case: some begin to make new ones only then.
  private func targets(
    _ snapshot: borrowing TrustedSnapshot
  ) throws(MetadataError) -> TrustedTargets {
    var stored = try storage.load(.targets)
    if let bytes = stored, policy.repository != .director {
      do throws(UptaneError) {
        return try snapshot.accept(targets: bytes, storedVersion: nil).settle()
      } catch {}
    }
    let storedVersion = stored.flatMap { snapshot.version(storedTargets: $0) }
    stored = nil  // It may be large, and so may be what comes.
    let bytes = try fetch(try judged { () throws(UptaneError) in try snapshot.targets() })
    let accepted = try judged { () throws(UptaneError) in
      try snapshot.accept(targets: bytes, storedVersion: storedVersion)
    }
    return try keep(bytes, accepted)
  }

  /// Those of a director without timestamp and snapshot.
  private func unlistedTargets(
    _ root: borrowing TrustedRoot
  ) throws(MetadataError) -> TrustedTargets {
    let stored = try storage.load(.targets)
    let storedVersion = stored.flatMap { root.version(storedTargets: $0) }
    let bytes = try fetch(root.unlistedTargets)
    let accepted = try judged { () throws(UptaneError) in
      try root.accept(unlistedTargets: bytes, storedVersion: storedVersion)
    }
    return try keep(bytes, accepted)
  }

  private func keep(
    _ bytes: [UInt8], _ accepted: consuming AcceptedTargets
  ) throws(MetadataError) -> TrustedTargets {
    try storage.save(.targets, bytes)
    do throws(UptaneError) { return try accepted.settle() } catch { throw .refused(error) }
  }
}

// MARK: - Delegated roles
extension MetadataRefresh {
  /// Ends a search that was begun in targets which need not be in memory any more. TUF
  /// specification, 5.6.7.
  ///
  /// A role that is stored is judged again by whoever delegates to it now.
  public func complete(_ search: TargetSearch) throws(MetadataError) -> Target {
    var search = search
    while let sought = try judged({ () throws(UptaneError) in try search.next() }) {
      try visit(sought, &search)
    }
    return try judged { () throws(UptaneError) in try search.result() }
  }

  private func visit(
    _ sought: SoughtRole, _ search: inout TargetSearch
  ) throws(MetadataError) {
    var stored = try storage.load(sought.role)
    if let bytes = stored {
      do throws(UptaneError) {
        return try search.accept(bytes, for: sought, storedVersion: nil)
      } catch {}
    }
    let storedVersion = stored.flatMap { search.version(stored: $0, sought) }
    stored = nil
    let bytes = try fetch(sought.request)
    try judged { () throws(UptaneError) in
      try search.accept(bytes, for: sought, storedVersion: storedVersion)
    }
    try storage.save(sought.role, bytes)
  }
}
