// SPDX-License-Identifier: Apache-2.0
import Codec
import Cryptography
import Transport

/// What the server is told of the device besides what it runs. Each part is sent when it is not
/// what the server has accepted last: the file `information` keeps checksums of that.
public enum DeviceInformation: String, CaseIterable, Hashable, Sendable {
  case hardware, network, packages
  /// In force, as TOML.
  case configuration

  private static let file = "information"
  private static let group = "accepted"

  /// Below the gateway.
  private var path: String {
    switch self {
    case .hardware: "system_info"
    case .network: "system_info/network"
    case .packages: "core/installed"
    case .configuration: "system_info/config"
    }
  }

  /// Nil where there is nothing to tell.
  func body(_ options: GatewayOptions) -> [UInt8]? {
    let files = SystemFiles(root: options.systemRoot)
    switch self {
    case .hardware: return HardwareInformation(files).json.canonicalBytes
    case .network: return NetworkInformation.json(files)?.canonicalBytes
    case .packages: return InstalledPackages.json(files)?.canonicalBytes
    case .configuration: return options.configuration.map { Array($0.utf8) }
    }
  }

  /// False if the server has it already, or takes no such thing. What it accepted is durably known
  /// when this returns.
  func send(
    to server: GatewayServer, _ options: GatewayOptions, _ folder: GatewayFolder
  ) throws(GatewayError) -> Bool {
    guard let body = body(options) else { return false }
    let checksum = SHA256.hash(body).hex
    var known = folder.readKeyfileIfSound(DeviceInformation.file) ?? GatewayFolder.newKeyfile()
    if let last = known.string(DeviceInformation.group, rawValue), same(last, checksum) {
      return false
    }
    let url = server.base.appending(path)
    let answer =
      try self == .configuration
      ? server.post(toml: body, to: url) : server.put(body, to: url)
    if answer.status == 404 { return false }
    guard answer.isSuccess else { throw answer.refusal(url) }
    known.set(DeviceInformation.group, rawValue, to: checksum)
    try folder.write(DeviceInformation.file, known)
    return true
  }
}
