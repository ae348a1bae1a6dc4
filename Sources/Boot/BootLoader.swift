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

  public var readsUEnvironment: Bool {
    switch self {
    case .uEnvironment, .ubootEnvironment: true
    case .entries, .unmanaged, .grub: false
    }
  }

  public var readsGrubEntries: Bool {
    if case .grub = self { return true }
    return false
  }

  /// Whether it can try a deployment and fall back by itself.
  public var countsTrials: Bool {
    switch self {
    case .ubootEnvironment, .grub: true
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
    }
  }

  /// From here on so many starts of position 0 are counted, and position 1 boots after them.
  ///
  /// Durable when it returns, and read back; a power cut leaves the old store or the new. On an
  /// error nothing is counted, or the store says what it said before.
  public func arm(boots: Int) throws(BootError) {
    precondition(boots > 0 && boots <= TrialLimit.bootsMax, "a trial has 1 to 9 boots")
    switch self {
    case .entries, .unmanaged, .uEnvironment: break
    case .ubootEnvironment(let environment): try environment.arm(boots: boots)
    case .grub(let environment): try environment.arm(boots: boots)
    }
  }

  /// What the store is called, which the boot loader tells the kernel; nil where it has no name.
  public func storeName() throws(BootError) -> String? {
    switch self {
    case .entries, .unmanaged, .uEnvironment: nil
    case .ubootEnvironment(let environment): try environment.value(of: BootLoader.storeVariable)
    case .grub(let environment): try environment.value(of: BootLoader.storeVariable)
    }
  }

  /// Durable as `arm`. Throws `environmentFull` where there is no room for it.
  public func setStoreName(_ name: String) throws(BootError) {
    let variable = LoaderVariable(BootLoader.storeVariable, name)
    switch self {
    case .entries, .unmanaged, .uEnvironment: break
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
    }
  }
}
