// SPDX-License-Identifier: Apache-2.0
import Linux

/// What EFI firmware and systemd-boot tell the running system, and where the ESP is mounted.
public struct EFISystem: Hashable, Sendable {
  /// Where efivarfs is mounted.
  let variables: String
  /// Links to partitions by their GUIDs, as udev makes them.
  let partitions: String

  /// systemd-boot's own (The Boot Loader Interface, systemd.io).
  private static let vendor = "4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"
  private static let valueBytesMax = 64 << 10
  /// What stands before the value: attributes (Documentation/filesystems/efivarfs.rst).
  private static let attributeBytes = 4

  public init(
    variables: String = "/sys/firmware/efi/efivars",
    partitions: String = "/dev/disk/by-partuuid"
  ) {
    self.variables = variables
    self.partitions = partitions
  }

  /// Such as `systemd-boot 252.39`; nil where no boot loader left its name.
  public var loaderInfo: String? { variable("LoaderInfo") }

  /// The GUID of the ESP from which the boot loader came, in small letters.
  public var loaderPartition: String? {
    variable("LoaderDevicePartUUID").map { text in
      String(
        decoding: text.utf8.map { $0 >= 0x41 && $0 <= 0x5A ? $0 + 0x20 : $0 }, as: UTF8.self)
    }
  }

  /// What was chosen in the menu to boot by default, and overrides `loader.conf`.
  public var defaultEntry: String? { variable("LoaderEntryDefault") }

  var isSystemdBoot: Bool { loaderInfo?.utf8.starts(with: "systemd-boot".utf8) ?? false }

  /// The number of a partition's device; nil where udev has no link to it.
  public func device(ofPartition guid: String) -> UInt64? {
    (try? FileDescriptor.status(of: "\(partitions)/\(guid)"))?.nodeDevice
  }

  /// UTF-16, little-endian, perhaps with a zero at its end. Nil where it is not there or no text.
  private func variable(_ name: String) -> String? {
    guard let file = try? FileDescriptor.open("\(variables)/\(name)-\(EFISystem.vendor)"),
      let bytes = try? file.readAll(limit: EFISystem.valueBytesMax),
      bytes.count > EFISystem.attributeBytes
    else { return nil }
    var units: [UInt16] = []
    var index = EFISystem.attributeBytes
    while index + 1 < bytes.count {
      let unit = UInt16(bytes[index]) | UInt16(bytes[index + 1]) << 8
      if unit == 0 { break }
      units.append(unit)
      index += 2
    }
    return units.isEmpty ? nil : String(validating: units, as: UTF16.self)
  }
}

/// Where the EFI system partition is mounted.
struct SystemPartition {
  let path: String
  /// The file or folder of systemd-boot's that shows it.
  let evidence: String

  /// In systemd's order; an ESP at `/boot` hides the links by which OSTree knows its entries, which
  /// are looked for in the physical root then.
  private static let folders = ["efi", "boot/efi", "boot"]
  private static let files = ["loader/loader.conf", "EFI/systemd"]
  /// On any ESP.
  private static let anyFile = "EFI"

  /// Below `prefix`. `mustBeMounted`: a folder of the file system around it does not count.
  /// `isWished`: systemd-boot is what the board has, whether its files show it or not.
  static func find(
    below prefix: String, mustBeMounted: Bool, isWished: Bool = false
  ) -> SystemPartition? {
    let files = files + (isWished ? [anyFile] : [])
    for folder in folders {
      let path = "\(prefix)/\(folder)"
      guard let esp = try? FileDescriptor.openDirectory(path) else { continue }
      // Not a `/boot` that OSTree has set up.
      if (try? esp.statusIfPresent(of: "loader"))?.type == .symbolicLink { continue }
      if mustBeMounted, !isMounted(esp) { continue }
      let found = files.first { (try? esp.statusIfPresent(of: $0, following: true)) != nil }
      if let found { return SystemPartition(path: path, evidence: "\(path)/\(found)") }
    }
    return nil
  }

  private static func isMounted(_ folder: borrowing FileDescriptor) -> Bool {
    guard let own = try? folder.status(), let above = try? folder.status(of: "..") else {
      return false
    }
    return own.device != above.device
  }
}
