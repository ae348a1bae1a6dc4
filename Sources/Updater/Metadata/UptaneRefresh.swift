// SPDX-License-Identifier: Apache-2.0
public import Uptane

/// What the metadata of both repositories come to.
public enum UptaneVerdict: Sendable {
  /// Nothing new for any ECU. The image repository was not asked.
  case noUpdate(correlationID: String?)
  /// Both repositories name these; at most one for each ECU.
  case update([VerifiedTarget], correlationID: String?)

  /// What an ECU shall install; nil if there is nothing new for it.
  public func target(of ecu: ECU) -> VerifiedTarget? {
    guard case .update(let targets, correlationID: _) = self else { return nil }
    return targets.first { $0.ecus.contains(ecu) }
  }
}

/// Full verification: what the director wants, held against what the image repository has. Uptane
/// Standard 2.1.0, 5.4.4.2.
/// ```
/// director ─ ECUs ─ nothing new? ─ image repository ─ search ─ comparison
/// ```
/// Whatever is installed follows it in the same run: `Updater.update` begins with it, also where an
/// earlier run has pulled everything already, and stored metadata are taken only where the source
/// still names them and they hold once more. So nothing is installed by metadata that were not
/// verified anew, and there is no check of what is stored alone.
public struct UptaneRefresh<Source: MetadataSource, Storage: MetadataStorage> {
  let director: MetadataRefresh<Source, Storage>
  let image: MetadataRefresh<Source, Storage>

  public init(
    director: MetadataRefresh<Source, Storage>, image: MetadataRefresh<Source, Storage>
  ) {
    self.director = director
    self.image = image
  }

  /// Throws what was refused first; all that was accepted before it is persisted.
  public func run(for device: Inventory) throws(MetadataError) -> UptaneVerdict {
    let assignments = try assignments(for: device)
    if assignments.pending.isEmpty { return .noUpdate(correlationID: assignments.correlationID) }
    let searches = try beginSearches(assignments)
    var verified: [VerifiedTarget] = []
    for (index, assignment) in assignments.pending.enumerated() {
      let target = try image.complete(searches[index])
      verified.append(
        try judged { () throws(UptaneError) in
          try VerifiedTarget(assignment, target, for: device)
        })
    }
    return .update(verified, correlationID: assignments.correlationID)
  }

  private func assignments(for device: Inventory) throws(MetadataError) -> Assignments {
    let targets = try director.run()
    return try judged { () throws(UptaneError) in try targets.assignments(for: device) }
  }

  /// All at once, so that the top-level targets are out of memory when delegated ones come.
  private func beginSearches(_ assignments: Assignments) throws(MetadataError) -> [TargetSearch] {
    let targets = try image.run()
    var searches: [TargetSearch] = []
    for assignment in assignments.pending {
      searches.append(targets.search(for: assignment.target.path))
    }
    return searches
  }
}
