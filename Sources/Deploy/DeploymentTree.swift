// SPDX-License-Identifier: Apache-2.0
import Boot
import Cryptography
import Linux
import OSTree

/// Makes the directory of a new deployment. Nothing here changes what boots: a run that is cut
/// leaves a directory that nothing refers to, and the next one removes it.
struct DeploymentTree {
  let sysroot: Sysroot
  let stateroot: String
  let commit: Checksum
  /// Whose /etc the new one gets, and whose kernel arguments.
  let source: Deployment?
  let argumentSource: Deployment?
  let argumentChanges: [KernelArgumentChange]
  let verifiesObjects: Bool

  struct Made {
    let deployment: Deployment
    let etc: EtcMerge?
    /// The initramfs of the image says that it can merge.
    let hasFinalizer: Bool
  }

  private var folder: String { "deploy/\(stateroot)/deploy" }

  /// Durable after the next `syncFileSystem()`, which `Sysroot.write` does.
  func make(_ origin: Origin) throws(DeployError) -> Made {
    let arguments = try self.arguments()
    let serial = try nextSerial()
    let name = "\(commit.hex).\(serial)"
    let parent = try at(sysroot.place(folder)) { () throws(Errno) in
      try sysroot.store.makeDirectories(folder)
      return try sysroot.store.openBeneath(folder, [.readOnly, .directory])
    }
    do throws(DeployError) {
      var options = CheckoutOptions()
      options.passesWhiteouts = true
      options.verifies = verifiesObjects
      _ = try inRepo { () throws(OSTreeError) in
        try sysroot.repo.checkout(commit, at: parent, name: name, options: options)
      }
      return try fill(name, serial, parent, arguments, origin)
    } catch {
      _ = try? parent.removeTree(name, clearingImmutable: true)
      _ = try? parent.unlinkIfPresent("\(name).origin")
      throw error
    }
  }

  private func fill(
    _ name: String, _ serial: Int, _ parent: borrowing FileDescriptor,
    _ arguments: KernelArguments, _ origin: Origin
  ) throws(DeployError) -> Made {
    let path = sysroot.place("\(folder)/\(name)")
    let tree = try at(path) { () throws(Errno) in try parent.openDirectory(name) }
    try SELinuxPolicy.check(tree, path: path)
    try ComposefsPolicy.check(tree, path: path, arguments)
    let layout = try KernelLayout.find(in: tree, path: path)
    try KernelObjects.verify(layout, of: commit, in: sysroot.repo)
    let bootChecksum = try BootChecksum.of(layout, in: tree, path: path)
    let hasEtc = try EtcSetup.run(in: tree, path: path)
    let stateFolder = try at(sysroot.place("deploy/\(stateroot)")) { () throws(Errno) in
      try sysroot.store.openBeneath("deploy/\(stateroot)", [.readOnly, .directory])
    }
    try VarSetup.run(in: stateFolder, path: sysroot.place("deploy/\(stateroot)"), tree: tree)
    let etc = hasEtc ? try mergeEtc(into: tree, path) : nil
    let stateful = try at(sysroot.place("deploy/\(stateroot)/var")) { () throws(Errno) in
      try stateFolder.openDirectory("var")
    }
    try EtcSetup.forgetUpdates(in: tree, stateful: stateful, path: path)
    try at("\(path).origin") { () throws(Errno) in
      try parent.replaceFile("\(name).origin", with: origin.serialized())
    }
    try at(path) { () throws(Errno) in try DeploymentTree.setImmutable(tree, true) }
    var entry = BootEntry()
    entry.options = arguments.text
    entry.others = source?.entry.others ?? []
    return Made(
      deployment: Deployment(
        stateroot: stateroot, commit: commit, serial: serial, bootChecksum: bootChecksum,
        entry: entry),
      etc: etc, hasFinalizer: try FinalizerMarker.fits(layout, in: tree, path: path))
  }

  /// Nobody shall write to `/` by mistake. File systems without the flag do without.
  static func setImmutable(
    _ tree: borrowing FileDescriptor, _ isImmutable: Bool
  ) throws(Errno) {
    do throws(Errno) { try tree.setImmutable(isImmutable) } catch {
      switch error {
      case .notTerminal, .notSupported, .invalid, .notPermitted, .notImplemented: return
      default: throw error
      }
    }
  }

  /// Nil if there is no deployment to merge from, or it has no /etc of its own.
  private func mergeEtc(
    into tree: borrowing FileDescriptor, _ path: String
  ) throws(DeployError) -> EtcMerge? {
    guard let source else { return nil }
    let sourceTree = try sysroot.openTree(source)
    let new = try at("\(path)/etc") { () throws(Errno) in try tree.openDirectory("etc") }
    return try EtcMerge.run(
      from: sourceTree, path: sysroot.place(source.folder), into: new, newPath: "\(path)/etc")
  }

  private func arguments() throws(DeployError) -> KernelArguments {
    var arguments = argumentSource?.arguments ?? KernelArguments()
    for change in argumentChanges { try change.apply(to: &arguments) }
    let isUnwanted = argumentChanges.contains { $0.deletesPanic }
    if !arguments.contains(key: EntryWriter.panicKey), !isUnwanted {
      arguments.append(EntryWriter.panicArgument)
    }
    return arguments
  }

  /// One more than the highest that is there, whether or not it is in boot order.
  private func nextSerial() throws(DeployError) -> Int {
    var next = 0
    for text in try sysroot.deploymentNames(in: folder) {
      if let name = DeploymentName(text), name.commit == commit {
        next = max(next, name.serial + 1)
      }
    }
    return next
  }
}
