// SPDX-License-Identifier: Apache-2.0
public import Linux

/// What the board's boot loader reads. Stores that count trial boots (U-Boot's environment, GRUB's
/// `grubenv`, systemd-boot's file names) will be cases of their own: what is here has no counter.
public enum BootLoader: Hashable, Sendable {
  /// The entries in `loader/entries` alone: GRUB with entries in the manner of the Boot Loader
  /// Specification, or a loader that a script of the board's maker feeds.
  case entries
  /// The entries, and `loader/uEnv.txt` for a U-Boot script.
  case uEnvironment

  /// Asks as libostree does: `setting` is `sysroot.bootloader` of the repo's configuration, which
  /// `settingPath` names in errors; `auto` looks into `boot`.
  ///
  /// Throws `unsupportedBootloader` where libostree would write a configuration that coppice does
  /// not (syslinux, GRUB by grub2-mkconfig, zipl, aboot): it would silently go stale. A board whose
  /// GRUB reads the entries says so by `bootloader=none`.
  public static func detect(
    setting: String?, settingPath: String, boot: borrowing FileDescriptor, path: String
  ) throws(BootError) -> BootLoader {
    switch setting ?? "auto" {
    case "none": return .entries
    case "uboot": return .uEnvironment
    case "auto": return try probe(boot, path)
    default: throw .unsupportedBootloader(name: setting ?? "auto", path: settingPath)
    }
  }

  /// In libostree's order: syslinux, grub2, uboot.
  private static func probe(
    _ boot: borrowing FileDescriptor, _ path: String
  ) throws(BootError) -> BootLoader {
    if try exists("syslinux/syslinux.cfg", in: boot, path)?.type == .symbolicLink {
      throw .unsupportedBootloader(name: "syslinux", path: "\(path)/syslinux/syslinux.cfg")
    }
    for name in ["grub/grub.cfg", "grub2/grub.cfg"] where try exists(name, in: boot, path) != nil {
      throw .unsupportedBootloader(name: "grub2", path: "\(path)/\(name)")
    }
    if let vendor = try vendorOfGrub(boot, path) {
      throw .unsupportedBootloader(name: "grub2", path: "\(path)/efi/EFI/\(vendor)/grub.cfg")
    }
    let uEnvironment = "\(BootLinks.name)/\(UEnvironment.name)"
    let found = try at("\(path)/\(uEnvironment)") { () throws(Errno) in
      try boot.statusIfPresent(of: uEnvironment, following: true)
    }
    return found == nil ? .entries : .uEnvironment
  }

  /// The directory of an EFI vendor that holds a GRUB configuration.
  private static func vendorOfGrub(
    _ boot: borrowing FileDescriptor, _ path: String
  ) throws(BootError) -> String? {
    guard try exists("efi/EFI", in: boot, path)?.type == .directory else { return nil }
    let names = try at("\(path)/efi/EFI") { () throws(Errno) in
      try boot.open("efi/EFI", [.readOnly, .directory]).sortedEntries()
    }
    for entry in names
    where try exists("efi/EFI/\(entry.name)/grub.cfg", in: boot, path) != nil {
      return entry.name
    }
    return nil
  }

  private static func exists(
    _ name: String, in boot: borrowing FileDescriptor, _ path: String
  ) throws(BootError) -> FileStatus? {
    try at("\(path)/\(name)") { () throws(Errno) in try boot.statusIfPresent(of: name) }
  }
}
