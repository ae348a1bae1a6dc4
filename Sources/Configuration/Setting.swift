// SPDX-License-Identifier: Apache-2.0

/// Every key of the configuration, in the order in which `config show` lists them.
public enum Setting: Int, CaseIterable, Hashable, Sendable {
  case stateroot, deviceID, hardwareID, ecuSerial, handledECUs, remote, ref
  case serverURL, caFile, certificate, privateKey, provisioning, credentials, proxy
  case directorURL, imageURL, directorRoot, imageRoot, trustFirstRoot, tags, mode, keyType
  case connections, limitRate, lowSpeedTimeout, retries, reserveSpace, readBack
  case loader, trialBoots, merge, fwEnvConfig
  case reboot, healthChecks, handlerTimeout

  public var section: String {
    switch self {
    case .stateroot, .deviceID, .hardwareID, .ecuSerial, .handledECUs, .remote, .ref: "device"
    case .serverURL, .caFile, .certificate, .privateKey, .provisioning, .credentials, .proxy:
      "server"
    case .directorURL, .imageURL, .directorRoot, .imageRoot, .trustFirstRoot, .tags, .mode,
      .keyType:
      "uptane"
    case .connections, .limitRate, .lowSpeedTimeout, .retries, .reserveSpace, .readBack: "pull"
    case .loader, .trialBoots, .merge, .fwEnvConfig: "boot"
    case .reboot, .healthChecks, .handlerTimeout: "update"
    }
  }

  public var key: String {
    switch self {
    case .stateroot: "stateroot"
    case .deviceID: "device-id"
    case .hardwareID: "hardware-id"
    case .ecuSerial: "ecu-serial"
    case .handledECUs: "handled-ecus"
    case .remote: "remote"
    case .ref: "ref"
    case .serverURL: "url"
    case .caFile: "ca-file"
    case .certificate: "certificate"
    case .privateKey: "private-key"
    case .provisioning: "provisioning"
    case .credentials: "credentials"
    case .proxy: "proxy"
    case .directorURL: "director-url"
    case .imageURL: "image-url"
    case .directorRoot: "director-root"
    case .imageRoot: "image-root"
    case .trustFirstRoot: "trust-first-root"
    case .tags: "tags"
    case .mode: "mode"
    case .keyType: "key-type"
    case .connections: "connections"
    case .limitRate: "limit-rate"
    case .lowSpeedTimeout: "low-speed-timeout"
    case .retries: "retries"
    case .reserveSpace: "reserve-space"
    case .readBack: "read-back"
    case .loader: "loader"
    case .trialBoots: "trial-boots"
    case .merge: "merge"
    case .fwEnvConfig: "fw-env-config"
    case .reboot: "reboot"
    case .healthChecks: "health-checks"
    case .handlerTimeout: "handler-timeout"
    }
  }

  /// Nil if no key is called so. Names are compared byte by byte.
  public init?(section: String, key: String) {
    for setting in Setting.allCases
    where setting.key.utf8.elementsEqual(key.utf8)
      && setting.section.utf8.elementsEqual(section.utf8)
    {
      self = setting
      return
    }
    return nil
  }

  static func isSection(_ name: String) -> Bool {
    allCases.contains { $0.section.utf8.elementsEqual(name.utf8) }
  }
}

/// Where a value comes from.
public enum SettingOrigin: Hashable, Sendable {
  case builtIn
  case file(path: String, line: Int)
}
