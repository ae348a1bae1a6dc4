// SPDX-License-Identifier: Apache-2.0
import Codec
import SelfTest
import Testing
import Updater
import Uptane

/// Whoever holds one of the two repositories alone can stop updates, and nothing else.
@Suite struct DirectorAloneTests {
  let director = SimulatedRepository()
  let image = SimulatedRepository()
  let storage = [Repository.director: MetadataMemory(), .image: MetadataMemory()]
  let device = Inventory(primary: ECU(serial: "one", hardwareID: "board"))
  static let commit = String(repeating: "ab", count: 32)
  static let evil = String(repeating: "ee", count: 32)

  init() {
    storage[.director]!.save(.root, director.firstRoot)
    storage[.image]!.save(.root, image.firstRoot)
    assign("os-2", Self.commit)
    offer("os-2", Self.commit)
    director.publish()
    image.publish()
  }

  private func assign(_ path: String, _ commit: String, serial: String = "one") {
    let ecus = JSONValue.object([(serial, .object([("hardwareId", .string("board"))]))])
    director.addTarget(path, length: 0, sha256: commit, custom: .object([("ecuIdentifiers", ecus)]))
  }

  private func offer(_ path: String, _ commit: String, hardware: String = "board") {
    image.addTarget(
      path, length: 0, sha256: commit,
      custom: .object([("hardwareIds", .array([.string(hardware)])), ("kept", .integer(7))]))
  }

  private func run() throws(MetadataError) -> UptaneVerdict {
    let now = SimulatedRepository.now
    return try UptaneRefresh(
      director: MetadataRefresh(
        VerificationPolicy(.director), director, storage[.director]!, now: now),
      image: MetadataRefresh(VerificationPolicy(.image), image, storage[.image]!, now: now)
    ).run(for: device)
  }

  private func refusal() -> String? {
    do throws(MetadataError) { _ = try run() } catch { return error.uptaneError?.fault.name }
    return nil
  }

  @Test func `what both name is what the device gets`() throws {
    let verdict = try run()
    let target = try #require(verdict.target(of: device.primary))
    #expect(target.path == "os-2" && target.hashes.sha256 == Self.commit && target.isOSTree)
    #expect(target.imageCustom?["kept"]?.integer == 7)
  }

  @Test func `a director alone cannot name another commit`() {
    assign("os-2", Self.evil)
    director.publishNext()
    #expect(refusal() == "target_mismatch")
  }

  /// The image repository knows the image by another hash; the commit would be the director's word.
  @Test func `a director alone cannot name the commit beside a hash that both have`() {
    let other = String(repeating: "cd", count: 64)
    for (repository, commit) in [(director, Self.evil as String?), (image, nil)] {
      repository.targets["targets"]!.targets = []
      var hashes: [(String, JSONValue)] = [("sha512", .string(other))]
      if let commit { hashes.append(("sha256", .string(commit))) }
      let ecus = JSONValue.object([("one", .object([("hardwareId", .string("board"))]))])
      repository.targets["targets"]!.targets.append(
        (
          "os-2",
          .object([
            ("length", .integer(0)), ("hashes", .object(hashes)),
            (
              "custom",
              .object([("ecuIdentifiers", ecus), ("hardwareIds", .array([.string("board")]))])
            ),
          ])
        ))
      repository.publishNext()
    }
    #expect(refusal() == "target_mismatch")
  }

  @Test func `an image of another format is none for a primary of OSTree`() {
    image.targets["targets"]!.targets = []
    image.addTarget(
      "os-2", length: 0, sha256: Self.commit,
      custom: .object([
        ("hardwareIds", .array([.string("board")])), ("targetFormat", .string("BINARY")),
      ]))
    image.publishNext()
    #expect(refusal() == "target_mismatch")
  }

  @Test func `a director alone cannot name what does not exist`() {
    assign("os-3", Self.evil)
    director.targets["targets"]!.targets.removeFirst()
    director.publishNext()
    #expect(refusal() == "target_not_found")
  }

  @Test func `a director alone cannot give a device another's image`() {
    offer("os-2", Self.commit, hardware: "other")
    image.publishNext()
    #expect(refusal() == "wrong_hardware_id")
  }

  @Test func `an image repository alone makes nobody install anything`() throws {
    director.targets["targets"]!.targets = []
    director.publishNext()
    offer("os-3", Self.evil)
    image.publishNext()
    guard case .noUpdate = try run() else {
      Issue.record("an update nobody assigned")
      return
    }
    #expect(image.takeRequests() == [], "the image repository was asked")
  }
}
