// SPDX-License-Identifier: Apache-2.0
import Boot
import Linux

/// Whether the boot loader and this system mean the same store. Most failures in the field are that
/// they do not: the boot loader counts in one place, and Linux reads and clears another.
///
/// The store has a name, which the boot loader tells the kernel as `coppice.store=NAME`. What was
/// told at this start can only come from the store that the boot loader reads. systemd-boot leaves
/// in EFI variables what it is and which partition it came from.
public enum StoreProof: Hashable, Sendable {
  /// The boot loader told the name that stands in the store.
  case proven
  /// It told none: its script does not, or the name is newer than this start.
  case untold(name: String)
  /// No EFI variable tells from which partition the boot loader came; `path` is the ESP.
  case partitionUntold(path: String)
  /// It came from the partition of this GUID, and no link of udev's tells which device that is.
  case partitionUnlinked(path: String, partition: String)
  /// The store has no name yet; `mark-good` gives it one.
  case unnamed
  /// It told another one.
  case differs(told: String, found: String?)
}

extension Sysroot {
  static let storeKey = "coppice.store"
  private static let commandLineBytesMax = 64 << 10

  /// Nil where nothing counts, or nothing runs from this sysroot.
  public func storeProof(_ state: SysrootState) throws(DeployError) -> StoreProof? {
    guard loader.countsTrials, state.bootedIndex != nil else { return nil }
    if case .systemdBoot(let esp) = loader { return try systemPartitionProof(esp) }
    let name = try inBoot { () throws(BootError) in try loader.storeName() }
    let told = try storeTold()
    guard let told else { return name.map { .untold(name: $0) } ?? .unnamed }
    guard let name else { return .differs(told: told, found: nil) }
    return same(told, name) ? .proven : .differs(told: told, found: name)
  }

  private func systemPartitionProof(_ esp: SystemdBoot) throws(DeployError) -> StoreProof {
    if let info = environment.efi.loaderInfo, !info.utf8.starts(with: "systemd-boot".utf8) {
      return .differs(told: info, found: "systemd-boot in \(esp.path)")
    }
    guard let told = environment.efi.loaderPartition else {
      return .partitionUntold(path: esp.path)
    }
    guard let device = environment.efi.device(ofPartition: told) else {
      return .partitionUnlinked(path: esp.path, partition: told)
    }
    let found = try at(esp.path) { () throws(Errno) in
      try FileDescriptor.status(of: esp.path).device
    }
    return found == device ? .proven : .differs(told: told, found: esp.path)
  }

  /// What the kernel was told at this start; nil for nothing or no name.
  private func storeTold() throws(DeployError) -> String? {
    let path = environment.commandLine
    let text = try at(path) { () throws(Errno) in
      try FileDescriptor.open(path).readAll(limit: Sysroot.commandLineBytesMax)
    }
    let arguments = KernelArguments(parsing: String(decoding: text, as: UTF8.self))
    guard let told = arguments.value(of: Sysroot.storeKey), !told.utf8.isEmpty else { return nil }
    return told
  }

  /// Nothing is tried while starts are counted in one store and read from another.
  func refuseStrangeStore(_ state: SysrootState) throws(DeployError) {
    if case .differs(let told, let found)? = try storeProof(state) {
      throw .storeDiffers(told: told, found: found)
    }
  }

  /// Gives the store a name, so that the next start can prove it. A store without room has none.
  func nameStore(_ state: SysrootState) throws(DeployError) {
    guard try storeProof(state) == .unnamed else { return }
    var name = ""
    for byte in Process.randomBytes(4) {
      name += String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
    }
    do throws(BootError) { try loader.setStoreName(name) } catch {
      if case .environmentFull = error { return }
      throw .boot(error)
    }
  }
}
