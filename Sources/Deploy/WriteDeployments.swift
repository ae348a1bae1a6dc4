// SPDX-License-Identifier: Apache-2.0
public import Boot
import Cryptography
import Linux

/// How the new order of deployments came into force.
public enum BootChange: Hashable, Sendable {
  /// It was in force already: nothing was written.
  case unchanged
  /// The boot entries stay as they are; other deployments are behind their links.
  case relinked
  /// The other set of boot entries took over.
  case swapped(BootCommit)
}

extension Sysroot {
  /// Makes `deployments` what the board boots, in this order.
  ///
  /// Durable and atomic: after a power cut at any point the board boots the old order or the new.
  /// In order: kernel files; all file systems flushed; kernel files read back; links of
  /// `ostree/boot.B`; entries; `beforeCommit`; the commit step. `beforeCommit` is where a trial is
  /// armed: all but the commit step is durable then. Where the boot loader has entries of its own
  /// these follow the links, and are what changes what boots: `followOrder` does what a cut between
  /// the two has left.
  ///
  /// What libostree has staged is dropped. Throws `isBooted` if the running deployment is left out,
  /// `missingTree`, `noSpace` before anything was changed.
  func write(
    _ deployments: [Deployment], over state: SysrootState, _ lock: borrowing SysrootLock,
    beforeCommit: () throws(DeployError) -> Void
  ) throws(DeployError) -> BootChange {
    if let index = state.bootedIndex,
      !deployments.contains(where: { $0.isSame(as: state.deployments[index]) })
    {
      throw .isBooted(index: index)
    }
    try followOrder(state)
    if isSame(deployments, state.deployments) {
      if state.staged != nil { try dropStaged() }
      return .unchanged
    }
    var state = state
    let installs = try makeInstalls(deployments)
    try makeRoom(for: installs, &state, lock)
    // An entry that stays as it is cannot begin to be counted by another name.
    if !loader.hasOwnEntries,
      let change = try relink(deployments, installs, over: state, beforeCommit)
    {
      return change
    }
    return try swap(deployments, installs, over: state, beforeCommit)
  }

  /// The same trees with the same arguments in the same order.
  private func isSame(_ new: [Deployment], _ old: [Deployment]) -> Bool {
    new.count == old.count
      && zip(new, old).allSatisfy {
        $0.isSame(as: $1) && $0.bootChecksum == $1.bootChecksum
          && same($0.entry.options, $1.entry.options)
      }
  }

  private func makeInstalls(_ deployments: [Deployment]) throws(DeployError) -> [KernelInstall] {
    var installs: [KernelInstall] = []
    for deployment in deployments { installs.append(try KernelInstall(self, deployment)) }
    return installs
  }

  // MARK: The other deployments behind the same entries

  /// Nil if the boot entries must change.
  private func relink(
    _ deployments: [Deployment], _ installs: [KernelInstall], over state: SysrootState,
    _ beforeCommit: () throws(DeployError) -> Void
  ) throws(DeployError) -> BootChange? {
    guard let version = state.bootVersion, deployments.count == state.deployments.count else {
      return nil
    }
    let writer = EntryWriter(
      sysroot: self, deployments: deployments, layouts: installs.map { $0.layout },
      version: version)
    let written = try writer.deploymentsWithEntries()
    for (new, old) in zip(written, state.deployments) {
      guard new.entry == old.entry, new.counter == old.counter, same(new.bootName, old.bootName)
      else { return nil }
    }
    try installAndVerify(installs)
    let link = state.linkVersion.other
    try writeBootTree(deployments, version, link)
    try syncStore()
    try beforeCommit()
    try pointBootTree(version, to: link)
    try at(place("")) { () throws(Errno) in try store.sync() }
    try finish(state)
    return .relinked
  }

  // MARK: The other set of entries

  private func swap(
    _ deployments: [Deployment], _ installs: [KernelInstall], over state: SysrootState,
    _ beforeCommit: () throws(DeployError) -> Void
  ) throws(DeployError) -> BootChange {
    try installAndVerify(installs)
    let version = state.bootVersion?.other ?? .one
    let link = try linkVersion(of: version).other
    try writeBootTree(deployments, version, link)
    try pointBootTree(version, to: link)
    let writer = EntryWriter(
      sysroot: self, deployments: deployments, layouts: installs.map { $0.layout },
      version: version)
    let written = try writer.deploymentsWithEntries()
    let uEnvironment = try writer.uEnvironment(of: written, replacing: state)
    try inBoot { () throws(BootError) in
      try boot.write(
        writer.files(of: written), uEnvironment: uEnvironment,
        grubEntries: writer.grubEntries(of: written), as: version)
    }
    try syncStore()
    let files = writer.files(of: written)
    try inBoot { () throws(BootError) in try loader.copyKernels(of: files, from: boot) }
    let counterBefore = try counter(before: state)
    try beforeCommit()
    let counter = try counter(of: deployments, over: state, counterBefore)
    let commit = try inBoot { () throws(BootError) in
      let change = try loader.prepare(files, counter: counter)
      let commit = try boot.commit(version)
      if let change { try loader.publish(change) }
      return commit
    }
    try finish(state)
    return .swapped(commit)
  }

  /// Trees and kernel files are durable, and kernel files proven, when this returns.
  private func installAndVerify(_ installs: [KernelInstall]) throws(DeployError) {
    var fresh: [KernelInstall] = []
    for install in installs {
      if try install.run() { fresh.append(install) }
    }
    // A flush of `/boot` is one of the store as well where they are one file system.
    if boot.isSeparate { try syncStore() }
    _ = try inBoot { () throws(BootError) in try boot.flush() }
    // A deployment that is first must be proven even where its kernel was there before.
    if let first = installs.first, !fresh.contains(where: { $0.isSameKernel(as: first) }) {
      fresh.append(first)
    }
    for install in fresh { try install.verify() }
  }

  private func syncStore() throws(DeployError) {
    try at(place("")) { () throws(Errno) in try store.syncFileSystem() }
  }

  /// Nothing from here on is needed to boot.
  private func finish(_ state: SysrootState) throws(DeployError) {
    if state.staged != nil { try dropStaged() }
    // Whoever watches for changes looks at the time of this directory.
    try at(place("deploy")) { () throws(Errno) in
      try store.open("deploy", [.readOnly, .directory]).touch()
    }
  }
}

extension KernelInstall {
  func isSameKernel(as other: KernelInstall) -> Bool {
    same(deployment.bootName, other.deployment.bootName)
  }
}
