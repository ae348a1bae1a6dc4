// SPDX-License-Identifier: Apache-2.0
import Codec
import Cryptography

/// Who may sign for a role: the keys that a root or a delegation names, and how many of them must.
/// TUF specification, 4.3: `roles`.
///
/// Holds the keys themselves, not the file that they came from. Labels mean something in that file
/// alone, so they are looked up in its `keys` and nowhere else.
struct RoleKeys: Sendable {
  let threshold: Int
  private let keys: [[UInt8]: VerificationKey]

  fileprivate init(_ demand: RoleDemand, _ table: [[UInt8]: VerificationKey]) {
    threshold = demand.threshold
    var keys: [[UInt8]: VerificationKey] = [:]
    for label in demand.labels { keys[label] = table[label] }
    self.keys = keys
  }

  /// The key of this label; nil if it is none of this role's, or cannot verify anything.
  subscript(_ label: [UInt8]) -> VerificationKey? { keys[label] }

  var isEmpty: Bool { keys.isEmpty }

  /// Feeds what makes the role what it is into a hash: the threshold, and the material of its keys
  /// whatever their labels are.
  func append(to bytes: inout [UInt8]) {
    let materials = Set(keys.values.map { $0.key.material })
      .sorted { $0.lexicographicallyPrecedes($1) }
    bytes += Array("\(threshold) \(materials.count)\n".utf8)
    for material in materials { bytes += Array("\(material.count) ".utf8) + material }
  }
}

/// What a file demands of a role's signers, before the keys were looked up:
/// `{"keyids": […], "threshold": n}`.
struct RoleDemand: Sendable {
  let labels: [[UInt8]]
  let threshold: Int

  /// `name` is for errors. Throws `malformed`, and `badThreshold` for one that is not 1 to 1000.
  init(_ node: JSONNode, name: String, _ place: Place) throws(UptaneError) {
    guard node.kind == .object, let keyIDs = node["keyids"], keyIDs.kind == .array else {
      throw place.malformed(.member("roles.\(name).keyids"))
    }
    var labels: [[UInt8]] = []
    for keyID in keyIDs.elements {
      guard let text = keyID.string, labels.count < FixedLimits.keysPerRole else {
        throw place.malformed(.member("roles.\(name).keyids"))
      }
      labels.append(Array(text.utf8))
    }
    guard let threshold = node["threshold"]?.integer, 1...FixedLimits.threshold ~= threshold else {
      throw place.error(.badThreshold(role: name))
    }
    self.labels = labels
    self.threshold = Int(threshold)
  }

  /// Looks up the keys of several roles in one walk over `keys`.
  static func resolve(
    _ demands: [RoleDemand], in keys: JSONNode, _ dialect: Dialect
  ) -> [RoleKeys] {
    var wanted: Set<[UInt8]> = []
    for demand in demands { wanted.formUnion(demand.labels) }
    var table: [[UInt8]: VerificationKey] = [:]
    for (name, node) in keys.members {
      let label = Array(name.utf8)
      if wanted.contains(label) { table[label] = VerificationKey(node, dialect) }
    }
    return demands.map { RoleKeys($0, table) }
  }
}
