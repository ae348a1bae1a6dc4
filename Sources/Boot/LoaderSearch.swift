// SPDX-License-Identifier: Apache-2.0
public import Linux

/// Which boot loader the configuration asks for.
public enum LoaderWish: Hashable, Sendable {
  /// To be found out. `fwEnvConfig` is looked at on the running system only; nil: never.
  case auto(fwEnvConfig: String?)
  case entries
  case unmanaged
  case uEnvironment
  case ubootEnvironment(fwEnvConfig: String)
  case grub
  case systemdBoot
}

/// Why it is this one.
public enum LoaderReason: Hashable, Sendable {
  /// The configuration says so.
  case wish
  /// `bootloader=` of the repo's configuration says so.
  case repoSetting(value: String, path: String)
  /// This file is there.
  case file(path: String)
  /// These two are there.
  case files(path: String, and: String)
  /// The boot loader left its name in an EFI variable at this start.
  case firmware(name: String)
  /// Nothing else was found.
  case nothingElse
}

/// The boot loader of a board, and what shows it.
public struct FoundLoader: Hashable, Sendable {
  public let loader: BootLoader
  public let reason: LoaderReason

  public init(_ loader: BootLoader, _ reason: LoaderReason) {
    self.loader = loader
    self.reason = reason
  }
}

/// Finds out what the board's boot loader reads.
public struct LoaderSearch {
  /// `sysroot.bootloader` of the repo's configuration, and the file that holds it.
  let setting: String?
  let settingPath: String
  /// Of `/boot`, for errors and for what is found.
  let path: String
  /// Whether the system that runs was started from this `/boot`: only then is what lies in its
  /// `/etc` about this board.
  let isRunning: Bool
  /// Below this the ESP is mounted.
  let prefix: String
  let efi: EFISystem

  private static let grubFolders = ["grub", "grub2"]
  /// Far above any honest `grub.cfg`.
  private static let grubConfigBytesMax = 4 << 20
  /// The variable by which a `grub.cfg` counts.
  private static let counter = Array("boot_counter".utf8)

  public init(
    setting: String?, settingPath: String, path: String, isRunning: Bool, prefix: String,
    efi: EFISystem
  ) {
    self.setting = setting
    self.settingPath = settingPath
    self.path = path
    self.isRunning = isRunning
    self.prefix = prefix
    self.efi = efi
  }

  /// Throws `unsupportedBootloader` where libostree would write a configuration that coppice does
  /// not (syslinux, GRUB by grub2-mkconfig, zipl, aboot): it would silently go stale. A board whose
  /// GRUB reads the entries says so by `bootloader=none`.
  public func find(
    _ wish: LoaderWish, in boot: borrowing FileDescriptor
  ) throws(BootError) -> FoundLoader {
    switch wish {
    case .entries: return FoundLoader(.entries, .wish)
    case .unmanaged: return FoundLoader(.unmanaged, .wish)
    case .uEnvironment: return FoundLoader(.uEnvironment, .wish)
    case .ubootEnvironment(let config):
      return FoundLoader(.ubootEnvironment(UBootEnvironment(config)), .wish)
    case .grub:
      guard let found = try grubEnvironment(boot) else { throw .noGrubEnvironment(path: path) }
      return FoundLoader(.grub(found), .wish)
    case .systemdBoot: return FoundLoader(.systemdBoot(systemPartition), .wish)
    case .auto(let config): return try findOut(config, boot)
    }
  }

  // MARK: auto

  private func findOut(
    _ fwEnvConfig: String?, _ boot: borrowing FileDescriptor
  ) throws(BootError) -> FoundLoader {
    switch setting ?? "auto" {
    case "none":
      let reason = LoaderReason.repoSetting(value: "none", path: settingPath)
      return try counting(boot) ?? FoundLoader(.entries, reason)
    case "uboot":
      return uboot(fwEnvConfig, shownBy: settingPath)
        ?? FoundLoader(.uEnvironment, .repoSetting(value: "uboot", path: settingPath))
    case "auto": return try probe(fwEnvConfig, boot)
    default: throw .unsupportedBootloader(name: setting ?? "auto", path: settingPath)
    }
  }

  /// In libostree's order: syslinux, grub2, uboot.
  private func probe(
    _ fwEnvConfig: String?, _ boot: borrowing FileDescriptor
  ) throws(BootError) -> FoundLoader {
    if try status("syslinux/syslinux.cfg", boot)?.type == .symbolicLink {
      throw .unsupportedBootloader(name: "syslinux", path: "\(path)/syslinux/syslinux.cfg")
    }
    if let found = try counting(boot) { return found }
    for folder in try grubFolders(boot) where try status("\(folder)/grub.cfg", boot) != nil {
      throw .unsupportedBootloader(name: "grub2", path: "\(path)/\(folder)/grub.cfg")
    }
    let name = "\(BootLinks.name)/\(UEnvironment.name)"
    let found = try at("\(path)/\(name)") { () throws(Errno) in
      try boot.statusIfPresent(of: name, following: true)
    }
    if found == nil { return FoundLoader(.entries, .nothingElse) }
    return uboot(fwEnvConfig, shownBy: "\(path)/\(name)")
      ?? FoundLoader(.uEnvironment, .file(path: "\(path)/\(name)"))
  }

