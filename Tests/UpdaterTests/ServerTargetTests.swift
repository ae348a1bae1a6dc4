// SPDX-License-Identifier: Apache-2.0
import Configuration
import Cryptography
import Deploy
import Foundation
import Gateway
import Support
import Testing
import Uptane

@testable import Updater

private let (one, two, three) = (DeviceFixture.one, DeviceFixture.two, DeviceFixture.three)

/// Targets that are no commits, from the server to their handlers: alone, and with a system.
@Suite struct ServerTargetTests {
  private let directed: DirectedDevice
  private var device: DeviceFixture { directed.device }
  private static let radio = "radio"

  init() throws {
    directed = try DirectedDevice()
    device.configuration += "[device]\nhandled-ecus=\(Self.radio):gw-radio\n"
    try install("radio")
  }

  /// A handler that keeps what it is given, says each call in a log, and ends as it is told to.
  private func install(_ name: String) throws {
    let script = """
      #!/bin/sh
      set -eu
      test="\(device.folder.path)"
      echo "$1 $COPPICE_TARGET${COPPICE_DEPLOYMENT:+ with a system}" >>"$test/calls"
      if [ -e "$test/$1.exit" ]; then exit "$(cat "$test/$1.exit")"; fi
      case $1 in
        apply) cp "$2" "$test/\(name)" ;;
        verify) cmp -s "$COPPICE_FILE" "$test/\(name)" ;;
        revert)
          if [ -n "$COPPICE_PREVIOUS_FILE" ]; then cp "$COPPICE_PREVIOUS_FILE" "$test/\(name)"
          else rm -f "$test/\(name)"; fi ;;
      esac

      """
    let written = try device.folder.write(script, to: "written")
    for deployment in try device.sysroot().state().deployments {
      let folder = "\(device.path)/\(deployment.path)/etc/coppice/handlers"
      try mustRun("install", "-D", "-m", "755", written, "\(folder)/\(name)")
    }
  }

  private func end(_ verb: HandlerVerb, with code: Int?) throws {
    let path = device.folder.file("\(verb.rawValue).exit")
    if let code {
      try device.folder.write("\(code)", to: "\(verb.rawValue).exit")
    } else {
      try FileManager.default.removeItem(atPath: path)
    }
  }

  private func calls() throws -> [String] {
    let log = (try? device.folder.readText("calls")) ?? ""
    try device.folder.write("", to: "calls")
    return log.split(separator: "\n").map(String.init)
  }

  private func radioRuns() -> String? { try? device.folder.readText(Self.radio) }

  /// What the newest manifest says: images by serial, and the codes of a report by serial.
  private func told() throws -> (images: [String: String], codes: [String: String]) {
    let state = try JSONSerialization.jsonObject(
      with: Data(directed.fleet.folder.read("state.json")))
    let all = try #require((state as? [String: Any])?["manifests"] as? [[String: Any]])
    let signed = try #require(all.last?["signed"] as? [String: Any])
    let statements = signed["ecu_version_manifests"] as! [String: [String: Any]]
    let images = statements.mapValues {
      (($0["signed"] as! [String: Any])["installed_image"] as! [String: Any])["filepath"] as! String
    }
    let report = (signed["installation_report"] as? [String: Any])?["report"] as? [String: Any]
    var codes: [String: String] = [:]
    for item in report?["items"] as? [[String: Any]] ?? [] {
      codes[item["ecu"] as! String] = (item["result"] as! [String: Any])["code"] as? String
    }
    return (images, codes)
  }

  private func assignRadio(_ name: String, _ correlation: String) throws {
    try directed.metadata("publish-file", name, "\(name)\n", Self.radio, "BINARY")
    try directed.metadata("assign", name, "gw-radio", Self.radio, correlation)
  }

  /// Version 2 and a radio that goes with it.
  private func assignBoth(_ correlation: String) throws {
    try directed.metadata("publish", "gw-2", two, DirectedDevice.hardware)
    try directed.assign("gw-2", correlation)
    try directed.metadata("publish-file", "radio-7", "seven\n", Self.radio, "BINARY")
    try directed.metadata("assign-also", "radio-7", "gw-radio", Self.radio)
  }

  // MARK: Alone

  @Test func `a target alone is fetched, applied, verified and reported, once`() throws {
    _ = try device.update().get()
    #expect(try told().images["gw-radio"] == "noimage")
    try assignRadio("radio-7", "urn:seven")
    let check = try device.updater().check()
    #expect(check.isNew && !check.isAvailable)
    let report = try device.update().get()
    #expect(report.result == .applied)
    #expect(report.handled.proven == ["radio-7"])
    #expect(report.settled == true)
    #expect(!report.needsReboot)
    #expect(try calls() == ["apply radio-7", "verify radio-7"])
    #expect(radioRuns() == "radio-7\n")
    #expect(try told().images["gw-radio"] == "radio-7")
    #expect(try told().codes == ["gw-radio": "OK"])
    #expect(try device.update().get().result == .upToDate)
    #expect(try calls() == [])
    #expect(try told().codes == [:])
  }

