// SPDX-License-Identifier: Apache-2.0
import Cryptography
import SelfTest
import Testing
import Updater
import Uptane

/// Keys that come and go, thresholds that rise and fall.
@Suite struct KeyRotationTests {
  /// Keys by their numbers: those of the role, the threshold, those that sign.
  struct Version {
    var keys: [Int]
    var threshold: Int
    var signers: [Int]
  }

  static let pool = (0..<8).map { _ in PrivateKey.makeEd25519() }

  static let chains: [(name: String, [Version], accepted: Int64)] = [
    (
      "one for one",
      [
        .init(keys: [1], threshold: 1, signers: [1]),
        .init(keys: [2], threshold: 1, signers: [1, 2]),
      ], 2
    ),
    (
      "not signed by the old",
      [
        .init(keys: [1], threshold: 1, signers: [1]),
        .init(keys: [2], threshold: 1, signers: [2, 3]),
      ], 1
    ),
    (
      "not signed by the new",
      [
        .init(keys: [1], threshold: 1, signers: [1]),
        .init(keys: [2], threshold: 1, signers: [1, 3]),
      ], 1
    ),
    (
      "threshold up",
      [
        .init(keys: [1, 2, 3], threshold: 1, signers: [1]),
        .init(keys: [1, 2, 3], threshold: 2, signers: [1, 2]),
      ], 2
    ),
    (
      "threshold up, not met",
      [
        .init(keys: [1, 2, 3], threshold: 1, signers: [1]),
        .init(keys: [1, 2, 3], threshold: 2, signers: [2]),
      ], 1
    ),
    (
      "threshold down",
      [
        .init(keys: [1, 2], threshold: 2, signers: [1, 2]),
        .init(keys: [1, 2], threshold: 1, signers: [1, 2]),
        .init(keys: [1, 2], threshold: 1, signers: [2]),
      ], 3
    ),
    (
      "threshold down, signed by too few",
      [
        .init(keys: [1, 2], threshold: 2, signers: [1, 2]),
        .init(keys: [1, 2], threshold: 1, signers: [1]),
      ], 1
    ),
    (
      "one of five",
      [
        .init(keys: [0, 1, 2, 3, 4], threshold: 3, signers: [0, 2, 4]),
        .init(keys: [0, 1, 3, 4, 5], threshold: 3, signers: [0, 4, 1]),
      ], 2
    ),
    (
      "all of five",
      [
        .init(keys: [0, 1, 2], threshold: 2, signers: [0, 2]),
        .init(keys: [3, 4, 5], threshold: 2, signers: [0, 2, 3, 4]),
        .init(keys: [3, 4, 5], threshold: 2, signers: [5, 4]),
      ], 3
    ),
    ("below the threshold from the start", [.init(keys: [1, 2], threshold: 2, signers: [1])], 0),
  ]

  @Test(arguments: chains)
  func `a chain of roots is followed as far as it holds`(
    name: String, versions: [Version], accepted: Int64
  ) {
    let repository = SimulatedRepository()
    for (index, version) in versions.enumerated() {
      repository.rootVersion = Int64(index) + 1
      let all = version.keys.map { Self.pool[$0] }
      repository.signers["root"] = .init(keys: all, threshold: version.threshold)
      repository.publishRoot(signedBy: version.signers.map { Self.pool[$0] })
    }
    let client = SimulatedClient(repository)
    let isWhole = accepted == Int64(versions.count)
    #expect(client.run() == (isWhole ? nil : "signature root"))
    #expect(client.version(.root) == max(accepted, 1))
  }

  @Test(arguments: ["timestamp", "snapshot", "targets"])
  func `a role's new key counts and its old one does not`(role: String) {
    let repository = SimulatedRepository()
    let client = SimulatedClient(repository)
    #expect(client.run() == nil)
    repository.rotate { repository.signers[role] = .init() }
    // Still signed by the old key.
    #expect(client.run() == "signature \(role)")
    repository.publishNext()
    #expect(client.run() == nil)
    #expect(client.storage.load(.targets) == repository.files["targets.json"])
  }

  @Test func `a key under two labels, and twice in a role, counts once`() {
    let repository = SimulatedRepository()
    let key = PrivateKey.makeEd25519()
    repository.rotate { repository.signers["timestamp"] = .init(keys: [key, key], threshold: 2) }
    repository.publish()
    #expect(SimulatedClient(repository).run() == "signature timestamp")
  }

  @Test(arguments: ["timestamp", "snapshot"])
  func `versions that were pushed far up are recovered from by new keys`(role: String) {
    let repository = SimulatedRepository()
    let client = SimulatedClient(repository)
    repository.timestampVersion = 90_000
    repository.snapshotVersion = 80_000
    repository.targets["targets"]!.version = 70_000
    repository.publish()
    #expect(client.run() == nil)
    repository.timestampVersion = 2
    repository.snapshotVersion = 2
    repository.targets["targets"]!.version = 2
    repository.publish()
    #expect(client.run() == "rollback timestamp")
    repository.rotate { repository.signers[role] = .init() }
    repository.publish()
    #expect(client.run() == nil)
    #expect(client.versions == [2, 2, 2, 2])
    #expect(client.storage.loadFreshnessKeys() == nil)
  }

  @Test func `new keys of root and targets alone are no reason to forget`() {
    let repository = SimulatedRepository()
    let client = SimulatedClient(repository)
    repository.timestampVersion = 5
    repository.publish()
    #expect(client.run() == nil)
    repository.rotate {
      repository.signers["root"] = .init()
      repository.signers["targets"] = .init()
    }
    repository.timestampVersion = 4
    repository.publish()
    #expect(client.run() == "rollback timestamp")
  }

  @Test func `keys that went and came back are no reason to forget`() {
    let repository = SimulatedRepository()
    let client = SimulatedClient(repository)
    repository.timestampVersion = 5
    repository.publish()
    #expect(client.run() == nil)
    let before = repository.signers["timestamp"]
    repository.rotate { repository.signers["timestamp"] = .init() }
    repository.rotate { repository.signers["timestamp"] = before }
    repository.timestampVersion = 4
    repository.publish()
    #expect(client.run() == "rollback timestamp")
    #expect(client.storage.loadFreshnessKeys() == nil)
  }
}
