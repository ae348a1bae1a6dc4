// SPDX-License-Identifier: Apache-2.0
import Codec
import Cryptography
import Foundation
import Linux
import Support
import Testing

@testable import Updater

@Suite struct HandlersTests {
  let fixture: HandlerFixture

  init() throws { fixture = try HandlerFixture() }

  private func failure(_ verb: HandlerVerb, _ target: String, _ code: Int32) -> HandlerFailure {
    HandlerFailure(
      verb: verb, target: target, handler: fixture.folder.file("etc/radio"),
      end: .ended(.exited(code)))
  }

  // MARK: Alone

  @Test func `a target is applied, verified and proven, once`() throws {
    let report = try fixture.run([fixture.job("one")])
    #expect(report.applied == ["one"] && report.proven == ["one"] && report.failures == [])
    #expect(try fixture.calls() == ["apply one", "verify one"])
    #expect(try fixture.current() == "one")
    #expect(try fixture.slot().proven?.name == "one")

    try fixture.run([fixture.job("one")])
    try fixture.run(nil)
    try fixture.run([])
    #expect(try fixture.calls() == [])
  }

  @Test func `what fails is taken back, and not tried again for the same assignment`() throws {
    try fixture.run([fixture.job("one")])
    for (verb, calls) in [
      (HandlerVerb.apply, ["apply two", "revert two"]),
      (.verify, ["apply two", "verify two", "revert two"]),
    ] {
      _ = try fixture.calls()
      try fixture.end(verb, with: 3)
      let report = try fixture.run([fixture.job("two", correlation: verb.rawValue)])
      #expect(report.failures == [failure(verb, "two", 3)])
      #expect(report.reverted == ["two"])
      #expect(try fixture.calls() == calls)
      #expect(try fixture.current() == "one")

      try fixture.end(verb, with: nil)
      let again = try fixture.run([fixture.job("two", correlation: verb.rawValue)])
      #expect(again.rejected == ["two"] && again.failures == [])
      #expect(try fixture.calls() == [])
    }
    try fixture.run([fixture.job("two", correlation: "apply")], isForced: true)
    #expect(try fixture.calls() == ["apply two", "verify two"])
    try fixture.run([fixture.job("three", correlation: "anew")])
    #expect(try fixture.current() == "three")
  }

  @Test func `the first target that fails leaves nothing`() throws {
    try fixture.end(.verify, with: 1)
    try fixture.run([fixture.job("one")])
    #expect(try fixture.current() == nil)
    #expect(try fixture.slot().proven == nil)
  }

