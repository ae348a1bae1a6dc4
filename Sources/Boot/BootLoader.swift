// SPDX-License-Identifier: Apache-2.0

/// What the board's boot loader reads, and where it counts trial boots.
///
/// Every one of them gets the entries in `loader/entries`, by which deployments are known as well.
public enum BootLoader: Hashable, Sendable {
  /// The entries alone: a loader that reads them in the manner of the Boot Loader Specification and
  /// counts nothing.
  case entries
  /// The same; what starts the kernel looks at none of it (a kernel that the firmware loads).
  case unmanaged
  /// `loader/uEnv.txt` for a U-Boot script. Nothing counts.
  case uEnvironment
  /// `loader/uEnv.txt`, and U-Boot's environment, where U-Boot or the script counts.
  case ubootEnvironment(UBootEnvironment)
  /// `loader/grub-entries.cfg`, and `grubenv`, where the static `grub.cfg` counts.
  case grub(GrubEnvironment)
  /// Entries of its own on the EFI system partition, in whose names it counts.
  case systemdBoot(SystemdBoot)

  public var readsUEnvironment: Bool {
    switch self {
    case .uEnvironment, .ubootEnvironment: true
    case .entries, .unmanaged, .grub, .systemdBoot: false
    }
  }

  public var readsGrubEntries: Bool {
    if case .grub = self { return true }
    return false
  }

  /// Whether it can try a deployment and fall back by itself.
  public var countsTrials: Bool {
    switch self {
    case .ubootEnvironment, .grub, .systemdBoot: true
    case .entries, .unmanaged, .uEnvironment: false
    }
  }

  /// What its store says; `idle` where nothing counts.
  ///
  /// Throws `environmentDamaged`, `environmentUnusable`, `noEnvironment` or `file` where the store
  /// cannot be read.
  public func trialCount() throws(BootError) -> TrialCount {
    switch self {
    case .entries, .unmanaged, .uEnvironment: .idle
    case .ubootEnvironment(let environment): try environment.trialCount()
    case .grub(let environment): try environment.trialCount()
    case .systemdBoot(let esp): try esp.trialCount()
    }
  }

  /// From here on so many starts of position 0 are counted, and position 1 boots after them.
  /// systemd-boot's count comes with the name of the entry: `prepare`.
  ///
  /// Durable when it returns, and read back; a power cut leaves the old store or the new. On an
  /// error nothing is counted, or the store says what it said before.
  public func arm(boots: Int) throws(BootError) {
    precondition(boots > 0 && boots <= TrialLimit.bootsMax, "a trial has 1 to 9 boots")
    switch self {
    case .entries, .unmanaged, .uEnvironment, .systemdBoot: break
    case .ubootEnvironment(let environment): try environment.arm(boots: boots)
    case .grub(let environment): try environment.arm(boots: boots)
    }
  }

  /// What the store is called, which the boot loader tells the kernel; nil where it has no name.
  /// The ESP is known by its partition instead.
  public func storeName() throws(BootError) -> String? {
    switch self {
    case .entries, .unmanaged, .uEnvironment, .systemdBoot: nil
    case .ubootEnvironment(let environment): try environment.value(of: BootLoader.storeVariable)
    case .grub(let environment): try environment.value(of: BootLoader.storeVariable)
    }
  }

  /// Durable as `arm`. Throws `environmentFull` where there is no room for it.
  public func setStoreName(_ name: String) throws(BootError) {
    let variable = LoaderVariable(BootLoader.storeVariable, name)
    switch self {
    case .entries, .unmanaged, .uEnvironment, .systemdBoot: break
    case .ubootEnvironment(let environment): try environment.write([variable])
    case .grub(let environment): try environment.write(variable)
    }
  }

  private static let storeVariable = "coppice_store"

  /// Ends a trial, and a fallback: position 0 boots, and nothing is counted. Durable as `arm`.
  public func clearTrial() throws(BootError) {
    switch self {
    case .entries, .unmanaged, .uEnvironment: break
    case .ubootEnvironment(let environment): try environment.clear()
    case .grub(let environment): try environment.clear()
    case .systemdBoot(let esp): try esp.clear()
    }
  }
}

// Boot loaders that read entries from a place of their own, which follows the set in `/boot`.
extension BootLoader {
  /// Whether what boots can be another order than the links in `/boot` say.
  public var hasOwnEntries: Bool {
    if case .systemdBoot = self { return true }
    return false
  }

  /// Copies what the entries name to where the boot loader reads it. Durable when it returns, and
  /// read back; changes nothing of what boots.
  public func copyKernels(
    of entries: [BootEntryFile], from boot: borrowing BootDirectory
  ) throws(BootError) {
    guard case .systemdBoot(let esp) = self else { return }
    try esp.copyKernels(of: entries.map { $0.entry }, from: boot)
  }

  /// Writes entries beside those in force; nil where there is nothing to be done.
  public func prepare(
    _ entries: [BootEntryFile], counter: BootCounter?
  ) throws(BootError) -> SystemdBootChange? {
    guard case .systemdBoot(let esp) = self else { return nil }
    return try esp.prepare(entries, counter: counter)
  }

  /// Brings them into force: this changes what boots. Durable and atomic.
  public func publish(_ change: SystemdBootChange) throws(BootError) {
    guard case .systemdBoot(let esp) = self else { return }
    try esp.publish(change)
  }

  /// Whether position 0 and all behind it are what boots.
  public func isInStep(
    _ entries: [BootEntryFile], isOnTrial: Bool
  ) throws(BootError) -> Bool {
    guard case .systemdBoot(let esp) = self else { return true }
    return try esp.isInStep(entries, isOnTrial: isOnTrial)
  }
}
