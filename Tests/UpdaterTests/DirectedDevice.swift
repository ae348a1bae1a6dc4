// SPDX-License-Identifier: Apache-2.0
import Cryptography
import Deploy
import Foundation
import Support
import Testing

/// A device whose server says what it shall run, with both repositories, a gateway that asks for
/// certificates, and a boot loader that counts. Version 1 runs and is proven.
class DirectedDevice {
  static let hardware = "gw-hw"
  let device: DeviceFixture
  let fleet: FleetServer
  private var grubenv: String { "\(device.path)/boot/grub/grubenv" }

  init() throws {
    device = try DeviceFixture()
    fleet = try FleetServer()
    try device.folder.write("# boot_counter\n", to: "sysroot/boot/grub/grub.cfg")
    try mustRun("grub-editenv", "\(device.path)/boot/grub/grubenv", "create")
    try device.publish(DeviceFixture.one)
    _ = try device.update().get()
    try start(0)
    try markGood()

    try metadata("init")
    try fleet.copyArchive(to: device.folder.file("credentials.zip"))
    try mustRun("ln", "-s", device.server.path, fleet.folder.file("served/treehub"))
    device.configuration = """
      [device]
      hardware-id=\(Self.hardware)
      [server]
      url=\(fleet.url)
      provisioning=shared
      credentials=\(device.folder.file("credentials.zip"))
      proxy=none
      [uptane]
      director-root=\(fleet.folder.file("served/director/root.json"))
      image-root=\(fleet.folder.file("served/repo/root.json"))
      [pull]
      retries=0

      """
  }

  // MARK: The device

  /// The deployment at `position` runs; `counter` is what the boot loader has left of it.
  func start(_ position: Int, counter: Int? = nil) throws {
    if let counter { try mustRun("grub-editenv", grubenv, "set", "boot_counter=\(counter)") }
    let deployment = try device.sysroot().state().deployments[position]
    let root = "\(device.path)/\(deployment.path)"
    // Where a system that runs has mounted the stateroot's.
    try mustRun(
      "sh", "-c", "chattr -f -i \"$1\"; rm -rf \"$1/var\"; ln -s ../../var \"$1/var\"", "var", root)
    device.environment.root = root
  }

  func markGood() throws {
    let sysroot = try device.sysroot()
    _ = try sysroot.markGood(try sysroot.lock())
  }

  func order() throws -> [String] {
    try device.sysroot().state().deployments.map { $0.commit.hex }
  }

  // MARK: The server

  func metadata(_ words: String...) throws {
    let script = PackagePaths.root + "/Tests/Servers/uptane_metadata.py"
    let result = try run(
      "python3", arguments: [script, fleet.folder.file("served")] + words)
    try #require(result.status == 0, "\(result)")
  }

  func serial() throws -> String {
    try #require(try fleet.state().ecus.values.first).primaryEcuSerial
  }

  func assign(_ name: String, _ correlation: String) throws {
    try metadata("assign", name, try serial(), Self.hardware, correlation)
  }

  /// What the server was told.
  struct Manifest {
    let primary: String
    let image: String
    let attack: String
    let isSuccess: Bool?
    let correlation: String?
  }

  func manifests() throws -> [Manifest] {
    let state = try JSONSerialization.jsonObject(with: Data(fleet.folder.read("state.json")))
    let all = try #require((state as? [String: Any])?["manifests"] as? [[String: Any]])
    return all.map { manifest in
      let signed = manifest["signed"] as! [String: Any]
      let statements = signed["ecu_version_manifests"] as! [String: [String: Any]]
      let own = statements[signed["primary_ecu_serial"] as! String]!["signed"] as! [String: Any]
      let report = (signed["installation_report"] as? [String: Any])?["report"] as? [String: Any]
      return Manifest(
        primary: signed["primary_ecu_serial"] as! String,
        image: (own["installed_image"] as! [String: Any])["filepath"] as! String,
        attack: own["attacks_detected"] as! String,
        isSuccess: (report?["result"] as? [String: Any])?["success"] as? Bool,
        correlation: report?["correlation_id"] as? String)
    }
  }
}
