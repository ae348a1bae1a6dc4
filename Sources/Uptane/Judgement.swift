// SPDX-License-Identifier: Apache-2.0

/// What all metadata of a repository below its root are judged by: who may sign, what is allowed,
/// and one point in time, the start of the update. TUF specification, 5.1.
struct Judgement: Sendable {
  let root: Root
  let policy: VerificationPolicy
  /// Seconds since 1970.
  let now: Int64

  func place(_ role: Role) -> Place { policy.place(role) }

  /// How to ask for a file of `role`: as long and of the version as it is listed, if it is.
  func request(_ role: Role, _ listing: FileListing? = nil) -> MetadataRequest {
    let limit = policy.limits.bytes(place(role))
    return MetadataRequest(
      role, version: root.hasConsistentSnapshots ? listing?.version : nil,
      bytesMax: listing?.limitBytes(limit) ?? limit, root.dialect)
  }

  /// Size and shape of a file of `role`; nothing is known of its signatures.
  func parse(_ bytes: [UInt8], _ role: Role) throws(UptaneError) -> Envelope {
    let kind: MetadataKind =
      switch role {
      case .root: .root
      case .timestamp: .timestamp
      case .snapshot: .snapshot
      case .targets, .delegated: .targets
      }
    let place = place(role)
    return try Envelope(parsing: bytes, kind, place, limitBytes: policy.limits.bytes(place))
  }

  /// The version of a stored file, whoever signed it; nil if it is damaged.
  func version(stored bytes: [UInt8], _ role: Role) -> Int64? {
    do throws(UptaneError) { return try parse(bytes, role).version } catch { return nil }
  }

  /// What targets files, top-level and delegated, are checked by once their signatures hold. Throws
  /// `versionMismatch`, `rollback`, `expired`.
  func checkVersion(
    of envelope: Envelope, _ listing: FileListing?, storedVersion: Int64?
  ) throws(UptaneError) {
    let (version, place) = (envelope.version, envelope.place)
    try listing?.check(version: version, place)
    if let storedVersion, version < storedVersion {
      throw place.error(.rollback(found: version, trusted: storedVersion))
    }
    try envelope.checkNotExpired(at: now)
  }
}
