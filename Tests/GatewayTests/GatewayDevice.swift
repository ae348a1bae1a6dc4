// SPDX-License-Identifier: Apache-2.0
import Foundation
import Support
import Transport
import Uptane

@testable import Gateway

/// A device that has an archive of credentials, a machine to tell of, and a server.
final class GatewayDevice {
  let server: FleetServer
  let folder: TemporaryDirectory
  var options: GatewayOptions

  var archive: String { folder.file("credentials.zip") }
  var state: String { folder.file("state") }
  func file(_ name: String) -> String { "\(state)/gateway/\(name)" }

  init(_ server: FleetServer) throws {
    self.server = server
    folder = try TemporaryDirectory("device")
    options = GatewayOptions(
      stateFolder: folder.file("state"), now: ValidityTime(seconds: 1_800_000_000, isCertain: true))
    options.provisioning = .shared
    options.credentials = folder.file("credentials.zip")
    options.hardwareID = "edge-gw-v2"
    options.proxy = .none
    options.retryDelayMilliseconds = 10
    options.systemRoot = folder.file("root")
    try server.copyArchive(to: archive)
    try folder.write("gw-7\n", to: "root/proc/sys/kernel/hostname")
    try folder.write("base 1.0\nkernel 6.1\n", to: "root/usr/package.manifest")
  }

  // Each is one run of coppice.

  @discardableResult
  func provision() -> Result<Registration, GatewayError> {
    Result { () throws(GatewayError) in try GatewayClient(options).provision() }
  }

  func sendEvents() -> Result<Int, GatewayError> {
    Result { () throws(GatewayError) in try GatewayClient(options).sendEvents() }
  }

  func sendInformation() -> Result<[DeviceInformation], GatewayError> {
    Result { () throws(GatewayError) in try GatewayClient(options).sendInformation() }
  }

  func sendManifest(_ image: InstalledImage) -> Result<Void, GatewayError> {
    Result { () throws(GatewayError) in try GatewayClient(options).sendManifest { _ in image } }
  }

  func mustProvision() throws -> Registration { try provision().get() }

  /// Every file of the state, by name, as it is.
  func files() throws -> [String: [UInt8]] {
    var files: [String: [UInt8]] = [:]
    for name in try FileManager.default.subpathsOfDirectory(atPath: state) {
      files[name] = try? folder.read("state/\(name)")
    }
    return files
  }

  func mode(_ name: String) throws -> Int {
    let attributes = try FileManager.default.attributesOfItem(atPath: file(name))
    return (attributes[.posixPermissions] as? Int) ?? 0
  }

  /// The names in the archive.
  func members() throws -> [String] {
    let list = try mustRun("python3", "-m", "zipfile", "-l", archive)
    return list.split(separator: "\n").dropFirst().compactMap {
      $0.split(separator: " ").first.map(String.init)
    }.sorted()
  }
}
