// SPDX-License-Identifier: Apache-2.0
import Boot
import Cryptography
import Linux
public import OSTree

/// What a cleanup removed. Paths relative to the sysroot.
public struct CleanupReport: Sendable {
  public var removed: [String] = []
}

extension Sysroot {
  /// Removes what no deployment refers to, whichever program made it, and points the refs that keep
  /// commits at the deployments. Needs nothing from an interrupted run and may be interrupted.
  ///
  /// Never removed: what is in boot order, booted or staged. Refs are durable when it returns.
  public func cleanup(_ lock: borrowing SysrootLock) throws(DeployError) -> CleanupReport {
    let state = try state()
    // What the boot loader's own entries name must not go before they follow the order.
    try followOrder(state)
    var report = CleanupReport()
    try removeOtherBootVersions(state, &report)
    try removeUnusedTrees(state, &report)
    let kept = try keptForKernels(state)
    report.removed += try removeUnusedKernels(keeping: kept, in: .boot).map { "boot/ostree/\($0)" }
    if let place = KernelPlace(loader) { try removeUnusedKernels(keeping: kept, in: place) }
    try removeUnusedOverlays(state, &report)
    try removeUnusedPendingMerges(state)
    try writeDeploymentRefs(state)
    return report
  }

  /// As `cleanup`, and then removes the objects that only former deployments needed: of the history
  /// of refs and deployments the newest commit stays, as after `ostree admin cleanup`.
  public func prune(
    _ lock: borrowing SysrootLock
  ) throws(DeployError) -> (cleanup: CleanupReport, objects: PruneReport) {
    let cleaned = try cleanup(lock)
    var options = PruneOptions()
    options.refsOnly = true
    options.depth = 0
    let objects = try inRepo { () throws(OSTreeError) in try repo.prune(options) }
    return (cleaned, objects)
  }

  /// The set of entries and the links that are not in force.
  func removeOtherBootVersions(
    _ state: SysrootState, _ report: inout CleanupReport
  ) throws(DeployError) {
    guard let version = state.bootVersion else { return }
    let other = version.other
    try inBoot { () throws(BootError) in try boot.remove(other) }
    for name in [
      BootTree.name(other), BootTree.name(other, .zero), BootTree.name(other, .one),
      BootTree.name(version, state.linkVersion.other),
      BootTree.temporaryName(.zero), BootTree.temporaryName(.one),
    ] {
      try at(place(name)) { () throws(Errno) in
        guard try store.contains(name) else { return }
        try store.removeTree(name)
        report.removed.append("ostree/\(name)")
      }
    }
  }

  /// Directories of deployments that are neither in boot order nor booted nor staged.
  func removeUnusedTrees(
    _ state: SysrootState, _ report: inout CleanupReport
  ) throws(DeployError) {
    let booted = try bootedDirectory()
    for stateroot in try stateroots() {
      let folder = "deploy/\(stateroot)/deploy"
      for text in try deploymentNames(in: folder) {
        if let name = DeploymentName(text) {
          if isKept(name, stateroot, state) { continue }
          try remove(text, in: stateroot, unless: booted, &report)
        } else if let name = OriginFileName(text)?.deployment {
          // What is left where a run was cut before the tree was made, or after it was removed.
          if isKept(name, stateroot, state) && !OriginFileName.isTemporary(text) { continue }
          try at(place("\(folder)/\(text)")) { () throws(Errno) in
            _ = try store.unlinkIfPresent("\(folder)/\(text)")
          }
        }
      }
    }
  }

  /// All names in `deploy/STATEROOT/deploy`, sorted: trees before their origins.
  func deploymentNames(in folder: String) throws(DeployError) -> [String] {
    try at(place(folder)) { () throws(Errno) -> [String] in
      do throws(Errno) {
        return try store.openBeneath(folder, [.readOnly, .directory]).sortedEntries()
          .map { $0.name }
      } catch {
        if error == .notFound { return [] }
        throw error
      }
    }
  }

  private func isKept(
    _ name: DeploymentName, _ stateroot: String, _ state: SysrootState
  ) -> Bool {
    if let target = state.staged?.target, target.commit == name.commit,
      Int(exactly: target.serial) == name.serial, same(target.stateroot, stateroot)
    {
      return true
    }
    return state.deployments.contains {
      $0.commit == name.commit && $0.serial == name.serial && same($0.stateroot, stateroot)
    }
  }

