// SPDX-License-Identifier: Apache-2.0

/// A delegated role that a search wants to see.
public struct SoughtRole: Sendable {
  /// How to ask for it, unless the stored one is accepted.
  public let request: MetadataRequest
  fileprivate let listing: FileListing
  fileprivate let delegation: Delegation
  fileprivate let depth: Int

  public var role: Role { request.role }
}

/// The search of one target through the roles that targets delegate to: pre-order, depth first,
/// each role once. TUF specification, 5.6.7; Uptane Standard 2.1.0, 5.4.4.7.
/// ```
/// while let role = try search.next() { try search.accept(bytes, for: role, storedVersion: …) }
/// search.found
/// ```
/// The first role that has the path decides, whether it will do or not. A role that fails ends the
/// search with its error; none is skipped. Holds the snapshot and small parts of what delegated,
/// never two targets files.
public struct TargetSearch: Sendable {
  public let path: String
  /// Nil while it is not found, and for good once `next()` gives nil.
  public private(set) var found: Target?

  private let judgement: Judgement
  private let snapshot: SnapshotMetadata?
  /// What is left to do; the last comes first.
  private var steps: [Step] = []
  private var visited: Set<[UInt8]> = []

  private enum Step: Sendable {
    case visit(Delegation, depth: Int)
    /// All below a terminating role was seen.
    case end
  }

  init(
    _ path: String, _ judgement: Judgement, _ snapshot: SnapshotMetadata?,
    _ targets: TargetsMetadata
  ) {
    self.path = path
    self.judgement = judgement
    self.snapshot = snapshot
    look(in: targets, depth: 0)
  }

  private mutating func look(in targets: TargetsMetadata, depth: Int) {
    found = targets.target(path)
    if found != nil { return steps.removeAll() }
    // Of one file no more roles than this can ever be reached: each was visited before, of which
    // there are as many as the limit allows, or counts towards it.
    let countMax = 2 * judgement.policy.limits.delegatedRoles + 1
    for delegation in targets.delegations(for: path, countMax: countMax).reversed() {
      steps.append(.visit(delegation, depth: depth + 1))
    }
  }

  /// The role to load next; nil when the search is over.
  ///
  /// Throws `delegationDepth` where a limit is reached, `roleMissing` if the snapshot does not list
  /// the role; both of that role.
  public mutating func next() throws(UptaneError) -> SoughtRole? {
    while let step = steps.popLast() {
      guard case .visit(let delegation, let depth) = step else {
        steps.removeAll()
        return nil
      }
      guard visited.insert(Array(delegation.name.utf8)).inserted else { continue }
      let place = judgement.place(.delegated(delegation.name))
      let limits = judgement.policy.limits
      guard depth <= limits.delegationDepth, visited.count <= limits.delegatedRoles else {
        throw place.error(.delegationDepth)
      }
      guard let listing = try snapshot?.listing(of: place.role) else {
        throw place.error(.roleMissing)
      }
      return SoughtRole(
        request: judgement.request(place.role, listing), listing: listing, delegation: delegation,
        depth: depth)
    }
    return nil
  }

  /// Judges the file of a role by whoever delegates to it now, and looks into it. `storedVersion`
  /// is that of the stored file. Works for that one as well, which need not be fetched if it is
  /// accepted.
  ///
  /// Throws what is wrong; the search then stands where it stood.
  public mutating func accept(
    _ bytes: [UInt8], for sought: SoughtRole, storedVersion: Int64?
  ) throws(UptaneError) {
    let place = judgement.place(sought.role)
    try sought.listing.check(bytes, place)
    let envelope = try judgement.parse(bytes, sought.role)
    let targets = try TargetsMetadata(envelope)
    try envelope.checkSignatures(by: sought.delegation.keys, in: judgement.root.dialect)
    try judgement.checkVersion(of: envelope, sought.listing, storedVersion: storedVersion)
    if sought.delegation.isTerminating { steps.append(.end) }
    look(in: targets, depth: sought.depth)
  }

  /// The version of a stored file of a role, for `accept`; nil if it is damaged.
  public func version(stored bytes: [UInt8], _ sought: SoughtRole) -> Int64? {
    judgement.version(stored: bytes, sought.role)
  }

  /// What was found. Throws `targetNotFound`.
  public func result() throws(UptaneError) -> Target {
    guard let found else {
      throw judgement.place(.targets).error(.targetNotFound(path: path))
    }
    return found
  }
}
