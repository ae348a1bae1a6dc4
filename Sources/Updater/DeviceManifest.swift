// SPDX-License-Identifier: Apache-2.0
public import Codec
import Cryptography
import Deploy
import Gateway
import Uptane

extension Updater {
  /// The manifest that would be sent now. Changes nothing, and asks no server. Throws
  /// `notProvisioned` in `gateway`.
  public func manifest() throws(UpdaterError) -> JSONValue {
    let sysroot = sysroot
    let state = try inDeploy { () throws(DeployError) in try sysroot.state() }
    let server = try DeviceServer(self, state)
    let (options, slots) = (server.options, try server.handlers.slots())
    return try inGateway { () throws(GatewayError) in
      let primary = try GatewayClient.ecus(options)[0]
      return try GatewayClient.manifest(options) { ecu in
        if let image = server.image(of: ecu, primary: primary, state, slots) { return image }
        return ecu == primary ? Updater.nothingDeployed : .nothing
      }
    }
  }

  private static var nothingDeployed: InstalledImage {
    let empty: [UInt8] = []
    return .unknown(commit: SHA256.hash(empty).hex)
  }
}