  @Test func `not now is no failure of the target`() throws {
    try fixture.end(.apply, with: 75)
    let report = try fixture.run([fixture.job("one")])
    #expect(report.failures.map(\.isTemporary) == [true])
    #expect(try fixture.calls() == ["apply one"])
    try fixture.end(.apply, with: nil)
    #expect(try fixture.run([fixture.job("one")]).proven == ["one"])
    #expect(try fixture.calls() == ["apply one", "verify one"])

    // Meanwhile something else is wanted: what may have been begun goes first.
    try fixture.end(.apply, with: 75)
    try fixture.run([fixture.job("two")])
    try fixture.end(.apply, with: nil)
    try fixture.run([fixture.job("three")])
    #expect(
      try fixture.calls() == ["apply two", "revert two", "apply three", "verify three"])
  }

  @Test func `what needs a restart waits for it`() throws {
    try fixture.end(.apply, with: 100)
    let report = try fixture.run([fixture.job("one")])
    #expect(report.needsRestart && report.failures == [] && report.proven == [])
    #expect(try fixture.run(nil).needsRestart)
    #expect(try fixture.calls() == ["apply one"])
    // It was the script that did nothing; here the restart does it.
    try fixture.folder.write(
      "one",
      to: String(
        fixture.places.folder(of: fixture.slot()).dropFirst(
          fixture.folder.path.count + 1)) + "/current")
    let after = try fixture.run(nil, HandlerSituation(boot: "two"))
    #expect(after.proven == ["one"] && !after.needsRestart)
    #expect(try fixture.calls() == ["verify one"])
  }

  @Test func `a revert that fails is tried again by each run`() throws {
    try fixture.run([fixture.job("one")])
    try fixture.end(.apply, with: 1)
    try fixture.end(.revert, with: 2)
    let report = try fixture.run([fixture.job("two")])
    #expect(report.failures == [failure(.apply, "two", 1), failure(.revert, "two", 2)])
    _ = try fixture.calls()
    #expect(try fixture.run([fixture.job("three")]).failures == [failure(.revert, "two", 2)])
    #expect(try fixture.calls() == ["revert two"])
    try fixture.end(.revert, with: nil)
    #expect(try fixture.run(nil).reverted == ["two"])
    #expect(try fixture.current() == "one")
  }

  @Test func `a handler that hangs is ended, and its target is taken back`() throws {
    try fixture.install("etc/radio", "#!/bin/sh\n[ $1 = revert ] || sleep 20\n")
    let report = try fixture.run([fixture.job("one")], limitSeconds: 1)
    #expect(report.failures.map(\.end) == [.ended(.timedOut)])
    #expect(report.reverted == ["one"])
  }

  @Test func `a handler that went away is missed where it is needed`() throws {
    try fixture.end(.apply, with: 100)
    try fixture.run([fixture.job("one")])
    try mustRun("rm", fixture.folder.file("etc/radio"))
    let report = try fixture.run(nil, HandlerSituation(boot: "two"))
    #expect(report.failures.map(\.end) == [.missing, .missing])
    #expect(try fixture.slot().attempt?.phase == .reverting)
  }

  // MARK: With a system

  @Test func `with a system, it is proven when the system is`() throws {
    let report = try fixture.run([fixture.job("one", with: .new)], .deploying)
    #expect(report.needsRestart && report.failures == [])
    #expect(try fixture.run(nil, .deployed).needsRestart)
    #expect(try fixture.calls() == ["apply one"])

    #expect(try fixture.run(nil, .new(isProven: false)).isSystemWell)
    #expect(try fixture.slot().attempt?.phase == .verified)
    #expect(try fixture.run(nil, .new(isProven: true)).proven == ["one"])
    #expect(try fixture.calls() == ["verify one"])
  }

  @Test func `where the system falls back, so does the target`() throws {
    try fixture.run([fixture.job("zero")], .before)
    try fixture.run([fixture.job("one", with: .new)], .deploying)
    try fixture.end(.verify, with: 1)
    let report = try fixture.run(nil, .new(isProven: false))
    #expect(!report.isSystemWell)
    #expect(report.failures == [failure(.verify, "one", 1)])
    #expect(try fixture.current() == "one")
    // A second start of the same system may do better.
    try fixture.end(.verify, with: nil)
    #expect(try fixture.run(nil, .new(boot: "three", isProven: false)).isSystemWell)
    _ = try fixture.calls()

    #expect(try fixture.run(nil, .fellBack).reverted == ["one"])
    #expect(try fixture.calls() == ["revert one"])
    #expect(try fixture.current() == "zero")
    #expect(
      try fixture.run([fixture.job("one")], .fellBack).rejected == ["one"])
  }

  @Test func `without a trial, what is not well goes back alone`() throws {
    try fixture.run([fixture.job("one", with: .new)], .deploying)
    try fixture.end(.verify, with: 1)
    let report = try fixture.run(nil, .new(isProven: true))
    #expect(report.reverted == ["one"] && report.isSystemWell)
  }

  @Test func `a system that was never deployed takes its target with it, without blame`() throws {
    try fixture.run([fixture.job("one", with: .new)], .deploying)
    #expect(try fixture.run(nil, .before).reverted == ["one"])
    let report = try fixture.run([fixture.job("one", with: .new)], .deploying)
    #expect(report.applied == ["one"])
  }

  @Test func `what cannot be done now does not keep a system waiting half way`() throws {
    try fixture.run([fixture.job("zero")], .before)
    try fixture.end(.apply, with: 75)
    let report = try fixture.run([fixture.job("one", with: .new)], .deploying)
    #expect(report.failures.map(\.isTemporary) == [true])
    #expect(report.reverted == ["one"])
    #expect(try fixture.slot().rejected == [])
    try fixture.end(.apply, with: nil)
    #expect(try fixture.run([fixture.job("one", with: .new)], .deploying).applied == ["one"])
  }

  @Test func `one that fails takes back all that go with the same system`() throws {
    let other = try #require(HandledECU(serial: "2", hardwareID: "other"))
    let alone = try #require(HandledECU(serial: "3", hardwareID: "alone"))
    try fixture.install("usr/other", "#!/bin/sh\n[ $1 = revert ]\n")
    try fixture.install("usr/alone", "#!/bin/sh\n")
    let report = try fixture.run(
      [
        fixture.job("lone", for: alone), fixture.job("one", with: .new),
        fixture.job("two", with: .new, for: other),
      ], .deploying)
    #expect(report.failures.map(\.target) == ["two"])
    #expect(report.reverted == ["two", "one"])
    #expect(report.proven == ["lone"])
    #expect(try fixture.calls() == ["apply one", "revert one"])
    #expect(try fixture.slot().rejected == [])
    #expect(try fixture.slot(other).rejected.map(\.name) == ["two"])
  }

  // MARK: Refusals

  @Test func `without a handler nothing is changed`() throws {
    let other = try #require(HandledECU(serial: "2", hardwareID: "other"))
    let job = try fixture.job("two", for: other)
    let jobs = [try fixture.job("one"), job]
    let handlers = fixture.handlers()
    let result = Result { () throws(UpdaterError) in try handlers.run(jobs, .before) }
    let refusal = UpdaterError.noHandler(target: "two", format: "BINARY", hardwareID: "other")
    #expect(result.failure == refusal)
    let check = Result { () throws(UpdaterError) in try handlers.check(job) }
    #expect(check.failure == refusal)
    #expect(try fixture.calls() == [])
    #expect(!FileManager.default.fileExists(atPath: fixture.places.record))
  }

  @Test func `an earlier folder hides a later one, also with what cannot be executed`() throws {
    let folders = [fixture.folder.file("etc"), fixture.folder.file("usr")]
    func found(_ name: String) -> String? { HandlerSearch.path(name, in: folders) }
    try fixture.install("usr/radio", "")
    try fixture.install("usr/other", "")
    #expect(found("radio") == folders[0] + "/radio")
    #expect(found("other") == folders[1] + "/other")
    try fixture.install("etc/other", "", mode: "644")
    #expect(found("other") == nil)
    try mustRun("ln", "-sf", "/dev/null", folders[0] + "/other")
    #expect(found("other") == nil)
    try mustRun("ln", "-sf", "nowhere", folders[0] + "/other")
    #expect(found("other") == nil)
    try mustRun("ln", "-sf", "radio", folders[0] + "/other")
    #expect(found("other") == folders[0] + "/other")
    #expect(found("nothing") == nil)
  }

  @Test func `a record that cannot be read is left as it is`() throws {
    try fixture.folder.write("[handlers]\nversion=2\n", to: "state/handled-targets")
    let (handlers, job) = (fixture.handlers(), try fixture.job("one"))
    let result = Result { () throws(UpdaterError) in try handlers.run([job], .before) }
    #expect(result.failure == .strangeRecord(path: fixture.places.record))
    #expect(try fixture.folder.readText("state/handled-targets") == "[handlers]\nversion=2\n")
  }

  // MARK: What a handler is told

  @Test func `a handler is told all that is known`() throws {
    try fixture.run([fixture.job("one")])
    let custom = try JSONDocument(
      parsing: Array(#"{"name":"radio","a":[1,"é\n"]}"#.utf8)
    ).root
    let job = try fixture.job("two", correlation: "urn:x", with: .new, custom: custom)
    try fixture.run([job], .deploying)
    let folder = fixture.places.folder(of: try fixture.slot())
    let file = { (name: String) in
      "\(fixture.state)/targets/sha256-\(SHA256.hash(Array(name.utf8)).hex)"
    }
    #expect(
      try fixture.folder.readText("environment").split(separator: "\n").map(String.init) == [
        "COPPICE_CORRELATION_ID=urn:x", "COPPICE_DEPLOYMENT=\(HandledSystem.new.commit.hex)",
        "COPPICE_ECU=gw-0001/radio", "COPPICE_FILE=\(file("two"))", "COPPICE_FORMAT=BINARY",
        "COPPICE_HARDWARE_ID=radio", "COPPICE_METADATA=\(folder).json",
        "COPPICE_PREVIOUS_FILE=\(file("one"))", "COPPICE_PREVIOUS_TARGET=one",
        "COPPICE_PREVIOUS_VERSION=7", "COPPICE_TARGET=two", "COPPICE_VERSION=7",
      ])
    let data = try #require(FileManager.default.contents(atPath: "\(folder).json"))
    let metadata = try JSONDocument(parsing: [UInt8](data)).root
    #expect(metadata["schema"]?.string == "coppice.handler/1")
    #expect(metadata["target"]?["file"]?.string == file("two"))
    #expect(metadata["target"]?["length"]?.integer == 3)
    #expect(metadata["previous"]?["name"]?.string == "one")
    #expect(metadata["ecu"]?["serial"]?.string == "gw-0001/radio")
    #expect(metadata["deployment"]?["checksum"]?.string == HandledSystem.new.commit.hex)
    #expect(metadata["custom"]?["a"]?.count == 2)
    let modes = try [folder, "\(folder).json", fixture.places.record].map {
      try FileManager.default.attributesOfItem(atPath: $0)[.posixPermissions] as? Int
    }
    #expect(modes == [0o700, 0o600, 0o600])
  }

  @Test func `what is in use is kept`() throws {
    try fixture.run([fixture.job("one")])
    try fixture.run([fixture.job("two", with: .new)], .deploying)
    let handlers = fixture.handlers()
    let kept = try Result { () throws(UpdaterError) in try handlers.contentsInUse() }.get()
    #expect(kept == [try fixture.target("one").content, try fixture.target("two").content])
  }
}
