// SPDX-License-Identifier: Apache-2.0
import Codec

/// What a targets file says, top-level or delegated: targets, and to whom it delegates. TUF
/// specification, 4.5.
///
/// Looked up in the document each time, since it may hold a hundred thousand targets.
struct TargetsMetadata: Sendable {
  let envelope: Envelope
  private let targets: JSONNode
  private let delegations: Delegations?

  /// Checks the shape of all of it. Throws `malformed`, `badThreshold`. The signatures are the
  /// caller's to check.
  init(_ envelope: Envelope) throws(UptaneError) {
    let place = envelope.place
    guard let targets = envelope.signed["targets"], targets.kind == .object else {
      throw place.malformed(.member("targets"))
    }
    for (path, node) in targets.members { try Target.checkShape(path, node, place) }
    self.envelope = envelope
    self.targets = targets
    delegations = try Delegations(envelope)
  }

  /// Nil if it is not here.
  func target(_ path: String) -> Target? { targets[path].flatMap { Target(path, $0) } }

  /// All of them: of a director, who names few.
  var all: [Target] {
    var all: [Target] = []
    walk { all.append($0) }
    return all
  }

  /// One after the other, none of which stays in memory.
  func walk(_ body: (Target) -> Void) {
    for (path, node) in targets.members {
      if let target = Target(path, node) { body(target) }
    }
  }

  /// What stands beside the targets, for example the director's correlation id.
  var custom: JSONNode? { envelope.signed["custom"] }

  var delegates: Bool { delegations.map { !$0.isEmpty } ?? false }

  func delegates(to name: String) -> Bool { delegations?.names(name) ?? false }

  /// To whom it delegates `path`, in order; no more than `countMax` of them.
  func delegations(for path: String, countMax: Int) -> [Delegation] {
    delegations?.matching(path, countMax: countMax) ?? []
  }
}
