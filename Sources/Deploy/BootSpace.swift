// SPDX-License-Identifier: Apache-2.0
import Boot
import Linux

/// Room in `/boot` for new kernels.
///
/// Where it is short, kernels that nothing refers to go first. If that is not enough, deployments
/// that the new order does not hold lose their entries before and not after the new kernel is
/// written; that is a commit step of its own, and between the two there is less to fall back on.
/// What the new order holds stays bootable throughout. As libostree does from 2023.7 on.
struct BootSpace {
  /// For entries, `uEnv.txt` and directories.
  static let marginBytes: UInt64 = 1 << 20

  let neededBytes: UInt64
  let freeBytes: UInt64

  var isEnough: Bool { neededBytes <= freeBytes }
}

/// Where kernels are copied to.
enum KernelPlace {
  case boot
  /// The EFI system partition.
  case systemPartition(SystemdBoot)

  /// Where a boot loader has kernels of its own.
  init?(_ loader: BootLoader) {
    guard case .systemdBoot(let esp) = loader else { return nil }
    self = .systemPartition(esp)
  }
}

extension Sysroot {
  /// Bytes that the kernels of these deployments lack in a place, and bytes free there.
  func bootSpace(
    for installs: [KernelInstall], in place: KernelPlace = .boot
  ) throws(DeployError) -> BootSpace {
    var needed: UInt64 = 0
    for (index, install) in installs.enumerated() {
      if installs[..<index].contains(where: { $0.isSameKernel(as: install) }) { continue }
      switch place {
      case .boot: needed += try install.missingBytes()
      case .systemPartition(let esp): needed += try install.missingBytes(on: esp)
      }
    }
    return BootSpace(
      neededBytes: needed == 0 ? 0 : needed + BootSpace.marginBytes, freeBytes: try freeBytes(place)
    )
  }

  private func freeBytes(_ place: KernelPlace) throws(DeployError) -> UInt64 {
    switch place {
    case .boot:
      try at(boot.path) { () throws(Errno) in try boot.directory.fileSystemStatus().freeBytes }
    case .systemPartition(let esp): try inBoot { () throws(BootError) in try esp.freeBytes() }
    }
  }

  private func path(of place: KernelPlace) -> String {
    switch place {
    case .boot: boot.path
    case .systemPartition(let esp): esp.path
    }
  }

  /// Throws `noSpace` if the kernels do not fit, whatever is removed, and changes nothing then.
  func makeRoom(
    for installs: [KernelInstall], _ state: inout SysrootState, _ lock: borrowing SysrootLock
  ) throws(DeployError) {
    try makeRoom(for: installs, in: .boot, &state, lock)
    guard let place = KernelPlace(loader) else { return }
    try makeRoom(for: installs, in: place, &state, lock)
  }

  private func makeRoom(
    for installs: [KernelInstall], in place: KernelPlace, _ state: inout SysrootState,
    _ lock: borrowing SysrootLock
  ) throws(DeployError) {
    var space = try bootSpace(for: installs, in: place)
    if space.isEnough { return }
    let all = state.deployments + installs.map { $0.deployment }
    try removeUnusedKernels(keeping: all, in: place)
    space = try bootSpace(for: installs, in: place)
    if space.isEnough { return }

    let wanted = installs.map { $0.deployment }
    let kept = state.deployments.filter { old in
      wanted.contains { same($0.bootName, old.bootName) }
    }
    let removable = try kernelBytes(besides: wanted, in: place)
    guard !kept.isEmpty, kept.count < state.deployments.count,
      space.neededBytes <= space.freeBytes + removable
    else {
      throw .noSpace(
        path: path(of: place), neededBytes: space.neededBytes, freeBytes: space.freeBytes)
    }
    _ = try write(kept, over: state, lock) { () throws(DeployError) in }
    state = try self.state()
    try removeUnusedKernels(keeping: wanted + kept, in: place)
  }

  /// Bytes of kernels that none of these deployments has.
  private func kernelBytes(
    besides deployments: [Deployment], in place: KernelPlace
  ) throws(DeployError) -> UInt64 {
    var sum: UInt64 = 0
    switch place {
    case .boot:
      for name in try kernelFolders() where !isKept(name, deployments) {
        sum += try at(bootPlace("ostree/\(name)")) { () throws(Errno) in
          try boot.directory.openBeneath("ostree/\(name)", [.readOnly, .directory]).treeBytes()
        }
      }
    case .systemPartition(let esp):
      for folder in try inBoot({ () throws(BootError) in try esp.kernelFolders() })
      where !isKept(folder.name, deployments) {
        sum += folder.bytes
      }
    }
    return sum
  }

  private func isKept(_ name: String, _ deployments: [Deployment]) -> Bool {
    deployments.contains { same($0.bootName, name) }
  }

  /// The directories `STATEROOT-BOOTCSUM` in `/boot/ostree`.
  func kernelFolders() throws(DeployError) -> [String] {
    let entries = try at(bootPlace("ostree")) { () throws(Errno) -> [DirectoryEntry] in
      do throws(Errno) {
        return try boot.directory.open("ostree", [.readOnly, .directory]).sortedEntries()
      } catch {
        if error == .notFound { return [] }
        throw error
      }
    }
    return entries.map { $0.name }.filter(KernelFolderName.isOne)
  }

  /// Removes the kernels that none of these deployments has; gives their names.
  @discardableResult
  func removeUnusedKernels(
    keeping deployments: [Deployment], in place: KernelPlace
  ) throws(DeployError) -> [String] {
    switch place {
    case .boot:
      let unused = try kernelFolders().filter { !isKept($0, deployments) }
      for name in unused {
        try at(bootPlace("ostree/\(name)")) { () throws(Errno) in
          try boot.directory.removeTree("ostree/\(name)")
        }
      }
      return unused
    case .systemPartition(let esp):
      return try inBoot { () throws(BootError) in
        try esp.removeUnusedKernels { isKept($0, deployments) }
      }
    }
  }
}
