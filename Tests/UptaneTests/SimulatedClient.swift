// SPDX-License-Identifier: Apache-2.0
import Codec
import SelfTest
import Updater
import Uptane

/// A client that follows a `SimulatedRepository`, and what it has trusted so far.
final class SimulatedClient {
  let repository: SimulatedRepository
  let storage = MetadataMemory()
  var now = SimulatedRepository.now
  var asksTwice = false
  var policy = VerificationPolicy(.image)

  init(_ repository: SimulatedRepository) {
    self.repository = repository
    storage.save(.root, repository.firstRoot)
  }

  func refresh() -> MetadataRefresh<SimulatedRepository, MetadataMemory> {
    var refresh = MetadataRefresh(policy, repository, storage, now: now)
    refresh.asksTwice = asksTwice
    return refresh
  }

  /// Nil if it went well; else `CHECK ROLE`.
  func run() -> String? {
    do throws(MetadataError) { _ = try refresh().run() } catch { return Self.text(error) }
    return nil
  }

  /// As `run`, with the search of a target.
  func find(_ path: String) -> String? {
    do throws(MetadataError) {
      let targets = try refresh().run()
      _ = try refresh().find(path, in: targets)
    } catch { return Self.text(error) }
    return nil
  }

  private static func text(_ error: MetadataError) -> String {
    guard let found = error.uptaneError else { return "\(error)" }
    return "\(found.fault.name) \(found.role.name)"
  }

  /// Versions of what is trusted: `root timestamp snapshot targets`.
  var versions: [Int64?] { Role.topLevel.map { version($0) } }

  func version(_ role: Role) -> Int64? {
    storage.load(role).flatMap {
      (try? JSONDocument(parsing: $0))?.root["signed"]?["version"]?.integer
    }
  }
}