  /// U-Boot with an environment that Linux can reach.
  private func uboot(_ fwEnvConfig: String?, shownBy file: String) -> FoundLoader? {
    guard isRunning, let fwEnvConfig, (try? FileDescriptor.status(of: fwEnvConfig)) != nil else {
      return nil
    }
    return FoundLoader(
      .ubootEnvironment(UBootEnvironment(fwEnvConfig)), .files(path: file, and: fwEnvConfig))
  }

  /// What counts by files of its own: what started this system before what only lies there.
  private func counting(_ boot: borrowing FileDescriptor) throws(BootError) -> FoundLoader? {
    if let found = runningSystemdBoot { return found }
    if let found = try countingGrub(boot) { return found }
    return shownSystemdBoot
  }

  // MARK: systemd-boot

  /// Where nothing shows it, the first place that is looked at stands for it: what reads or writes
  /// there says that it is not mounted.
  private var systemPartition: SystemdBoot {
    let found = SystemPartition.find(below: prefix, mustBeMounted: isRunning, isWished: true)
    return SystemdBoot(found?.path ?? "\(prefix)/efi", requiresMount: isRunning)
  }

  /// It started the system that runs.
  private var runningSystemdBoot: FoundLoader? {
    guard isRunning, efi.isSystemdBoot, let name = efi.loaderInfo else { return nil }
    return FoundLoader(.systemdBoot(systemPartition), .firmware(name: name))
  }

  /// Its files are there, and no other boot loader left its name.
  private var shownSystemdBoot: FoundLoader? {
    if isRunning, efi.loaderInfo != nil, !efi.isSystemdBoot { return nil }
    guard let found = SystemPartition.find(below: prefix, mustBeMounted: isRunning) else {
      return nil
    }
    let esp = SystemdBoot(found.path, requiresMount: isRunning)
    return FoundLoader(.systemdBoot(esp), .file(path: found.evidence))
  }

  // MARK: GRUB

  /// A configuration that counts, with the block beside it to count in.
  private func countingGrub(_ boot: borrowing FileDescriptor) throws(BootError) -> FoundLoader? {
    for folder in try grubFolders(boot) {
      let name = "\(folder)/grub.cfg"
      guard try status(name, boot) != nil, try isThere("\(folder)/grubenv", boot) else { continue }
      let text = try at("\(path)/\(name)") { () throws(Errno) in
        try boot.open(name).readAll(limit: LoaderSearch.grubConfigBytesMax)
      }
      if LoaderSearch.contains(text, LoaderSearch.counter) {
        return FoundLoader(
          .grub(GrubEnvironment("\(path)/\(folder)/grubenv")), .file(path: "\(path)/\(name)"))
      }
    }
    return nil
  }

  private func grubEnvironment(
    _ boot: borrowing FileDescriptor
  ) throws(BootError) -> GrubEnvironment? {
    for folder in try grubFolders(boot) where try isThere("\(folder)/grubenv", boot) {
      return GrubEnvironment("\(path)/\(folder)/grubenv")
    }
    return nil
  }

  /// Where GRUB may have its files: its own folders, and those of EFI vendors.
  private func grubFolders(_ boot: borrowing FileDescriptor) throws(BootError) -> [String] {
    guard try status("efi/EFI", boot)?.type == .directory else { return LoaderSearch.grubFolders }
    let vendors = try at("\(path)/efi/EFI") { () throws(Errno) in
      try boot.open("efi/EFI", [.readOnly, .directory]).sortedEntries()
    }
    return LoaderSearch.grubFolders + vendors.map { "efi/EFI/\($0.name)" }
  }

  private func isThere(
    _ name: String, _ boot: borrowing FileDescriptor
  ) throws(BootError) -> Bool {
    try at("\(path)/\(name)") { () throws(Errno) in
      try boot.statusIfPresent(of: name, following: true) != nil
    }
  }

  private func status(
    _ name: String, _ boot: borrowing FileDescriptor
  ) throws(BootError) -> FileStatus? {
    try at("\(path)/\(name)") { () throws(Errno) in try boot.statusIfPresent(of: name) }
  }

  private static func contains(_ text: [UInt8], _ part: [UInt8]) -> Bool {
    guard part.count <= text.count else { return false }
    return (0...text.count - part.count).contains {
      text[$0] == part[0] && text[$0...].starts(with: part)
    }
  }
}
