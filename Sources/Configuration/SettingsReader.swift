// SPDX-License-Identifier: Apache-2.0
internal import Codec

extension Settings {
  /// Takes over what `text`, the bytes of the file at `path`, says. Later values replace earlier
  /// ones; an empty value brings the default back, as in systemd's files.
  ///
  /// A pure function of its arguments: nothing is opened.
  public mutating func read(_ text: [UInt8], path: String) throws(ConfigurationError) {
    let file: Keyfile
    do throws(KeyfileError) { file = try Keyfile(parsing: text) } catch {
      throw .syntax(path: path, error)
    }
    files.append(path)
    for section in file.groups {
      guard Setting.isSection(section) else {
        let line = file.line(of: section) ?? 0
        warnings.append(.unknownSection(path: path, line: line, section: section))
        continue
      }
      for key in file.keys(in: section) {
        guard let line = file.line(of: section, key) else { continue }
        guard let setting = Setting(section: section, key: key) else {
          warnings.append(.unknownKey(path: path, line: line, section: section, key: key))
          continue
        }
        let value = SettingText.trimmed(file.string(section, key) ?? "")
        if let expected = set(setting, to: value) {
          throw .value(path: path, line: line, setting, value: value, expected: expected)
        }
        origins[setting.rawValue] = .file(path: path, line: line)
      }
    }
  }

  /// Gives what the key takes if it does not take `text`, and leaves the value then.
  private mutating func set(_ setting: Setting, to text: String) -> ExpectedValue? {
    if text.isEmpty {
      reset(setting)
      return nil
    }
    switch setting {
    case .stateroot: return assign(SettingText.folderName(text), to: &stateroot, .folderName)
    case .deviceID: return assign(SettingText.plain(text), to: &deviceID, .text)
    case .hardwareID: return assign(SettingText.plain(text), to: &hardwareID, .text)
    case .ecuSerial: return assign(SettingText.plain(text), to: &ecuSerial, .text)
    case .handledECUs: return replace(&handledECUs, by: SettingText.ecus(text), .ecus)
    case .remote: return assign(SettingText.plain(text), to: &remote, .text)
    case .ref: return assign(SettingText.plain(text), to: &ref, .text)
    case .serverURL: return assign(SettingText.url(text), to: &serverURL, .url)
    case .caFile: return assign(SettingText.path(text), to: &caFile, .absolutePath)
    case .certificate: return assign(SettingText.path(text), to: &certificate, .absolutePath)
    case .privateKey: return assign(SettingText.path(text), to: &privateKey, .absolutePath)
    case .provisioning: return choose(text, &provisioning)
    case .credentials: return assign(SettingText.path(text), to: &credentials, .absolutePath)
    case .proxy: return replace(&proxy, by: SettingText.proxy(text), .proxy)
    case .directorURL: return assign(SettingText.url(text), to: &directorURL, .url)
    case .imageURL: return assign(SettingText.url(text), to: &imageURL, .url)
    case .directorRoot: return assign(SettingText.path(text), to: &directorRoot, .absolutePath)
    case .imageRoot: return assign(SettingText.path(text), to: &imageRoot, .absolutePath)
    case .trustFirstRoot: return choose(text, &trustFirstRoot)
    case .tags: return replace(&tags, by: SettingText.list(text), .text)
    case .mode: return choose(text, &configuredMode)
    case .keyType: return choose(text, &keyType)
    case .connections: return number(text, 1...SettingLimit.connectionsMax, &connections)
    case .limitRate:
      return assign(SettingText.size(text), to: &limitRateBytesPerSecond, .size)
    case .lowSpeedTimeout:
      return number(text, 1...SettingLimit.secondsMax, &lowSpeedTimeoutSeconds)
    case .retries: return number(text, 0...SettingLimit.retriesMax, &retries)
    case .reserveSpace:
      return replace(&reserveSpace, by: SettingText.sizeOrPercent(text), .sizeOrPercent)
    case .readBack: return choose(text, &readBack)
    case .loader: return choose(text, &loader)
    case .trialBoots: return number(text, 0...SettingLimit.trialBootsMax, &trialBoots)
    case .merge: return choose(text, &merge)
    case .fwEnvConfig: return replace(&fwEnvConfig, by: SettingText.path(text), .absolutePath)
    case .reboot: return choose(text, &reboot)
    case .healthChecks: return replace(&healthChecks, by: SettingText.paths(text), .absolutePath)
    case .handlerTimeout:
      return number(text, 1...SettingLimit.secondsMax, &handlerTimeoutSeconds)
    }
  }

