// SPDX-License-Identifier: Apache-2.0
public import Configuration
public import Gateway
import Linux
import Transport

extension GatewayOptions {
  /// What `[device]`, `[server]` and `[uptane]` say. Throws `.transport` in `gateway` for a URL
  /// that is none.
  public init(_ settings: Settings, stateFolder: String) throws(UpdaterError) {
    self.init(stateFolder: stateFolder, now: ClockFloor(folder: stateFolder).now)
    provisioning =
      switch settings.provisioning {
      case .none: .none
      case .shared: .shared
      case .device: .device
      }
    serverURL = try GatewayOptions.url(settings.serverURL)
    directorURL = try GatewayOptions.url(settings.directorURL)
    proxy =
      switch settings.proxy {
      case .environment: .environment
      case .none: .none
      case .url(let text): .url(try GatewayOptions.url(text)!)
      }
    credentials = settings.credentials
    authorityFile = settings.caFile
    certificateFile = settings.certificate
    privateKeyFile = settings.privateKey
    deviceID = settings.deviceID
    serial = settings.ecuSerial
    hardwareID = settings.hardwareID
    configuration = settings.toml
    others = settings.handledECUs.map { ($0.hardwareID, $0.serial) }
    keyKind = settings.keyType == .rsa2048 ? .rsa : .ed25519
  }

  static func url(_ text: String?) throws(UpdaterError) -> HTTPURL? {
    guard let text else { return nil }
    guard let url = HTTPURL(text) else { throw .gateway(.transport(.url(text))) }
    return url
  }
}