  @Test func `a target that nothing takes care of is refused and reported, before it is fetched`()
    throws
  {
    device.configuration += "[device]\nhandled-ecus=radio:gw-radio;lamp:gw-lamp\n"
    _ = try device.update().get()
    try directed.metadata("publish-file", "lamp-1", "lamp\n", "lamp", "BULB")
    try directed.metadata("assign", "lamp-1", "gw-lamp", "lamp", "urn:lamp")
    let refusal = UpdaterError.noHandler(target: "lamp-1", format: "BULB", hardwareID: "lamp")
    #expect(try device.update().failure == refusal)
    #expect(try told().codes == ["gw-lamp": "INSTALL_FAILED"])
    #expect(!directed.fleet.log().contains { $0.contains("targets/lamp-1") })
    let updater = try device.updater()
    let check = Result { () throws(UpdaterError) in try updater.check() }
    #expect(check.failure == refusal)
    try install("bulb")
    #expect(try device.update().get().handled.proven == ["lamp-1"])
  }

  @Test func `what fails alone is taken back, reported, and tried again only if assigned anew`()
    throws
  {
    _ = try device.update().get()
    try assignRadio("radio-7", "urn:seven")
    _ = try device.update().get()
    try assignRadio("radio-8", "urn:eight")
    try end(.verify, with: 3)
    guard case .handler(let failure)? = try device.update().failure else {
      Issue.record("taken")
      return
    }
    #expect(failure.target == "radio-8" && failure.verb == .verify)
    #expect(radioRuns() == "radio-7\n")
    #expect(try told().codes == ["gw-radio": "INSTALL_FAILED"])
    #expect(try told().images["gw-radio"] == "radio-7")

    try end(.verify, with: nil)
    _ = try calls()
    #expect(try device.update().get().result == .rejectedBefore)
    #expect(try device.updater().check().isRejected)
    #expect(try calls() == [])
    try directed.metadata("assign", "radio-8", "gw-radio", Self.radio, "urn:again")
    #expect(try device.update().get().result == .applied)
    #expect(radioRuns() == "radio-8\n")
  }

  @Test func `content that is not what both repositories say never reaches a handler`() throws {
    _ = try device.update().get()
    try assignRadio("radio-7", "urn:seven")
    try directed.fleet.folder.write("radio-6\n", to: "served/repo/targets/radio-7")
    guard case .target("radio-7", .hash)? = try device.update().failure else {
      Issue.record("taken")
      return
    }
    #expect(try calls() == [])
    try directed.fleet.folder.write("radio-7\n", to: "served/repo/targets/radio-7")
    #expect(try device.update().get().result == .applied)
  }

  @Test func `without deploying, a target is fetched and left`() throws {
    _ = try device.update().get()
    try assignRadio("radio-7", "urn:seven")
    #expect(try device.update { $0.deploys = false }.get().result == .downloaded)
    #expect(try calls() == [])
    try mustRun("rm", directed.fleet.folder.file("served/repo/targets/radio-7"))
    #expect(try device.update().get().result == .applied)
  }

  // MARK: With a system

  @Test func `a target that comes with a system is applied first and proven with it`() throws {
    _ = try device.update().get()
    try assignBoth("urn:both")
    #expect(try device.update().get().result == .deployed)
    #expect(try calls() == ["apply radio-7 with a system"])
    #expect(try directed.order() == [two, one])
    try install("radio")
    #expect(try device.update().get().result == .awaitingProof)

    try directed.start(0, counter: 2)
    // A start in which the radio is not well proves nothing.
    try end(.verify, with: 1)
    #expect(try device.updater().markGood().markGood == nil)
    #expect(try device.update().get().result == .awaitingProof)
    try end(.verify, with: nil)
    let proof = try device.updater().markGood()
    #expect(proof.markGood?.isNew == true)
    #expect(proof.handled.proven == ["radio-7"])

    let report = try device.update().get()
    #expect(report.settled == true)
    #expect(report.result == .upToDate)
    #expect(try told().images == [try directed.serial(): "gw-2", "gw-radio": "radio-7"])
    #expect(try told().codes == [try directed.serial(): "OK", "gw-radio": "OK"])
  }

