// SPDX-License-Identifier: Apache-2.0
import SelfTest
import Testing
import Updater
import Uptane

/// Mix and match: files that were all signed, but do not belong together.
@Suite struct MixAndMatchTests {
  static let kinds: [(hashes: Bool, role: String, expected: String)] = [
    (true, "snapshot", "hash_mismatch snapshot"), (false, "snapshot", "version_mismatch snapshot"),
    (true, "targets", "hash_mismatch targets"), (false, "targets", "version_mismatch targets"),
    (true, "apps", "hash_mismatch apps"), (false, "apps", "version_mismatch apps"),
  ]

  @Test(arguments: kinds)
  func `a file of another publication is refused`(hashes: Bool, role: String, expected: String) {
    let repository = SimulatedRepository()
    repository.listsHashes = hashes
    repository.delegate("targets", .init(name: "apps"))
    repository.targets["apps"]!.version = 1
    repository.publish()
    let old = repository.files["\(role).json"]
    let client = SimulatedClient(repository)
    repository.targets["apps"]!.version = 2
    repository.publishNext()
    repository.files["\(role).json"] = old
    #expect(client.find("nothing") == expected)
    #expect(client.version(.root) == 1 && client.version(.timestamp) == 2)
  }

  @Test func `a director that makes new metadata when it is asked for targets is asked again`() {
    let repository = SimulatedRepository()
    let client = SimulatedClient(repository)
    client.policy = VerificationPolicy(.director)
    client.asksTwice = true
    var isAssigned = false
    repository.onRequest = { path in
      guard path == "targets.json", !isAssigned else { return }
      isAssigned = true
      repository.publishNext()
    }
    #expect(client.run() == nil)
    #expect(client.versions == [1, 2, 2, 2])
    let round = ["timestamp.json", "snapshot.json", "targets.json"]
    #expect(repository.takeRequests() == ["2.root.json"] + round + round)
  }

  @Test func `it is asked again once, not for ever`() {
    let repository = SimulatedRepository()
    let client = SimulatedClient(repository)
    client.asksTwice = true
    repository.onRequest = { if $0 == "targets.json" { repository.publishNext() } }
    #expect(client.run() == "hash_mismatch targets")
    #expect(repository.takeRequests().count == 7)
  }

  @Test func `a director is asked for its targets even if nothing seems to be new`() {
    let repository = SimulatedRepository()
    let client = SimulatedClient(repository)
    client.policy = VerificationPolicy(.director)
    #expect(client.run() == nil)
    _ = repository.takeRequests()
    #expect(client.run() == nil)
    #expect(repository.takeRequests() == ["2.root.json", "timestamp.json", "targets.json"])
  }
}
