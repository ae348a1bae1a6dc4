// SPDX-License-Identifier: Apache-2.0

/// A setting that is one of a few words; the raw value is the word.
public protocol SettingChoice: CaseIterable, RawRepresentable, Hashable, Sendable
where RawValue == String {}

extension SettingChoice {
  /// Nil if `word` is none of them. Compared byte by byte.
  init?(word: String) {
    for choice in Self.allCases where choice.rawValue.utf8.elementsEqual(word.utf8) {
      self = choice
      return
    }
    return nil
  }

  static var words: [String] {
    var words: [String] = []
    for choice in allCases { words.append(choice.rawValue) }
    return words
  }
}

/// How the device gets its identity.
public enum ProvisioningMode: String, SettingChoice {
  case none
  /// With credentials that all devices of a fleet share, once, for its own.
  case shared
  /// With its own certificate and key from the start.
  case device
}

/// Whose word the device takes for what it shall run.
public enum TrustMode: String, SettingChoice {
  /// Both repositories of Uptane.
  case uptane
  /// The image repository alone.
  case tuf
  /// A remote and a ref.
  case none
}

/// Which fresh objects are read from the medium again and hashed before they are used.
public enum ReadBack: String, SettingChoice {
  case all
  /// Files for `/boot` only, which are read back in any case.
  case boot
  case none
}

public enum Choice: String, SettingChoice {
  case yes
  case no
}

/// By what an ECU signs.
public enum ECUKeyType: String, SettingChoice {
  case ed25519
  /// RSA with 2048 bits.
  case rsa2048
}

public enum LoaderChoice: String, SettingChoice {
  case auto
  case ubootEnvironment = "uboot-env"
  case uEnv = "uenv"
  case grub
  case systemdBoot = "systemd-boot"
  case bls
  case none
}

/// When `/etc` is merged: when the deployment is made, or once more at its first boot.
public enum MergeTime: String, SettingChoice {
  /// At boot where the image's initramfs can.
  case auto
  case now
  case boot
}

/// What follows an update that was deployed.
public enum RebootPolicy: String, SettingChoice {
  case never
  case now
}

public enum ProxySetting: Hashable, Sendable {
  /// `https_proxy`, `http_proxy` and `no_proxy` of the environment.
  case environment
  case none
  case url(String)
}

/// What an update must leave free in the file system of the repo.
public enum SpaceReserve: Hashable, Sendable {
  case bytes(UInt64)
  case percent(Int)
}
