// SPDX-License-Identifier: Apache-2.0
import Codec
import Cryptography
import Foundation
import Support
import Testing
import Uptane

@testable import Gateway

/// Byte for byte what the tools of the field make of the same keys.
@Suite struct GoldenManifestTests {
  static let folder = PackagePaths.golden + "/uptane/manifest"
  static let primary = ECU(serial: "gw-0001-primary", hardwareID: "edge-gw-v2")
  static let secondary = ECU(serial: "sens-0001", hardwareID: "sensor-mcu")
  static let correlation = "urn:here-ota:mtu:6ad1b2a4-6bd1-4d0a-9c6c-0a8c6f7d5f10"

  func key(_ name: String) throws -> ECUKey {
    let pem = try String(contentsOfFile: "\(Self.folder)/\(name).pem", encoding: .utf8)
    return ECUKey(try #require(PrivateKey(pem: pem)))
  }

  func golden(_ name: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(Self.folder)/\(name).json")))
  }

  func statement(
    _ path: String, _ sha256: String, _ length: UInt64, _ counter: Int64
  ) -> ECUStatement {
    ECUStatement(
      image: InstalledImage(path: path, hashes: Hashes(sha256: sha256), length: length), time: 0,
      previousTime: 0, counter: counter)
  }

  @Test func `the registration`() throws {
    let body = ECURegistration.body([
      (Self.primary, try key("ecu-primary")), (Self.secondary, try key("ecu-secondary")),
    ])
    #expect(body.canonicalBytes == (try golden("ecus")))
  }

  @Test func `a manifest with a success and a failure`() throws {
    let (one, two) = (try key("ecu-primary"), try key("ecu-secondary"))
    let own = statement(
      "edge-gw-2.4.0", "f4c80623e95b23fa56f689e1f75081970293e0f02be9c2f0da56b44dfe1b6697", 0, 8)
    let other = statement("apps/sensor-fw-6.bin", String(repeating: "1", count: 64), 1000, 3)
    let report = InstallationReport(
      correlationID: Self.correlation,
      items: [
        .init(ecu: Self.primary, code: .ok, description: "Installed and booted"),
        .init(ecu: Self.secondary, code: .downloadFailed, description: "bus timeout"),
      ])
    let manifest = Manifest.make(
      primary: Self.primary.serial,
      [
        (Self.primary.serial, own.signed(Self.primary.serial, by: one)),
        (Self.secondary.serial, other.signed(Self.secondary.serial, by: two)),
      ], report, by: one)
    #expect(manifest.canonicalBytes == (try golden("manifest")))
  }

  @Test func `a manifest after a boot that failed`() throws {
    let key = try key("ecu-primary")
    let own = statement(
      "edge-gw-2.3.9", "f1a33a052fe6c235aeee09719f7559bb07eeeed8f478fe4567a777ad2cd533dc", 0, 9)
    let report = InstallationReport(
      correlationID: Self.correlation,
      items: [
        .init(ecu: Self.primary, code: .installFailed, description: "Wrong version booted")
      ])
    let manifest = Manifest.make(
      primary: Self.primary.serial,
      [(Self.primary.serial, own.signed(Self.primary.serial, by: key))], report, by: key)
    #expect(manifest.canonicalBytes == (try golden("manifest-after-rollback")))
  }
}

/// Manifests on their way to a director that checks them.
@Suite struct ManifestDeliveryTests {
  let device: GatewayDevice
  let image = InstalledImage(
    path: "edge-gw-2.4.0", hashes: Hashes(sha256: String(repeating: "a", count: 64)), length: 0)

  init() throws {
    device = try GatewayDevice(FleetServer())
    _ = try device.mustProvision()
  }

  func send() -> Result<Void, GatewayError> {
    device.sendManifest(image)
  }

  func counters() throws -> [Int] { try Array(device.server.state().counters.values) }

  private func manifests() throws -> [[String: Any]] {
    let state = try JSONSerialization.jsonObject(
      with: Data(device.server.folder.read("state.json")))
    return ((state as? [String: Any])?["manifests"] as? [[String: Any]]) ?? []
  }

  @Test func `a director takes what we sign, with a count that goes up`() throws {
    for number in 1...3 {
      try send().get()
      #expect(try counters() == [number])
    }
  }

