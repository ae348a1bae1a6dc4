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

extension Sysroot {
  /// Bytes that the kernels of these deployments lack in `/boot`, and bytes free there.
  func bootSpace(for installs: [KernelInstall]) throws(DeployError) -> BootSpace {
    var needed: UInt64 = 0
    for (index, install) in installs.enumerated() {
      if installs[..<index].contains(where: { $0.isSameKernel(as: install) }) { continue }
      needed += try install.missingBytes()
    }
    let free = try at(boot.path) { () throws(Errno) in
      try boot.directory.fileSystemStatus().freeBytes
    }
    return BootSpace(neededBytes: needed == 0 ? 0 : needed + BootSpace.marginBytes, freeBytes: free)
  }

  /// Throws `noSpace` if the kernels do not fit, whatever is removed, and changes nothing then.
  func makeRoom(
    for installs: [KernelInstall], _ state: inout SysrootState, _ lock: borrowing SysrootLock
  ) throws(DeployError) {
    var space = try bootSpace(for: installs)
    if space.isEnough { return }
    try removeUnusedKernels(keeping: (state.deployments + installs.map { $0.deployment }))
    space = try bootSpace(for: installs)
    if space.isEnough { return }

    let wanted = installs.map { $0.deployment }
    let kept = state.deployments.filter { old in
      wanted.contains { same($0.bootName, old.bootName) }
    }
    let removable = try kernelBytes(besides: wanted)
    guard !kept.isEmpty, kept.count < state.deployments.count,
      space.neededBytes <= space.freeBytes + removable
    else {
      throw .noSpace(
        path: boot.path, neededBytes: space.neededBytes, freeBytes: space.freeBytes)
    }
    _ = try write(kept, over: state, lock) { () throws(DeployError) in }
    state = try self.state()
    try removeUnusedKernels(keeping: wanted + kept)
  }

  /// Bytes of kernels in `/boot` that none of these deployments has.
  private func kernelBytes(besides deployments: [Deployment]) throws(DeployError) -> UInt64 {
    var sum: UInt64 = 0
    for name in try kernelFolders()
    where !deployments.contains(where: { same($0.bootName, name) }) {
      sum += try at(bootPlace("ostree/\(name)")) { () throws(Errno) in
        try boot.directory.openBeneath("ostree/\(name)", [.readOnly, .directory]).treeBytes()
      }
    }
    return sum
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
  func removeUnusedKernels(keeping deployments: [Deployment]) throws(DeployError) -> [String] {
    let unused = try kernelFolders().filter { name in
      !deployments.contains { same($0.bootName, name) }
    }
    for name in unused {
      try at(bootPlace("ostree/\(name)")) { () throws(Errno) in
        try boot.directory.removeTree("ostree/\(name)")
      }
    }
    return unused
  }
}

enum KernelFolderName {
  /// `STATEROOT-` and 64 hexadecimal digits.
  static func isOne(_ name: String) -> Bool {
    guard let dash = name.utf8.lastIndex(of: UInt8(ascii: "-")), dash > name.utf8.startIndex
    else { return false }
    let digits = name.utf8[name.utf8.index(after: dash)...]
    return digits.count == 64
      && digits.allSatisfy {
        ($0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9"))
          || ($0 >= UInt8(ascii: "a") && $0 <= UInt8(ascii: "f"))
      }
  }
}

extension FileDescriptor {
  /// Bytes on the medium of all files below this directory.
  fileprivate borrowing func treeBytes() throws(Errno) -> UInt64 {
    var sum: UInt64 = 0
    for entry in try entries() {
      let status = try status(of: entry.name)
      sum += status.blocks * 512
      if status.type == .directory { sum += try openDirectory(entry.name).treeBytes() }
    }
    return sum
  }
}
