// SPDX-License-Identifier: Apache-2.0
import SelfTest
import Testing
import Transport
import Updater
import Uptane

/// Freeze: what was once the newest, for ever.
@Suite struct FreezeTests {
  @Test(arguments: ["root", "timestamp", "snapshot"])
  func `what has expired is refused`(role: String) {
    let repository = SimulatedRepository()
    let client = SimulatedClient(repository)
    repository.expires[role] = SimulatedRepository.now
    if role == "root" { repository.rotate {} }
    repository.publish()
    #expect(client.run() == "expired \(role)")
    repository.expires[role] = SimulatedRepository.now + 1
    if role == "root" { repository.rotate {} }
    repository.publishNext()
    #expect(client.run() == nil)
  }

  @Test func `targets that have expired are refused, delegated ones too`() {
    let repository = SimulatedRepository()
    let client = SimulatedClient(repository)
    repository.delegate("targets", .init(name: "apps"))
    repository.targets["apps"]!.expires = SimulatedRepository.now
    repository.publish()
    #expect(client.run() == nil)
    #expect(client.find("nothing") == "expired apps")
    repository.targets["targets"]!.expires = SimulatedRepository.now
    repository.publishNext()
    #expect(client.run() == "expired targets")
  }

  @Test func `stored metadata that have expired do no harm where newer ones are served`() {
    let repository = SimulatedRepository()
    let client = SimulatedClient(repository)
    for role in ["timestamp", "snapshot"] { repository.expires[role] = SimulatedRepository.now + 1 }
    repository.targets["targets"]!.expires = SimulatedRepository.now + 1
    repository.publish()
    #expect(client.run() == nil)
    client.now += 1
    #expect(client.run() == "expired timestamp")
    repository.expires = [:]
    repository.targets["targets"]!.expires = SimulatedRepository.farAway
    repository.publishNext()
    #expect(client.run() == nil)
    #expect(client.versions == [1, 2, 2, 2])
  }

  @Test func `a root on the way may have expired`() {
    let repository = SimulatedRepository()
    let client = SimulatedClient(repository)
    repository.expires["root"] = 1
    repository.rotate {}
    repository.expires["root"] = nil
    repository.rotate {}
    #expect(client.run() == nil)
    #expect(client.version(.root) == 3)
  }

  @Test func `only an answer that there is none ends the chain of roots`() {
    let ends: [FetchFailure] = [
      .missing(path: ""), .transport(.notFound(url: "", status: 404)),
      .transport(.notFound(url: "", status: 410)), .transport(.unauthorised(url: "", status: 403)),
    ]
    let stops: [FetchFailure] = [
      .transport(.status(url: "", 500)), .transport(.unauthorised(url: "", status: 401)),
      .transport(.interrupted), .transport(.closed(url: "", receivedBytes: 0)), .oversized,
    ]
    for (failures, expected) in [(ends, nil), (stops, "root")] as [([FetchFailure], String?)] {
      for failure in failures {
        let repository = SimulatedRepository()
        let client = SimulatedClient(repository)
        repository.onRequest = {
          if $0 == "2.root.json" { repository.failure = failure } else { repository.failure = nil }
        }
        let name = failure == .oversized ? "oversized" : "fetch"
        #expect(client.run() == expected.map { "\(name) \($0)" }, "\(failure)")
      }
    }
  }

  @Test func `a timestamp of the stored version is put aside, whatever it says`() {
    let repository = SimulatedRepository()
    let client = SimulatedClient(repository)
    #expect(client.run() == nil)
    let stored = client.storage.load(.timestamp)
    repository.snapshotVersion = 100
    repository.publish()
    _ = repository.takeRequests()
    #expect(client.run() == nil)
    #expect(repository.takeRequests() == ["2.root.json", "timestamp.json"])
    #expect(client.storage.load(.timestamp) == stored)
  }

  @Test func `a timestamp that nobody has is an error`() {
    let repository = SimulatedRepository()
    repository.files["timestamp.json"] = nil
    #expect(SimulatedClient(repository).run() == "fetch timestamp")
  }
}