  @Test func `so does one that knows the ECU by an RSA key, and takes no other key`() throws {
    let device = try GatewayDevice(FleetServer())
    device.options.keyKind = .rsa
    _ = try device.mustProvision()
    try device.sendManifest(image).get()
    let known = try #require(try device.server.state().ecus.values.first?.ecus.first)
    #expect(known.clientKey.keytype == "RSA")
    #expect(known.clientKey.keyval.public.hasPrefix("-----BEGIN PUBLIC KEY-----\n"))
    #expect(try device.server.state().counters.values.map { $0 } == [1])

    let pem = device.file("ecu-key.pem")
    let bits = try mustRun("openssl", "pkey", "-in", pem, "-noout", "-text")
    #expect(bits.contains("(2048 bit"))
    try mustRun("openssl", "genrsa", "-out", pem, "2048")
    // Else it would count as another ECU.
    device.options.serial = try device.server.state().ecus.values.first?.primaryEcuSerial
    guard case .failure(.refused(_, status: 400, let reason)) = device.sendManifest(image) else {
      throw Unexpected()
    }
    #expect(reason.code == "signature_not_valid")
  }

  @Test(arguments: ["cut-head", "cut-body", "cut-answer", "cut-half", "status:500"])
  func `no count is used twice, whatever is cut`(cut: String) throws {
    try device.server.fail("/director/manifest", cut, times: 3)
    _ = send()
    let before = try counters().first ?? 0
    try device.server.failNothing()
    try send().get()
    #expect(try counters()[0] > before)
  }

  @Test func `a report goes along until it was taken`() throws {
    let primary = ECU(serial: "s", hardwareID: "edge-gw-v2")
    let report = InstallationReport(
      correlationID: "urn:here-ota:mtu:1",
      items: [.init(ecu: primary, code: .installFailed, description: "Wrong\nversion booted")])
    try GatewayClient(device.options).keep(report)
    try device.server.fail("/director/manifest", "cut-body", times: 3)
    guard case .failure = send() else { throw Unexpected() }
    try device.server.failNothing()
    try send().get()
    try send().get()
    let all = try manifests().compactMap { $0["signed"] as? [String: Any] }
    #expect(all.map { $0["installation_report"] != nil } == [true, false])
    let told = try String(
      decoding: JSONSerialization.data(withJSONObject: all[0], options: .sortedKeys), as: UTF8.self)
    #expect(told.contains(#""code":"edge-gw-v2:INSTALL_FAILED""#))
    #expect(told.contains(#"Wrong\nversion booted"#))
  }

  @Test func `a manifest that is only shown changes nothing`() throws {
    let before = try device.files()
    let shown = try GatewayClient.manifest(device.options) { _ in image }
    #expect(try device.files() == before)
    #expect(
      String(decoding: shown.canonicalBytes, as: UTF8.self).contains(#""report_counter":"1""#))
    try send().get()
    let next = try GatewayClient.manifest(device.options) { _ in image }.canonicalBytes
    #expect(String(decoding: next, as: UTF8.self).contains(#""report_counter":"2""#))
    #expect(
      String(decoding: next, as: UTF8.self)
        .contains(#""previous_timeserver_time":"2027-01-15T08:00:00Z""#))
  }

  @Test func `a director that does not believe it is heard`() throws {
    try device.server.fail("/director/manifest", "status:400:signature_not_valid")
    guard case .failure(.refused(_, status: 400, let reason)) = send() else { throw Unexpected() }
    #expect(reason.code == "signature_not_valid")
  }

  @Test func `a commit is called by its target, ours, the factory's or none`() throws {
    let (a, b) = (String(repeating: "a", count: 64), String(repeating: "b", count: 64))
    let images = InstalledImages(stateFolder: device.state, systemRoot: device.options.systemRoot)
    #expect(images.image(of: a).path == "unknown")
    try device.folder.write(
      #"{"\#(a)":"edge-gw-1.0"}"#, to: "root/var/sota/import/installed_versions")
    #expect(images.image(of: a).path == "edge-gw-1.0")
    try images.record(target: "edge-gw-2.0", commit: b)
    #expect(images.image(of: b).path == "edge-gw-2.0" && images.image(of: b).hashes.sha256 == b)
    for number in 0..<40 { try images.record(target: "t\(number)", commit: "\(number)") }
    #expect(images.image(of: b).path == "unknown", "the oldest give way")
    #expect(images.image(of: "39").path == "t39")
  }
}
