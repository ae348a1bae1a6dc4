// SPDX-License-Identifier: Apache-2.0
public import Transport

/// How a device gets its identity.
public enum ProvisioningKind: Hashable, Sendable {
  /// Not at all.
  case none
  /// By a credential that all devices of a fleet share, once, for one of its own.
  case shared
  /// It has its own from the start.
  case device
}

/// By what an ECU signs.
public enum ECUKeyKind: Hashable, Sendable {
  case ed25519
  /// With 2048 bits.
  case rsa
}

/// What the gateway part is told by the configuration. Nil: nothing was said.
public struct GatewayOptions: Sendable {
  /// The folder of coppice's state.
  public var stateFolder: String
  public var provisioning = ProvisioningKind.none
  /// The gateway. Nil: what the credentials named.
  public var serverURL: HTTPURL?
  /// Nil: `director` below the gateway.
  public var directorURL: HTTPURL?
  public var proxy = ProxyChoice.environment

  /// An archive `credentials.zip`.
  public var credentials: String?
  /// Leaves the shared credential in the archive, for the next device.
  public var keepsCredentials = false
  /// PEM. Nil: what provisioning brought, else the system's.
  public var authorityFile: String?
  /// The device's own, where it has them from the start.
  public var certificateFile: String?
  public var privateKeyFile: String?

  /// Nil: made up, or taken from the certificate.
  public var deviceID: String?
  /// Nil: the id of the primary ECU's key.
  public var serial: String?
  /// Nil: the name of the host.
  public var hardwareID: String?
  /// ECUs besides the primary that this device speaks for. A serial that is nil is made of the
  /// primary's.
  public var others: [(hardwareID: String, serial: String?)] = []
  /// Of the primary ECU's key, where there is none yet.
  public var keyKind = ECUKeyKind.ed25519
  /// What the server is told of the configuration: TOML without secrets. Nil: nothing.
  public var configuration: String?
  /// What counts as now.
  public var now: ValidityTime

  /// Before the paths of the running system: empty but in tests.
  public var systemRoot = ""
  /// Half of it at least lies between two attempts.
  public var retryDelayMilliseconds: Int64 = 2000

  public init(stateFolder: String, now: ValidityTime) {
    self.stateFolder = stateFolder
    self.now = now
  }
}
