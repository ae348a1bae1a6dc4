// SPDX-License-Identifier: Apache-2.0
import Foundation
import Linux
import Support
import Testing
import Transport
import Uptane

@testable import Gateway

/// A device becomes known to a server, once.
@Suite struct ProvisioningTests {
  let server: FleetServer
  let device: GatewayDevice

  init() throws {
    server = try FleetServer()
    device = try GatewayDevice(server)
  }

  @Test func `a shared credential becomes an identity of the device's own`() throws {
    let done = try device.mustProvision()
    #expect(done.isNewDevice && done.isNewECU)
    #expect(done.identity.serverURL.text == "\(server.url)/")
    let state = try server.state()
    #expect(state.devices == [done.identity.deviceID])
    #expect(state.ecus[done.identity.deviceID]?.primaryEcuSerial == done.ecus[0].serial)
    #expect(state.ecus[done.identity.deviceID]?.ecus[0].hardwareIdentifier == "edge-gw-v2")
    #expect(server.log().count == 2)
    let subject = try mustRun(
      "openssl", "x509", "-in", device.file("identity.pem"), "-noout", "-subject")
    #expect(subject.hasSuffix("CN = \(done.identity.deviceID)"))
  }

  @Test func `doing it twice changes nothing and asks nobody`() throws {
    let first = try device.mustProvision()
    try server.forgetLog()
    let before = try device.files()
    let second = try device.mustProvision()
    #expect(!second.isNewDevice && !second.isNewECU)
    #expect(second.identity.deviceID == first.identity.deviceID)
    #expect(try device.files() == before)
    #expect(server.log() == [])
  }

  @Test func `what is secret is for the owner alone, and the shared credential goes`() throws {
    _ = try device.mustProvision()
    for name in ["identity.pem", "ecu-key.pem", "device", "registration"] {
      #expect(try device.mode(name) == 0o600, "\(name)")
    }
    #expect(try device.mode(".") == 0o700)
    #expect(!FileManager.default.fileExists(atPath: device.file("shared.pem")))
    let rest = ["autoprov.url", "director_root.json", "root.json", "tufrepo.url"]
    #expect(try device.members() == rest)
    let url = try mustRun(
      "python3", "-c",
      "import sys, zipfile; print(zipfile.ZipFile(sys.argv[1]).read('autoprov.url'))",
      device.archive)
    #expect(url == "b'\(server.url)\\n'")
  }

  @Test func `the archive can be kept for the next device`() throws {
    device.options.keepsCredentials = true
    let before = try device.folder.read("credentials.zip")
    _ = try device.mustProvision()
    #expect(try device.folder.read("credentials.zip") == before)
  }

