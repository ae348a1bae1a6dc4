// SPDX-License-Identifier: Apache-2.0
import Cryptography
import Deploy
import Support
import Testing
import Uptane

@testable import Updater

private let (one, two, three) = (DeviceFixture.one, DeviceFixture.two, DeviceFixture.three)

/// `update` on a device whose server says what it shall run.
@Suite final class ServerUpdateTests: DirectedDevice {
  @Test func `a device that nothing is assigned to is known to its server and up to date`() throws {
    let report = try device.update().get()
    #expect(report.result == .upToDate)
    #expect(report.check.commit == nil)
    #expect(report.reportFailure == nil)
    #expect(try fleet.state().registrations.count == 1)
    #expect(try manifests().map { $0.image } == ["unknown"])
    _ = try device.update().get()
    #expect(try fleet.state().registrations.count == 1)
  }

  @Test func `what both repositories name is deployed, and reported once it is proven`() throws {
    _ = try device.update().get()
    try metadata("publish", "gw-2", two, Self.hardware)
    try assign("gw-2", "urn:two")
    let check = try device.updater().check()
    #expect(check.isAvailable)
    #expect(check.commit?.hex == two)
    #expect(check.source.offer?.target?.path == "gw-2")
    #expect(check.version == "2")

    let report = try device.update().get()
    #expect(report.result == .deployed)
    #expect(try order() == [two, one])
    #expect(try device.ostree("admin", "status").contains("treehub:assigned"))
    let before = try manifests().count
    // It is not started yet, and then on trial: nothing is said before it is proven.
    #expect(try device.update().get().result == .awaitingProof)
    try start(0, counter: 2)
    let trial = try device.update().get()
    #expect(trial.result == .awaitingProof)
    #expect(trial.settled == nil)
    #expect(try manifests().count == before)

    try markGood()
    let proven = try device.update().get()
    #expect(proven.result == .upToDate)
    #expect(proven.settled == true)
    let told = try #require(try manifests().last)
    #expect(told.image == "gw-2")
    #expect(told.isSuccess == true)
    #expect(told.correlation == "urn:two")
    // The report was taken.
    _ = try device.update().get()
    #expect(try manifests().last?.isSuccess == nil)
  }

  @Test func `what falls back is reported, and offered again only under another name`() throws {
    _ = try device.update().get()
    try metadata("publish", "gw-2", two, Self.hardware)
    try assign("gw-2", "urn:two")
    _ = try device.update().get()
    // All starts are used up, and the boot loader is back at version 1.
    try start(1, counter: -1)
    let report = try device.update().get()
    #expect(report.fallback?.rejected?.commit.hex == two)
    #expect(report.settled == false)
    #expect(report.result == .rejectedBefore)
    #expect(try order() == [one])
    let told = try #require(try manifests().last)
    #expect(told.image == "unknown")
    #expect(told.isSuccess == false)
    #expect(told.correlation == "urn:two")

    #expect(try device.update().get().result == .rejectedBefore)
    try assign("gw-2", "urn:again")
    #expect(try device.update().get().result == .deployed)
    #expect(try order() == [two, one])
  }

  @Test func `a director alone has nothing installed, and is told what was seen`() throws {
    _ = try device.update().get()
    try metadata("forge", "gw-2", two, try serial(), Self.hardware)
    let failure = try device.update().failure
    #expect(
      failure
        == .metadata(.refused(UptaneError(.targetNotFound(path: "gw-2"), .image, .targets))))
    #expect(try manifests().last?.attack == "target_not_found")
    #expect(try order() == [one])
  }

  @Test func `metadata that have expired are refused, and later ones are taken`() throws {
    _ = try device.update().get()
    try metadata("publish", "gw-2", two, Self.hardware)
    try assign("gw-2", "urn:two")
    try metadata("expire")
    guard case .metadata(.refused(let error))? = try device.update().failure else {
      Issue.record("taken")
      return
    }
    #expect(error.fault.name == "expired")
    #expect(try order() == [one])
    try assign("gw-2", "urn:two")
    try metadata("publish", "gw-2", two, Self.hardware)
    #expect(try device.update().get().result == .deployed)
  }

  @Test func `a server that does not want to be told keeps nobody from updating`() throws {
    _ = try device.update().get()
    try metadata("publish", "gw-2", two, Self.hardware)
    try assign("gw-2", "urn:two")
    try fleet.fail("/director/manifest", "status:403", times: 100)
    let report = try device.update().get()
    #expect(report.result == .deployed)
    #expect(report.reportFailure != nil)
  }

  @Test func `a folder is taken in place of the server, with the same checks`() throws {
    _ = try device.update().get()
    try metadata("publish", "gw-2", two, Self.hardware)
    try metadata("publish", "gw-3", three, Self.hardware)
    try assign("gw-2", "urn:two")
    let script = """
      mkdir -p "$1/metadata" "$1/ostree"; cp -r "$2/director" "$1/metadata/director"
      cp -r "$2/repo" "$1/metadata/image"; ln -s "$3" "$1/ostree/repo"
      """
    let stick = device.folder.file("stick")
    try mustRun(
      "sh", "-c", script, "stick", stick, fleet.folder.file("served"), device.server.path)
    // The server says something else by now, and does not have the objects.
    try assign("gw-3", "urn:three")
    try mustRun("rm", fleet.folder.file("served/treehub"))
    let report = try device.update { $0.from = stick }.get()
    #expect(report.result == .deployed)
    #expect(try order() == [two, one])

    // Once the device has seen the server's newer metadata, the stick is a step back.
    _ = try device.updater().check()
    guard case .metadata(.refused(let error))? = try device.update({ $0.from = stick }).failure
    else {
      Issue.record("taken")
      return
    }
    #expect(error.fault.name == "rollback")
  }

  @Test func `without a director the newest image for this hardware is taken, and none lower`()
    throws
  {
    device.configuration += "mode=none\n[uptane]\nmode=tuf\n[server]\nprovisioning=device\n"
    device.configuration += "certificate=\(fleet.folder.file("authority/fleet.pem"))\n"
    device.configuration += "private-key=\(fleet.folder.file("authority/fleet.key"))\n"
    device.configuration += "ca-file=\(fleet.folder.file("authority/ca.pem"))\n"
    device.configuration += "provisioning=none\n"
    try metadata("publish", "gw-2", two, Self.hardware)
    try metadata("publish", "gw-9", three, "other-hardware")
    #expect(try device.update().get().result == .deployed)
    #expect(try order() == [two, one])
    try start(0, counter: 2)
    try markGood()
    // A lower number is no update, whenever it was published.
    try metadata("publish", "gw-1", one, Self.hardware)
    #expect(try device.update().get().result == .upToDate)
    try metadata("withdraw", "gw-2")
    #expect(try device.update().get().result == .upToDate)
    try metadata("publish", "gw-10", three, Self.hardware)
    #expect(try device.update().get().result == .deployed)
    #expect(try order() == [three, two])
    // What fell back is passed over.
    try start(1, counter: -1)
    #expect(try device.update().get().fallback?.rejected?.commit.hex == three)
    #expect(try order() == [two, one] || order() == [two])
    #expect(try device.update().get().result == .upToDate)
  }
}