  private mutating func reset(_ setting: Setting) {
    let plain = Settings()
    switch setting {
    case .stateroot: stateroot = nil
    case .deviceID: deviceID = nil
    case .hardwareID: hardwareID = nil
    case .ecuSerial: ecuSerial = nil
    case .handledECUs: handledECUs = plain.handledECUs
    case .remote: remote = nil
    case .ref: ref = nil
    case .serverURL: serverURL = nil
    case .caFile: caFile = nil
    case .certificate: certificate = nil
    case .privateKey: privateKey = nil
    case .provisioning: provisioning = plain.provisioning
    case .credentials: credentials = nil
    case .proxy: proxy = plain.proxy
    case .directorURL: directorURL = nil
    case .imageURL: imageURL = nil
    case .directorRoot: directorRoot = nil
    case .imageRoot: imageRoot = nil
    case .trustFirstRoot: trustFirstRoot = plain.trustFirstRoot
    case .tags: tags = plain.tags
    case .mode: configuredMode = nil
    case .keyType: keyType = plain.keyType
    case .connections: connections = plain.connections
    case .limitRate: limitRateBytesPerSecond = nil
    case .lowSpeedTimeout: lowSpeedTimeoutSeconds = plain.lowSpeedTimeoutSeconds
    case .retries: retries = plain.retries
    case .reserveSpace: reserveSpace = plain.reserveSpace
    case .readBack: readBack = nil
    case .loader: loader = plain.loader
    case .trialBoots: trialBoots = plain.trialBoots
    case .merge: merge = plain.merge
    case .fwEnvConfig: fwEnvConfig = plain.fwEnvConfig
    case .reboot: reboot = plain.reboot
    case .healthChecks: healthChecks = plain.healthChecks
    case .handlerTimeout: handlerTimeoutSeconds = plain.handlerTimeoutSeconds
    }
  }
}

private func replace<T>(
  _ target: inout T, by value: T?, _ expected: ExpectedValue
) -> ExpectedValue? {
  guard let value else { return expected }
  target = value
  return nil
}

private func assign<T>(
  _ value: T?, to target: inout T?, _ expected: ExpectedValue
) -> ExpectedValue? {
  guard let value else { return expected }
  target = value
  return nil
}

private func choose<T: SettingChoice>(_ text: String, _ target: inout T) -> ExpectedValue? {
  replace(&target, by: T(word: text), .oneOf(T.words))
}

private func choose<T: SettingChoice>(_ text: String, _ target: inout T?) -> ExpectedValue? {
  assign(T(word: text), to: &target, .oneOf(T.words))
}

private func number(
  _ text: String, _ range: ClosedRange<Int>, _ target: inout Int
) -> ExpectedValue? {
  guard let value = Int(text), range.contains(value) else { return .integer(range) }
  target = value
  return nil
}

/// The most that a value may be.
public enum SettingLimit {
  /// A connection takes up to 200 KiB, and all of them must fit the memory of a pull.
  public static let connectionsMax = 16
  /// A day: who waits longer has no time-out.
  static let secondsMax = 86_400
  static let retriesMax = 100
  /// Counters are written with two digits into names of boot entries.
  static let trialBootsMax = 99
}
