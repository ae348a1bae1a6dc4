// SPDX-License-Identifier: Apache-2.0
import SelfTest
import Testing
import Updater
import Uptane

/// Rollback: old metadata, validly signed, in place of newer ones that were trusted before.
@Suite struct RollbackTests {
  private func trusted() -> (SimulatedRepository, SimulatedClient) {
    let repository = SimulatedRepository()
    repository.delegate("targets", .init(name: "apps"))
    repository.targets["apps"]!.version = 5
    for _ in 1..<5 { repository.publishNext() }
    let client = SimulatedClient(repository)
    #expect(client.find("nothing") == "target_not_found targets")
    #expect(client.versions == [1, 5, 5, 5])
    return (repository, client)
  }

  @Test func `an older timestamp is refused`() {
    let (repository, client) = trusted()
    repository.timestampVersion = 4
    repository.publish()
    #expect(client.run() == "rollback timestamp")
    #expect(client.versions == [1, 5, 5, 5])
  }

  @Test func `a newer timestamp that names an older snapshot is refused`() {
    let (repository, client) = trusted()
    repository.timestampVersion = 6
    repository.snapshotVersion = 4
    repository.publish()
    #expect(client.run() == "rollback snapshot")
    #expect(client.versions == [1, 5, 5, 5])
  }

  @Test func `a newer snapshot that lists older targets is refused`() {
    let (repository, client) = trusted()
    repository.timestampVersion = 6
    repository.snapshotVersion = 6
    repository.targets["targets"]!.version = 4
    repository.publish()
    #expect(client.run() == "rollback targets")
    #expect(client.versions == [1, 6, 5, 5])
  }

  @Test func `an older delegated role is refused, without the snapshot's memory as well`() {
    let (repository, client) = trusted()
    repository.timestampVersion = 6
    repository.snapshotVersion = 6
    repository.targets["apps"]!.version = 4
    repository.publish()
    #expect(client.run() == "rollback apps")
    repository.timestampVersion = 7
    repository.targets["apps"]!.version = 5
    repository.publish()
    #expect(client.run() == nil)
    // A snapshot that has never listed the role does not protect it; the stored role does.
    client.storage.save(.snapshot, [])
    repository.targets["apps"]!.version = 4
    repository.timestampVersion = 8
    repository.snapshotVersion = 8
    repository.publish()
    #expect(client.find("nothing") == "rollback apps")
  }

  @Test func `a role must not vanish from the snapshot`() {
    let (repository, client) = trusted()
    repository.unlisted = ["apps"]
    repository.timestampVersion = 6
    repository.snapshotVersion = 6
    repository.publish()
    #expect(client.run() == "role_removed snapshot")
  }

  @Test func `a root of another version than the next is refused`() {
    let (repository, client) = trusted()
    repository.rotate {}
    #expect(repository.rootVersion == 2)
    repository.files["2.root.json"] = repository.files["1.root.json"]
    #expect(client.run() == "root_version root")
    repository.publishRoot()
    #expect(client.run() == nil)
    #expect(client.version(.root) == 2)
  }

  @Test func `damaged metadata that are stored do not wedge the client`() {
    let (repository, client) = trusted()
    for role in [Role.timestamp, .snapshot, .targets, .delegated("apps")] {
      client.storage.save(role, Array("damaged".utf8))
    }
    repository.publishNext()
    #expect(client.find("nothing") == "target_not_found targets")
    #expect(client.versions == [1, 6, 6, 6])
  }
}
