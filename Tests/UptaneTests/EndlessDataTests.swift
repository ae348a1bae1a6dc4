// SPDX-License-Identifier: Apache-2.0
import SelfTest
import Testing
import Updater
import Uptane

/// Endless data: a server that does not stop.
@Suite struct EndlessDataTests {
  @Test(arguments: ["2.root.json", "timestamp.json", "snapshot.json", "targets.json", "apps.json"])
  func `what is longer than it may be is refused`(file: String) {
    let repository = SimulatedRepository()
    repository.delegate("targets", .init(name: "apps"))
    repository.publish()
    let client = SimulatedClient(repository)
    client.policy.limits.imageTargetsBytes = 64 << 10
    repository.files[file] = [UInt8](repeating: UInt8(ascii: " "), count: 64 << 10 + 1)
    let role = file == "2.root.json" ? "root" : String(file.dropLast(5))
    #expect(client.find("nothing") == "oversized \(role)")
    #expect(client.version(.root) == 1)
  }

  @Test func `no more is asked for than the parent lists`() throws {
    let repository = SimulatedRepository()
    let client = SimulatedClient(repository)
    let length = UInt64(repository.files["snapshot.json"]!.count)
    let chain = try RootChain(trusting: repository.firstRoot, client.policy)
    #expect(chain.next.bytesMax == 64 << 10)
    let root = try chain.finish(at: client.now)
    let timestamp = try root.accept(timestamp: repository.files["timestamp.json"]!, stored: nil)
    #expect(timestamp.snapshot.bytesMax == length)
    let tooLong = repository.files["snapshot.json"]! + [UInt8(ascii: " ")]
    #expect(
      fault { () throws(UptaneError) in _ = try timestamp.accept(snapshot: tooLong, stored: nil) }
        == "oversized")
    let tooShort = Array(repository.files["snapshot.json"]!.dropLast())
    #expect(
      fault { () throws(UptaneError) in _ = try timestamp.accept(snapshot: tooShort, stored: nil) }
        == "length_mismatch")
  }

  @Test func `no more than so many roots are taken in one update`() {
    let repository = SimulatedRepository()
    let client = SimulatedClient(repository)
    client.policy.limits.rootSteps = 3
    for _ in 0..<5 { repository.rotate {} }
    #expect(client.run() == nil)
    #expect(client.version(.root) == 4)
    #expect(client.run() == nil)
    #expect(client.version(.root) == 6)
  }

  @Test func `random damage is refused and never more than that`() {
    let repository = SimulatedRepository()
    repository.delegate("targets", .init(name: "apps"))
    repository.addTarget("a", "content")
    repository.publish()
    let good = repository.files
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<500 {
      repository.files = good
      let client = SimulatedClient(repository)
      let path = good.keys.sorted()[Int.random(in: 0..<good.count, using: &generator)]
      var bytes = good[path]!
      let position = Int.random(in: 0..<bytes.count, using: &generator)
      switch Int.random(in: 0..<3, using: &generator) {
      case 0: bytes[position] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
      case 1: bytes.remove(at: position)
      default: bytes.insert(UInt8.random(in: 0...255, using: &generator), at: position)
      }
      repository.files[path] = bytes
      _ = client.find("b")
      #expect(client.version(.root) == 1)
    }
  }

  private func fault(_ body: () throws(UptaneError) -> Void) -> String? {
    do throws(UptaneError) { try body() } catch { return error.fault.name }
    return nil
  }
}