  @Test func `first roots are kept as they came, and never replaced`() throws {
    _ = try device.mustProvision()
    let roots = try FirstRoots(stateFolder: device.state)
    #expect(
      roots.imageRoot == Array(#"{"signatures":[],"signed":{"_type":"Root","version":1}}"#.utf8))
    #expect(roots.directorRoot?.isEmpty == false)
    try device.folder.write("old", to: "state/gateway/\(FirstRoots.image)")
    _ = try device.mustProvision()
    #expect(try FirstRoots(stateFolder: device.state).imageRoot == Array("old".utf8))
  }

  @Test func `a configured id and serial are what the server hears`() throws {
    device.options.deviceID = "gw-0001"
    device.options.serial = "gw-0001-primary"
    let done = try device.mustProvision()
    #expect(done.identity.deviceID == "gw-0001")
    #expect(try server.state().ecus["gw-0001"]?.primaryEcuSerial == "gw-0001-primary")
  }

  @Test func `a configured id that is taken is said to be`() throws {
    device.options.deviceID = "gw-0001"
    _ = try device.mustProvision()
    let other = try GatewayDevice(server)
    other.options.deviceID = "gw-0001"
    guard case .failure(.deviceTaken(_, "gw-0001")) = other.provision() else {
      Issue.record("two devices of one id")
      return
    }
    #expect(try server.state().devices == ["gw-0001"])
    #expect(!FileManager.default.fileExists(atPath: other.file("identity.pem")))
  }

  @Test func `a name that was made up and is taken is made up anew`() throws {
    try server.fail("/devices", "status:409:device_already_registered")
    let done = try device.mustProvision()
    #expect(try server.state().devices == [done.identity.deviceID])
    #expect(server.log().filter { $0.hasPrefix("POST /devices") }.count == 2)
  }

  @Test func `a server that knows every name is not asked for ever`() throws {
    try server.fail("/devices", "status:409:device_already_registered", times: 1000)
    guard case .failure(.deviceTaken) = device.provision() else {
      Issue.record("given an identity")
      return
    }
    #expect(server.log().count == 3)
  }

  // MARK: A certificate of its own

  @Test func `a device with a certificate of its own has its name from there`() throws {
    let issuer = try GatewayDevice(server)
    _ = try issuer.mustProvision()
    let id = try #require(try server.state().devices.first)
    device.options.provisioning = .device
    device.options.credentials = nil
    device.options.serverURL = HTTPURL(server.url)
    device.options.authorityFile = server.folder.file("authority/ca.pem")
    device.options.certificateFile = server.folder.file("authority/\(id).pem")
    device.options.privateKeyFile = server.folder.file("authority/\(id).key")
    let done = try device.mustProvision()
    #expect(done.identity.deviceID == id && done.isNewECU)
    #expect(try server.state().devices == [id], "nobody was registered")
    #expect(try !device.mustProvision().isNewECU)
  }

  @Test func `without its files it waits for them, and does not fall back`() throws {
    device.options.provisioning = .device
    device.options.certificateFile = device.folder.file("absent.pem")
    device.options.privateKeyFile = device.folder.file("absent.key")
    let path = device.folder.file("absent.pem")
    guard case .failure(.noCredentials(path, .notFound)) = device.provision() else {
      Issue.record("it got somewhere")
      return
    }
    #expect(server.log() == [])
  }

  @Test func `a key of another certificate is refused`() throws {
    device.options.provisioning = .device
    device.options.certificateFile = server.folder.file("authority/fleet.pem")
    device.options.privateKeyFile = server.folder.file("authority/server.key")
    guard case .failure(.identity(_, .mismatch)) = device.provision() else {
      Issue.record("accepted")
      return
    }
  }

  // MARK: What is wrong with credentials

  @Test func `no credentials, no identity`() throws {
    device.options.provisioning = .none
    guard case .failure(.noProvisioning) = device.provision() else { throw Unexpected() }
    device.options.provisioning = .shared
    device.options.credentials = nil
    guard case .failure(.missing(.credentials)) = device.provision() else { throw Unexpected() }
    device.options.credentials = device.folder.file("nothing")
    guard case .failure(.noCredentials(_, .notFound)) = device.provision() else {
      throw Unexpected()
    }
    #expect(server.log() == [])
  }

  @Test func `a broken archive is refused before anybody is asked`() throws {
    try device.folder.write("PK nonsense", to: "credentials.zip")
    guard case .failure(.archive(device.archive, .malformed)) = device.provision() else {
      throw Unexpected()
    }
    try rewriteArchive("del members['autoprov_credentials.p12']")
    guard
      case .failure(.archive(_, .missingMember("autoprov_credentials.p12"))) = device.provision()
    else { throw Unexpected() }
    try rewriteArchive("members['autoprov_credentials.p12'] = b'no'")
    guard case .failure(.identity(_, .malformed)) = device.provision() else { throw Unexpected() }
    try rewriteArchive("members['autoprov.url'] = b'ftp://x'")
    guard case .failure(.archive(_, .badMember("autoprov.url"))) = device.provision() else {
      throw Unexpected()
    }
    try rewriteArchive("members['root.json'] = b'{}'")
    guard case .failure(.archive(_, .badMember("root.json"))) = device.provision() else {
      throw Unexpected()
    }
    try rewriteArchive("del members['autoprov.url']")
    guard case .failure(.noServer) = device.provision() else { throw Unexpected() }
    #expect(server.log() == [])
  }

  /// Of a device that knows nothing yet.
  private func rewriteArchive(_ change: String) throws {
    try? FileManager.default.removeItem(atPath: device.state)
    let script = """
      import sys, zipfile
      source = zipfile.ZipFile(sys.argv[1])
      members = {name: source.read(name) for name in source.namelist()}
      \(change)
      with zipfile.ZipFile(sys.argv[2], "w", zipfile.ZIP_DEFLATED) as archive:
          for name, content in members.items(): archive.writestr(name, content)
      """
    try mustRun("python3", "-c", script, server.archive, device.archive)
  }

  @Test func `two at once are kept apart`() throws {
    let first = try GatewayClient(device.options)
    guard case .failure(.busy(device.file("lock"))) = device.provision() else {
      throw Unexpected()
    }
    _ = try first.provision()
  }

  @Test func `an archive that cannot be written to is left, and said to be`() throws {
    try mustRun("mkdir", device.folder.file("fixed"))
    try FileManager.default.moveItem(
      atPath: device.archive, toPath: device.folder.file("fixed/credentials.zip"))
    device.options.credentials = device.folder.file("fixed/credentials.zip")
    try mustRun("chattr", "+i", device.folder.file("fixed"))
    defer { _ = try? run("chattr", "-i", device.folder.file("fixed")) }
    let done = try device.mustProvision()
    guard case .file? = done.leftover else { throw Unexpected() }
    #expect(try !device.mustProvision().isNewDevice)
  }

  // MARK: ECUs

  @Test func `another hardware id or serial is told, once`() throws {
    let id = try device.mustProvision().identity.deviceID
    device.options.hardwareID = "edge-gw-v3"
    #expect(try device.mustProvision().isNewECU)
    #expect(try !device.mustProvision().isNewECU)
    device.options.serial = "serial-2"
    #expect(try device.mustProvision().isNewECU)
    let state = try server.state()
    #expect(state.devices == [id])
    #expect(state.registrations == [id, id, id])
    #expect(state.ecus[id]?.primaryEcuSerial == "serial-2")
    #expect(state.ecus[id]?.ecus[0].hardwareIdentifier == "edge-gw-v3")
  }

  @Test func `what one device has told does not count for the next`() throws {
    _ = try device.mustProvision()
    // A person starts anew, with the same key.
    for name in ["identity.pem", "device"] {
      try FileManager.default.removeItem(atPath: device.file(name))
    }
    try server.copyArchive(to: device.archive)
    guard case .failure(.refused(_, status: 409, _)) = device.provision() else {
      throw Unexpected()
    }
    device.options.serial = "another"
    #expect(try device.mustProvision().isNewECU)
    #expect(try server.state().ecus.count == 2)
  }

  @Test func `a serial that another device has is refused`() throws {
    device.options.serial = "shared-serial"
    _ = try device.mustProvision()
    let other = try GatewayDevice(server)
    other.options.serial = "shared-serial"
    guard case .failure(.refused(_, status: 409, let reason)) = other.provision() else {
      throw Unexpected()
    }
    #expect(reason.code == "ecu_serial_used")
    // The identity stands, and the next serial is accepted.
    other.options.serial = nil
    #expect(try other.mustProvision().isNewDevice == false)
    #expect(try server.state().devices.count == 2)
  }

  @Test func `names that are none are refused`() throws {
    for (serial, hardwareID) in [
      ("", "x"), (String(repeating: "s", count: 65), "x"),
      ("s", String(repeating: "h", count: 201)), ("a\nb", "x"),
    ] {
      device.options.serial = serial
      device.options.hardwareID = hardwareID
      guard case .failure(.badName) = device.provision() else { throw Unexpected() }
    }
    device.options.deviceID = "two words"
    try FileManager.default.removeItem(atPath: device.state)
    try server.copyArchive(to: device.archive)
    guard case .failure(.badName(.deviceID, "two words")) = device.provision() else {
      throw Unexpected()
    }
  }

  @Test func `names that are made up can be read out`() {
    #expect(DeviceName.name(of: [0x7F, 0, 0, 1, 0, 0, 0xFF, 0xFF]) == "lusab-babad-babab-zuzuz")
    #expect(DeviceName.draw() != DeviceName.draw())
    #expect(DeviceName.isValid(DeviceName.draw()))
  }
}

/// Something else happened than the test wants.
struct Unexpected: Error {}
