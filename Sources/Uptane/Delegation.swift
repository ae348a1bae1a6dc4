// SPDX-License-Identifier: Apache-2.0
import Codec
import Cryptography

/// A role that a targets file delegates to: who may sign it, by the file that delegates.
struct Delegation: Sendable {
  let name: String
  let keys: RoleKeys
  /// If the target is not found below this role, the whole search ends.
  let isTerminating: Bool
}

/// The `delegations` of a targets file. TUF specification, 4.5: DELEGATIONS.
/// ```
/// {"keys": {LABEL: key, …},
///  "roles": [{"name", "keyids", "threshold", "paths" or "path_hash_prefixes", "terminating"?}, …]}
/// ```
struct Delegations: Sendable {
  private let keys: JSONNode
  private let roles: JSONNode
  private let place: Place
  private let dialect: Dialect

  /// Nil if there are none. Throws `malformed`, `badThreshold`.
  init?(_ envelope: Envelope) throws(UptaneError) {
    guard let node = envelope.signed["delegations"], !node.isNull, !node.isEmptyObject else {
      return nil
    }
    let place = envelope.place
    guard let keys = node["keys"], keys.kind == .object else {
      throw place.malformed(.member("delegations.keys"))
    }
    guard let roles = node["roles"], roles.kind == .array else {
      throw place.malformed(.member("delegations.roles"))
    }
    var names: Set<[UInt8]> = []
    for role in roles.elements {
      guard let name = role["name"]?.string else {
        throw place.malformed(.member("delegations.roles.name"))
      }
      guard envelope.dialect.isRoleName(name), names.insert(Array(name.utf8)).inserted else {
        throw place.malformed(.roleName(name))
      }
      try Delegations.checkShape(role, name, place)
    }
    self.keys = keys
    self.roles = roles
    self.place = place
    dialect = envelope.dialect
  }

  private static func checkShape(
    _ role: JSONNode, _ name: String, _ place: Place
  ) throws(UptaneError) {
    _ = try RoleDemand(role, name: name, place)
    for member in ["paths", "path_hash_prefixes"] {
      guard let list = role[member] else { continue }
      guard list.kind == .array, list.elements.allSatisfy({ $0.kind == .string }) else {
        throw place.malformed(.member("delegations.roles.\(member)"))
      }
    }
    if let terminating = role["terminating"], terminating.kind != .boolean {
      throw place.malformed(.member("delegations.roles.terminating"))
    }
  }

  var isEmpty: Bool { roles.count == 0 }

  func names(_ name: String) -> Bool {
    roles.elements.contains { $0["name"]?.equals(name) ?? false }
  }

  /// Those that `path` is delegated to, in order; no more than `countMax` of them.
  func matching(_ path: String, countMax: Int) -> [Delegation] {
    let path = DelegatedPath(path)
    let matching = roles.elements.lazy.filter { Delegations.matches($0, path) }.prefix(countMax)
    var found: [(name: String, demand: RoleDemand, isTerminating: Bool)] = []
    for role in matching {
      guard let name = role["name"]?.string, let demand = try? RoleDemand(role, name: name, place)
      else { continue }
      found.append((name, demand, role["terminating"]?.boolean ?? false))
    }
    let keys = RoleDemand.resolve(found.map { $0.demand }, in: keys, dialect)
    return found.indices.map {
      Delegation(name: found[$0].name, keys: keys[$0], isTerminating: found[$0].isTerminating)
    }
  }

  /// With both or neither of the two lists a delegation matches nothing.
  private static func matches(_ role: JSONNode, _ path: DelegatedPath) -> Bool {
    switch (role["paths"], role["path_hash_prefixes"]) {
    case (let patterns?, nil):
      patterns.elements.contains { $0.string.map(path.matches) ?? false }
    case (nil, let prefixes?):
      prefixes.elements.contains { $0.string.map(path.hashBegins) ?? false }
    default: false
    }
  }
}

/// A target's path as delegations look at it.
private struct DelegatedPath {
  private let path: [UInt8]
  /// Of the path's bytes, in hexadecimal digits.
  private let hash: String

  init(_ path: String) {
    self.path = Array(path.utf8)
    hash = SHA256.hash(self.path).hex
  }

  func matches(_ pattern: String) -> Bool { PathPattern.matches(Array(pattern.utf8), path) }

  func hashBegins(with prefix: String) -> Bool { hash.utf8.starts(with: prefix.utf8) }
}
