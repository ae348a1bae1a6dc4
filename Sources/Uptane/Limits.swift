// SPDX-License-Identifier: Apache-2.0

/// What is too much. All numbers can be set; the defaults are those of the clients in the field,
/// but for the depth of delegations.
public struct MetadataLimits: Sendable {
  public var rootBytes: UInt64 = 64 << 10
  public var timestampBytes: UInt64 = 64 << 10
  public var snapshotBytes: UInt64 = 64 << 10
  public var directorTargetsBytes: UInt64 = 64 << 10
  /// Of the image repository's targets, and of each delegated role.
  public var imageTargetsBytes: UInt64 = 8 << 20
  /// New roots in one update; what is left follows in the next one.
  public var rootSteps = 1024
  /// How many delegations lead to a role at most, and how many roles one search may load.
  public var delegationDepth = 8
  public var delegatedRoles = 32

  public init() {}

  func bytes(_ place: Place) -> UInt64 {
    switch place.role {
    case .root: rootBytes
    case .timestamp: timestampBytes
    case .snapshot: snapshotBytes
    case .targets: place.repository == .director ? directorTargetsBytes : imageTargetsBytes
    case .delegated: imageTargetsBytes
    }
  }
}

/// Limits that nobody needs to set: they bound what one hostile file can cost.
enum FixedLimits {
  /// The largest threshold; no role has use for more keys than that.
  static let threshold: Int64 = 1000
  static let keysPerRole = 1000
  /// Entries of `signatures`, of which only those by keys of the role cost a verification.
  static let signatures = 4096
  /// Versions are below this.
  static let version: Int64 = 1 << 31
  /// PATH_MAX of Linux.
  static let targetPathByteCount = 4096
}

/// How a repository is to be judged where there is a choice.
public struct VerificationPolicy: Sendable {
  public let repository: Repository
  /// False: a director that has neither timestamp nor snapshot is accepted, as old clients do; then
  /// nothing shows that its targets are the newest.
  public var requiresTimestamp = true
  public var limits = MetadataLimits()

  public init(_ repository: Repository) { self.repository = repository }

  /// Which roles a root must name.
  var requiredRoles: [Role] {
    requiresTimestamp || repository == .image ? Role.topLevel : [.root, .targets]
  }

  func place(_ role: Role) -> Place { Place(repository: repository, role: role) }
}
