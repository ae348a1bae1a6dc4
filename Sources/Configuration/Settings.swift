// SPDX-License-Identifier: Apache-2.0

/// The configuration in force: a value for every key, and where each comes from.
///
/// Nil means that nothing was said and the part of coppice that asks decides; its doc says how.
public struct Settings: Sendable {
  // [device]
  /// The stateroot that updates go to. Nil: that of the booted deployment.
  public internal(set) var stateroot: String?
  /// What the server calls the device. Nil: from the certificate, or made up once.
  public internal(set) var deviceID: String?
  /// What the director calls this kind of device. Nil: the name of the host.
  public internal(set) var hardwareID: String?
  /// Nil: from the identity.
  public internal(set) var ecuSerial: String?
  /// The ECUs whose targets are handed to handlers.
  public internal(set) var handledECUs: [HandledECUSetting] = []
  /// With `ref`: what `update` follows where there is no Uptane server.
  public internal(set) var remote: String?
  public internal(set) var ref: String?

  // [server]
  public internal(set) var serverURL: String?
  /// PEM. Nil: the system's authorities.
  public internal(set) var caFile: String?
  public internal(set) var certificate: String?
  public internal(set) var privateKey: String?
  public internal(set) var provisioning = ProvisioningMode.none
  public internal(set) var credentials: String?
  public internal(set) var proxy = ProxySetting.environment

  // [uptane]
  public internal(set) var directorURL: String?
  public internal(set) var imageURL: String?
  /// Files with the first root of each repository. Nil: what the credentials brought.
  public internal(set) var directorRoot: String?
  public internal(set) var imageRoot: String?
  /// Whether a device that was given no root takes the first one that its server has.
  public internal(set) var trustFirstRoot = Choice.yes
  /// Where there is no director: of which a target must have one. Empty: any target will do.
  public internal(set) var tags: [String] = []
  var configuredMode: TrustMode?
  /// Of the key by which the device signs its manifests, where there is none yet.
  public internal(set) var keyType = ECUKeyType.ed25519

  // [pull]
  public internal(set) var connections = 6
  public internal(set) var limitRateBytesPerSecond: UInt64?
  public internal(set) var lowSpeedTimeoutSeconds = 30
  /// Attempts after the first.
  public internal(set) var retries = 5
  /// libostree's `min-free-space-percent`.
  public internal(set) var reserveSpace = SpaceReserve.percent(3)
  /// Nil: all for `update`, none for `pull`.
  public internal(set) var readBack: ReadBack?

  // [boot]
  public internal(set) var loader = LoaderChoice.auto
  /// How often a new deployment may be started before it is proven; 0: no trial.
  public internal(set) var trialBoots = 3
  public internal(set) var merge = MergeTime.auto
  public internal(set) var fwEnvConfig = "/etc/fw_env.config"

  // [update]
  public internal(set) var reboot = RebootPolicy.never
  /// Folders with the checks that a new deployment must pass.
  public internal(set) var healthChecks = ["/etc/coppice/health.d"]
  /// How long one call of a handler of targets may take: long enough to fetch containers over a
  /// slow line, short enough to be noticed.
  public internal(set) var handlerTimeoutSeconds = 1800

  /// The files that were read, in order.
  public internal(set) var files: [String] = []
  public internal(set) var warnings: [ConfigurationWarning] = []
  var origins = [SettingOrigin](repeating: .builtIn, count: Setting.allCases.count)

  /// All defaults.
  public init() {}

  /// Where nothing was said: `uptane` if there is a server to ask, else `none`.
  public var mode: TrustMode {
    if let configuredMode { return configuredMode }
    return serverURL == nil && directorURL == nil ? .none : .uptane
  }

  public func origin(of setting: Setting) -> SettingOrigin { origins[setting.rawValue] }
}

extension Settings {
  /// The value as it would stand in a file, also where it is a default; nil where there is none.
  public func text(of setting: Setting) -> String? {
    switch setting {
    case .stateroot: stateroot
    case .deviceID: deviceID
    case .hardwareID: hardwareID
    case .ecuSerial: ecuSerial
    case .handledECUs: handledECUs.isEmpty ? nil : Settings.list(handledECUs.map { $0.text })
    case .remote: remote
    case .ref: ref
    case .serverURL: serverURL
    case .caFile: caFile
    case .certificate: certificate
    case .privateKey: privateKey
    case .provisioning: provisioning.rawValue
    case .credentials: credentials
    case .proxy:
      switch proxy {
      case .environment: nil
      case .none: "none"
      case .url(let url): url
      }
    case .directorURL: directorURL
    case .imageURL: imageURL
    case .directorRoot: directorRoot
    case .imageRoot: imageRoot
    case .trustFirstRoot: trustFirstRoot.rawValue
    case .tags: tags.isEmpty ? nil : Settings.list(tags)
    case .mode: mode.rawValue
    case .keyType: keyType.rawValue
    case .connections: String(connections)
    case .limitRate: limitRateBytesPerSecond.map { String($0) }
    case .lowSpeedTimeout: String(lowSpeedTimeoutSeconds)
    case .retries: String(retries)
    case .reserveSpace:
      switch reserveSpace {
      case .bytes(let count): String(count)
      case .percent(let percent): "\(percent)%"
      }
    case .readBack: readBack?.rawValue
    case .loader: loader.rawValue
    case .trialBoots: String(trialBoots)
    case .merge: merge.rawValue
    case .fwEnvConfig: fwEnvConfig
    case .reboot: reboot.rawValue
    case .healthChecks: Settings.list(healthChecks)
    case .handlerTimeout: String(handlerTimeoutSeconds)
    }
  }

  private static func list(_ values: [String]) -> String {
    values.reduce("") { $0.isEmpty ? $1 : $0 + ";" + $1 }
  }
}
