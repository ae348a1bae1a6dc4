// SPDX-License-Identifier: Apache-2.0
public import Transport

/// What the device shows to its server, once it has it.
public struct DeviceIdentity: Sendable {
  public let deviceID: String
  public let serverURL: HTTPURL
  /// PEM. Key and certificate may be in the same file.
  public let certificateFile: String
  public let keyFile: String
  /// Who vouches for the server. Nil: the system's authorities.
  public let authorityFile: String?
}

extension DeviceIdentity {
  static let file = "identity.pem"
  static let authority = "authority.pem"

  /// What there is, without the lock: nil until the device is provisioned. Errors: `.damaged`,
  /// `.noServer`, `.file`.
  public static func find(_ options: GatewayOptions) throws(GatewayError) -> DeviceIdentity? {
    try stored(options, GatewayFolder(state: options.stateFolder))
  }

  /// What an earlier run has stored, or the configuration names; nil if something is missing yet.
  /// Errors: `.damaged`, `.noServer`, `.file`.
  static func stored(
    _ options: GatewayOptions, _ folder: GatewayFolder
  ) throws(GatewayError) -> DeviceIdentity? {
    guard let record = try DeviceRecord(in: folder) else { return nil }
    let isOwn = options.provisioning == .device
    guard isOwn || folder.contains(file) else { return nil }
    if isOwn, options.certificateFile == nil || options.privateKeyFile == nil { return nil }
    guard let url = options.serverURL ?? record.url.flatMap({ HTTPURL($0) }) else {
      throw .noServer
    }
    let authority = folder.contains(self.authority) ? folder.file(self.authority) : nil
    return DeviceIdentity(
      deviceID: record.id, serverURL: url,
      certificateFile: isOwn ? options.certificateFile! : folder.file(file),
      keyFile: isOwn ? options.privateKeyFile! : folder.file(file),
      authorityFile: options.authorityFile ?? authority)
  }

  func server(_ options: GatewayOptions) throws(GatewayError) -> GatewayServer {
    try GatewayServer(
      serverURL, certificate: certificateFile, key: keyFile, authority: authorityFile, options)
  }
}
