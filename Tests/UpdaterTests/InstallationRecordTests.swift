// SPDX-License-Identifier: Apache-2.0
import Cryptography
import Support
import Testing

@testable import Updater

@Suite struct InstallationRecordTests {
  private let folder = try! TemporaryDirectory()

  private static func installation(
    _ digit: Character, correlation: String? = "urn:one", isDeployed: Bool = false
  ) -> Installation {
    Installation(
      target: "edge-gw-\(digit)", commit: Checksum(hex: String(repeating: digit, count: 64))!,
      correlationID: correlation, isDeployed: isDeployed)
  }

  private static let wanted = installation("b", isDeployed: true)
  private static let old = installation("a").commit

  // MARK: How it ended

  @Test(arguments: [
    // Not deployed yet.
    (
      installation("b"), Installation.Evidence(booted: old, next: old),
      Installation.Outcome.waiting
    ),
    // Deployed, not started.
    (wanted, .init(booted: old, next: wanted.commit), .waiting),
    // Runs, and has yet to prove itself.
    (wanted, .init(booted: wanted.commit, isBootedOnTrial: true, next: wanted.commit), .waiting),
    (wanted, .init(booted: wanted.commit, next: wanted.commit), .installed),
    // Runs and is proven, whatever is deployed after it.
    (wanted, .init(booted: wanted.commit, next: old), .installed),
    // Fell back.
    (wanted, .init(booted: old, next: old, rejected: [wanted.commit]), .failed),
    // Somebody rolled back or took it away before its start.
    (wanted, .init(booted: old, next: old), .failed),
    // It runs after all: a proof counts more than an old rejection.
    (
      wanted, .init(booted: wanted.commit, next: wanted.commit, rejected: [wanted.commit]),
      .installed
    ),
  ])
  func `how an installation ended is told by what runs`(
    _ installation: Installation, _ evidence: Installation.Evidence,
    _ expected: Installation.Outcome
  ) {
    #expect(installation.outcome(evidence) == expected)
  }

  // MARK: The record

  @Test func `what is written is read again, the newest failure first`() throws {
    var record = InstallationRecord()
    for digit in ["1", "2"] as [Character] {
      record.begin(Self.installation(digit, correlation: digit == "1" ? nil : "urn:two"))
      record.fail(at: digit == "1" ? 1000 : 2000)
    }
    record.begin(Self.wanted)
    try record.write(folder: folder.path + "/state/coppice")

    let again = try InstallationRecord(folder: folder.path + "/state/coppice")
    #expect(again == record)
    #expect(again.pending == Self.wanted)
    #expect(again.failed.map { $0.at } == [2000, 1000])
  }

  @Test func `no record, a damaged one and one of a newer form are empty`() throws {
    #expect(try InstallationRecord(folder: folder.path) == InstallationRecord())
    for text in ["", "nonsense", "[installation]\nversion=2\n[pending]\ntarget=x\n"] {
      try folder.write(text, to: "installation")
      #expect(try InstallationRecord(folder: folder.path) == InstallationRecord())
    }
  }

  @Test func `what was begun goes on under the same names, and begins anew under others`() {
    var record = InstallationRecord()
    record.begin(Self.installation("b"))
    record.noteDeployed()
    record.begin(Self.installation("b"))
    #expect(record.pending?.isDeployed == true)
    record.begin(Self.installation("b", correlation: "urn:two"))
    #expect(record.pending == Self.installation("b", correlation: "urn:two"))
  }

  @Test func `only another name of an update makes a failed commit wanted anew`() {
    var record = InstallationRecord()
    record.begin(Self.wanted)
    record.fail(at: 1)
    #expect(record.pending == nil)
    #expect(!record.isAssignedAnew(Self.installation("b")))
    #expect(!record.isAssignedAnew(Self.installation("c", correlation: "urn:two")))
    #expect(record.isAssignedAnew(Self.installation("b", correlation: "urn:two")))
    #expect(record.isAssignedAnew(Self.installation("b", correlation: nil)))
  }

  @Test func `so many failures are kept, each commit once`() {
    var record = InstallationRecord()
    for number in 0..<40 {
      let hex = String(number % 20 + 10) + String(repeating: "0", count: 62)
      record.begin(
        Installation(target: "t", commit: Checksum(hex: hex)!, correlationID: "urn:\(number)"))
      record.fail(at: Int64(number))
    }
    #expect(record.failed.count == 16)
    #expect(record.failed.map { $0.at } == (24..<40).reversed().map { Int64($0) })
  }
}
