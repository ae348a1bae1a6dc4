// SPDX-License-Identifier: Apache-2.0
import Codec
import Cryptography
import Transport

/// What the server is told of the device besides what it runs. Each part is sent when it is not
/// what the server has accepted last: the file `information` keeps checksums of that.
public enum DeviceInformation: String, CaseIterable, Hashable, Sendable {
  case hardware, network, packages

  private static let file = "information"
  private static let group = "accepted"

  /// Below the gateway.
  private var path: String {
    switch self {
    case .hardware: "system_info"
    case .network: "system_info/network"
    case .packages: "core/installed"
    }
  }

  /// Nil where there is nothing to tell.
  func json(_ files: SystemFiles) -> JSONValue? {
    switch self {
    case .hardware: HardwareInformation(files).json
    case .network: NetworkInformation.json(files)
    case .packages: InstalledPackages.json(files)
    }
  }

  /// False if the server has it already, or takes no such thing. What it accepted is durably known
  /// when this returns.
  func send(
    to server: GatewayServer, _ files: SystemFiles, _ folder: GatewayFolder
  ) throws(GatewayError) -> Bool {
    guard let body = json(files)?.canonicalBytes else { return false }
    let checksum = SHA256.hash(body).hex
    var known = folder.readKeyfileIfSound(DeviceInformation.file) ?? GatewayFolder.newKeyfile()
    if let last = known.string(DeviceInformation.group, rawValue), same(last, checksum) {
      return false
    }
    let url = server.base.appending(path)
    let answer = try server.put(body, to: url)
    if answer.status == 404 { return false }
    guard answer.isSuccess else { throw answer.refusal(url) }
    known.set(DeviceInformation.group, rawValue, to: checksum)
    try folder.write(DeviceInformation.file, known)
    return true
  }
}