  @Test func `a target that fails keeps its system from being deployed`() throws {
    _ = try device.update().get()
    try assignBoth("urn:both")
    try end(.apply, with: 1)
    guard case .handler? = try device.update().failure else {
      Issue.record("taken")
      return
    }
    #expect(try directed.order() == [one])
    #expect(try calls() == ["apply radio-7 with a system", "revert radio-7 with a system"])
    #expect(
      try told().codes
        == [try directed.serial(): "OPERATION_CANCELLED", "gw-radio": "INSTALL_FAILED"])
    try end(.apply, with: nil)
    #expect(try device.update().get().result == .rejectedBefore)
    #expect(try directed.order() == [one])
    try assignBoth("urn:again")
    #expect(try device.update().get().result == .deployed)
  }

  @Test func `a handler that cannot now is called again by the next run`() throws {
    _ = try device.update().get()
    try assignBoth("urn:both")
    try end(.apply, with: 75)
    guard case .handler(let failure)? = try device.update().failure else {
      Issue.record("taken")
      return
    }
    #expect(failure.isTemporary)
    #expect(try directed.order() == [one])
    #expect(try told().codes == [:])
    try end(.apply, with: nil)
    #expect(try device.update().get().result == .deployed)
  }

  @Test func `a system that falls back takes its target with it`() throws {
    _ = try device.update().get()
    try assignBoth("urn:both")
    _ = try device.update().get()
    #expect(radioRuns() == "seven\n")
    try directed.start(1, counter: -1)
    _ = try calls()
    let report = try device.update().get()
    #expect(report.fallback?.rejected?.commit.hex == two)
    #expect(report.settled == false)
    #expect(report.result == .rejectedBefore)
    #expect(try calls() == ["revert radio-7 with a system"])
    #expect(radioRuns() == nil)
    #expect(
      try told().codes == [try directed.serial(): "INSTALL_FAILED", "gw-radio": "INSTALL_FAILED"])
  }

  @Test func `a folder brings targets as well`() throws {
    _ = try device.update().get()
    try assignBoth("urn:both")
    let script = """
      mkdir -p "$1/metadata" "$1/ostree" "$1/targets"; cp -r "$2/director" "$1/metadata/director"
      cp -r "$2/repo" "$1/metadata/image"; cp "$2/repo/targets/"* "$1/targets"
      ln -s "$3" "$1/ostree/repo"
      """
    let stick = device.folder.file("stick")
    try mustRun(
      "sh", "-c", script, "stick", stick, directed.fleet.folder.file("served"), device.server.path)
    try mustRun("rm", directed.fleet.folder.file("served/repo/targets/radio-7"))
    #expect(try device.update { $0.from = stick }.get().result == .deployed)
    #expect(radioRuns() == "seven\n")
  }

  @Test func `apps of a system go to their handler, and no handler is no reason to refuse`() throws
  {
    _ = try device.update().get()
    let apps =
      "{\"docker_compose_apps\":{\"shell\":{\"uri\":\"hub.example.com/acme/shell@sha256:\(one)\"}}}"
    try directed.metadata("publish", "gw-2", two, DirectedDevice.hardware, apps)
    try directed.assign("gw-2", "urn:two")
    let plain = try device.updater().check()
    #expect(plain.handled.isEmpty)
    try install("docker-compose-apps")
    #expect(try device.update().get().result == .deployed)
    #expect(try calls() == ["apply gw-2 with a system"])
    let list = try device.folder.readText("docker-compose-apps")
    #expect(list == "coppice-apps 1\nshell hub.example.com/acme/shell@sha256:\(one)\n")
  }

  // MARK: Without a director

  @Test func `without a director nothing lower is taken, nor what fell back, nor a target twice`()
    throws
  {
    device.configuration += """
      [uptane]
      mode=tuf
      [server]
      certificate=\(directed.fleet.folder.file("authority/fleet.pem"))
      private-key=\(directed.fleet.folder.file("authority/fleet.key"))
      ca-file=\(directed.fleet.folder.file("authority/ca.pem"))
      provisioning=none

      """
    try directed.metadata("publish", "gw-9", two, DirectedDevice.hardware)
    try directed.metadata("publish-file", "radio-7", "seven\n", Self.radio, "BINARY")
    #expect(try device.update().get().result == .deployed)
    try install("radio")
    try directed.start(0, counter: 2)
    _ = try device.updater().markGood()
    let proven = try device.update().get()
    #expect(proven.settled == true)
    #expect(proven.isReported == nil)
    #expect(radioRuns() == "seven\n")

    // What runs is gone from the repository, and what is there is older.
    try directed.metadata("withdraw", "gw-9", "radio-7")
    try directed.metadata("publish", "gw-8", three, DirectedDevice.hardware)
    try directed.metadata("publish-file", "radio-6", "six\n", Self.radio, "BINARY")
    #expect(try device.update().get().result == .upToDate)
    #expect(try directed.order() == [two, one])

    try directed.metadata("publish", "gw-10", three, DirectedDevice.hardware)
    #expect(try device.update().get().result == .deployed)
    try directed.start(1, counter: -1)
    let back = try device.update().get()
    #expect(back.settled == false)
    #expect(back.result == .upToDate)
    #expect(try directed.order() == [two])
  }
}
