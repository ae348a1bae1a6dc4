// SPDX-License-Identifier: Apache-2.0
import Configuration
import Foundation
import Gateway
import Support
import Testing
import Transport
import Uptane

@testable import Updater

private let (two, three) = (DeviceFixture.two, DeviceFixture.three)

/// What a device trusts before and beside the metadata of its server: first roots, time, and that
/// nobody else is at it.
@Suite final class ServerTrustTests: DirectedDevice {
  private var state: String { "\(device.path)/ostree/deploy/coppice/var/lib/coppice" }

  /// Without a director, with a certificate of its own; no root is named.
  private func beRootless() {
    device.configuration = """
      [device]
      hardware-id=\(Self.hardware)
      [server]
      url=\(fleet.url)
      provisioning=none
      certificate=\(fleet.folder.file("authority/fleet.pem"))
      private-key=\(fleet.folder.file("authority/fleet.key"))
      ca-file=\(fleet.folder.file("authority/ca.pem"))
      proxy=none
      [uptane]
      mode=tuf
      [pull]
      retries=0

      """
  }

  @Test func `a check before there is an identity says so`() throws {
    let updater = try device.updater()
    let result = Result { () throws(UpdaterError) in try updater.check() }
    guard case .failure(.gateway(.notProvisioned)) = result else {
      Issue.record("\(result)")
      return
    }
    #expect(fleet.log() == [])
  }

  @Test func `with a director and without an identity the device must be told its serial`() throws {
    beRootless()
    device.configuration += "[uptane]\nmode=uptane\n"
    #expect(try device.update().failure == .notConfigured(missing: [.hardwareID, .ecuSerial]))
  }

  @Test func `the first root of a server is not taken where the configuration says so`() throws {
    beRootless()
    try metadata("publish", "gw-2", two, Self.hardware)
    device.configuration += "[uptane]\ntrust-first-root=no\n"
    #expect(try device.update().failure == .metadata(.noRoot))
    #expect(fleet.log() == [])
    device.configuration += "[uptane]\ntrust-first-root=yes\n"
    #expect(try device.update().get().result == .deployed)
  }

  @Test func `the roots that came with the credentials are trusted`() throws {
    let script = """
      import sys, zipfile
      archive, served = sys.argv[1:]
      with zipfile.ZipFile(archive) as file:
          members = {name: file.read(name) for name in file.namelist()}
      members['root.json'] = open(served + '/repo/1.root.json', 'rb').read()
      members['director_root.json'] = open(served + '/director/1.root.json', 'rb').read()
      with zipfile.ZipFile(archive, 'w') as file:
          for name, content in members.items():
              file.writestr(name, content)
      """
    try mustRun(
      "python3", "-c", script, device.folder.file("credentials.zip"), fleet.folder.file("served"))
    device.configuration =
      device.configuration.split(separator: "\n")
      .filter { !$0.contains("-root=") }.joined(separator: "\n")
    device.configuration += "\n[uptane]\ntrust-first-root=no\n"
    #expect(try device.update().get().result == .upToDate)
    try metadata("publish", "gw-2", two, Self.hardware)
    try assign("gw-2", "urn:two")
    #expect(try device.update().get().result == .deployed)
  }

  @Test func `a configured root is the first one, and later nothing`() throws {
    for (key, name) in [("director-root", "director"), ("image-root", "repo")] {
      let first = device.folder.file("\(name).json")
      try mustRun("cp", fleet.folder.file("served/\(name)/root.json"), first)
      device.configuration += "[uptane]\n\(key)=\(first)\n"
    }
    _ = try device.update().get()
    try device.folder.write("{}", to: "director.json")
    try device.folder.write("{}", to: "repo.json")
    try metadata("publish", "gw-2", two, Self.hardware)
    try assign("gw-2", "urn:two")
    #expect(try device.update().get().result == .deployed)
  }

  @Test func `certificates are held against the floor of the clock`() throws {
    beRootless()
    device.configuration +=
      "[uptane]\nimage-root=\(fleet.folder.file("served/repo/root.json"))\n"
    try mustRun("mkdir", "-p", state)
    try Data("2098-01-01T00:00:00Z\n".utf8).write(to: URL(fileURLWithPath: "\(state)/clock"))
    guard
      case .metadata(.fetch(.transport(.certificate(_, .expired)), .image, .root))? =
        try device.update().failure
    else {
      Issue.record("\(try device.update())")
      return
    }
  }

  @Test func `who changes the metadata is alone`() throws {
    _ = try device.update().get()
    let holder = try LockHolder("\(state)/metadata/lock")
    let result = try device.update()
    guard case .failure(.busy(let path)) = result else {
      Issue.record("\(result)")
      return
    }
    #expect(path.hasSuffix("/lib/coppice/metadata/lock"))
    holder.release()
    #expect(try device.update().get().result == .upToDate)
  }

  @Test func `the image that runs is not given other content under its name`() throws {
    _ = try device.update().get()
    try metadata("publish", "gw-2", two, Self.hardware)
    try assign("gw-2", "urn:two")
    _ = try device.update().get()
    try start(0, counter: 2)
    try markGood()
    _ = try device.update().get()
    try metadata("forge", "gw-2", three, try serial(), Self.hardware)
    guard case .metadata(.refused(let error))? = try device.update().failure else {
      Issue.record("taken")
      return
    }
    #expect(error.fault.name == "same_name_different_content")
    #expect(try manifests().last?.attack == "same_name_different_content")
  }

  @Test func `the server hears at once what was fetched and what was not`() throws {
    _ = try device.update().get()
    try metadata("publish", "gw-2", two, Self.hardware)
    try assign("gw-2", "urn:two")
    let hidden = try device.hideFile(of: two, besides: DeviceFixture.one)
    guard case .pull? = try device.update().failure else {
      Issue.record("nothing was hidden")
      return
    }
    try hidden.restore()
    #expect(try device.update().get().result == .deployed)
    let events = try fleet.state().events.map { ($0.eventType.id, $0.event.success) }
    #expect(
      events.map(\.0) == [
        "EcuDownloadStarted", "EcuDownloadCompleted", "EcuDownloadCompleted",
        "EcuInstallationStarted", "EcuInstallationApplied",
      ])
    #expect(events.map(\.1) == [nil, false, true, nil, nil])
  }
}