  /// The origin goes first: a directory without one is known to be left over.
  private func remove(
    _ name: String, in stateroot: String, unless booted: BootedDirectory,
    _ report: inout CleanupReport
  ) throws(DeployError) {
    let folder = "deploy/\(stateroot)/deploy"
    try at(place("\(folder)/\(name)")) { () throws(Errno) in
      let directory = try store.openBeneath(folder, [.readOnly, .directory])
      if booted.isDirectory(try directory.status(of: name)) { return }
      try store.removeTree("deploy/\(stateroot)/backing/\(name)", clearingImmutable: true)
      try directory.unlinkIfPresent("\(name).origin")
      try directory.removeTree(name, clearingImmutable: true)
      report.removed.append("ostree/\(folder)/\(name)")
    }
  }

  private func removeUnusedOverlays(
    _ state: SysrootState, _ report: inout CleanupReport
  ) throws(DeployError) {
    let folder = "ostree/initramfs-overlays"
    try at(bootPlace(folder)) { () throws(Errno) in
      guard try boot.directory.statusIfPresent(of: folder)?.type == .directory else { return }
      let directory = try boot.directory.openBeneath(folder, [.readOnly, .directory])
      for entry in try directory.sortedEntries()
      where entry.name.utf8.reversed().starts(with: "gmi.".utf8) {
        let path = "/\(folder)/\(entry.name)"
        let isUsed = state.deployments.contains { deployment in
          deployment.entry.initrds.contains { same($0, path) || same($0, "/boot\(path)") }
        }
        let isStaged = state.staged?.overlayInitrds.contains { same($0, path) } ?? false
        if isUsed || isStaged { continue }
        try directory.unlink(entry.name)
        report.removed.append("boot/\(folder)/\(entry.name)")
      }
    }
  }

  /// `ostree/B/M/INDEX` names the commit of each deployment, so that no prune takes its objects.
  func writeDeploymentRefs(_ state: SysrootState) throws(DeployError) {
    guard let version = state.bootVersion else { return }
    let prefix = "ostree/\(version.rawValue)/\(state.linkVersion.rawValue)"
    var wanted = state.deployments.map { $0.commit }
    if let staged = state.staged { wanted.insert(staged.target.commit, at: 0) }
    try inRepo { () throws(OSTreeError) in
      try repo.removeInterruptedRefs(below: "ostree")
      for (index, commit) in wanted.enumerated() {
        let ref = Refspec(remote: nil, ref: "\(prefix)/\(index)")
        if try repo.readRef(ref) != commit { try repo.writeRef(ref, commit) }
      }
      for (refspec, _) in try repo.refs() {
        guard refspec.remote == nil, DeploymentRef.isOne(refspec.ref) else { continue }
        let isWanted = wanted.indices.contains { same(refspec.ref, "\(prefix)/\($0)") }
        if !isWanted { try repo.removeRef(refspec) }
      }
    }
  }

  /// Whose kernels stay.
  func keptForKernels(_ state: SysrootState) throws(DeployError) -> [Deployment] {
    var kept = state.deployments
    if let staged = try stagedDeployment(state) { kept.append(staged) }
    return kept
  }

  /// What libostree has staged, as far as the kernel that it needs goes.
  private func stagedDeployment(_ state: SysrootState) throws(DeployError) -> Deployment? {
    guard let target = state.staged?.target, let checksum = Checksum(hex: target.bootcsum) else {
      return nil
    }
    return Deployment(
      stateroot: target.stateroot, commit: target.commit, serial: Int(clamping: target.serial),
      bootChecksum: checksum, entry: BootEntry())
  }
}

enum DeploymentRef {
  /// `ostree/B/M/INDEX`.
  static func isOne(_ ref: String) -> Bool {
    let parts = ref.utf8.split(separator: UInt8(ascii: "/")).compactMap { String($0) }
    return parts.count == 4 && same(parts[0], "ostree")
      && parts[1...].allSatisfy { part in
        part.utf8.allSatisfy { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }
      }
  }
}
