// SPDX-License-Identifier: Apache-2.0
import Codec
import Cryptography

/// What a root says: who may sign for each role. TUF specification, 4.3.
///
/// Roles beyond the four are allowed and mean nothing here, but their shape is checked as well.
struct Root: Sendable {
  let dialect: Dialect
  let version: Int64
  /// Whether files of metadata carry their version in their names. Never in `ota`.
  let hasConsistentSnapshots: Bool
  private let keys: [Role: RoleKeys]

  /// Throws `malformed`, `badThreshold`. The signatures are the caller's to check.
  init(_ envelope: Envelope, _ policy: VerificationPolicy) throws(UptaneError) {
    let place = envelope.place
    guard let keys = envelope.signed["keys"], keys.kind == .object else {
      throw place.malformed(.member("keys"))
    }
    guard let roles = envelope.signed["roles"], roles.kind == .object else {
      throw place.malformed(.member("roles"))
    }
    var demands: [(role: Role, demand: RoleDemand)] = []
    for (name, node) in roles.members {
      let demand = try RoleDemand(node, name: name, place)
      if let role = Role.topLevel.first(where: { same($0.name, name) }) {
        demands.append((role, demand))
      }
    }
    for role in policy.requiredRoles where !demands.contains(where: { $0.role == role }) {
      throw place.malformed(.member("roles.\(role.name)"))
    }
    dialect = envelope.dialect
    version = envelope.version
    hasConsistentSnapshots = try Root.consistency(envelope)
    var found: [Role: RoleKeys] = [:]
    let resolved = RoleDemand.resolve(demands.map { $0.demand }, in: keys, dialect)
    for (index, demand) in demands.enumerated() { found[demand.role] = resolved[index] }
    self.keys = found
  }

  private static func consistency(_ envelope: Envelope) throws(UptaneError) -> Bool {
    guard let node = envelope.signed["consistent_snapshot"] else { return false }
    guard let value = node.boolean else {
      throw envelope.place.malformed(.member("consistent_snapshot"))
    }
    return value && envelope.dialect == .tuf
  }

  /// Checks that the role of `envelope` has signed it. A role that this root does not name cannot.
  func checkSignatures(of envelope: Envelope) throws(UptaneError) {
    guard let keys = keys[envelope.place.role] else {
      throw envelope.place.error(.signature(good: 0, threshold: 1))
    }
    try envelope.checkSignatures(by: keys, in: dialect)
  }

  /// Stands for who may sign timestamps and snapshots. Stored metadata count for nothing once it
  /// differs from that of the root that they were accepted under: fast-forward recovery. TUF
  /// specification, 5.3.11.
  var freshnessKeys: Checksum {
    var bytes: [UInt8] = []
    for role in [Role.timestamp, .snapshot] {
      if let keys = keys[role] { keys.append(to: &bytes) } else { bytes.append(0) }
    }
    return SHA256.hash(bytes)
  }
}
