// SPDX-License-Identifier: Apache-2.0
import Boot
import Linux
import OSTree

/// Makes the boot entries of a list of deployments: texts, names and `uEnv.txt`.
struct EntryWriter {
  /// What fallback and trial need: a kernel that panics starts over, and does not hang. Added to
  /// the arguments of a new deployment that have none with this key.
  static let panicKey = "panic"
  static let panicArgument = "panic=10"

  private static let prepareRoot = "usr/lib/ostree/ostree-prepare-root"
  private static let treeTextBytesMax = 1 << 20

  let sysroot: Sysroot
  let deployments: [Deployment]
  let layouts: [KernelLayout]
  /// Which set they will be in.
  let version: BootVersion

  /// The deployments with their entries as they will stand in the new set.
  func deploymentsWithEntries() throws(DeployError) -> [Deployment] {
    let serials = BootTree.serials(of: deployments)
    var result = deployments
    for index in deployments.indices {
      result[index].entry = try entry(at: index, serial: serials[index])
    }
    return result
  }

  /// `written` is what `deploymentsWithEntries` gave. The first gets the highest version.
  func files(of written: [Deployment]) -> [BootEntryFile] {
    written.map { deployment in
      let number = Int(deployment.entry.version) ?? 0
      let name = BootEntryName(
        version: number, stateroot: deployment.stateroot, counter: deployment.counter)
      return BootEntryFile(name: name.text, entry: deployment.entry)
    }
  }

  private func entry(at index: Int, serial: Int) throws(DeployError) -> BootEntry {
    let deployment = deployments[index]
    let layout = layouts[index]
    let folder = (sysroot.config.hasBootPrefix ? "/boot/" : "/") + deployment.bootFolder
    var entry = deployment.entry
    entry.title = try title(at: index)
    entry.version = "\(deployments.count - index)"
    entry.options = arguments(of: deployment, layout, serial: serial).text
    entry.deviceTree = layout.deviceTree.map { "\(folder)/\($0)" }
    entry.kernel = "\(folder)/\(layout.kernel)"
    let overlays = entry.initrds.filter(EntryWriter.isOverlay)
    entry.initrds = layout.initramfs.map { ["\(folder)/\($0)"] } ?? []
    entry.initrds += overlays
    // What an older kernel needed must not stay: it would name a directory that goes.
    entry.others.removeAll { line in same(line.key, "fdtdir") || isAppended(line.key) }
    if layout.hasDeviceTreeDirectory {
      let directory = "\(folder)/\(KernelLayout.deviceTreeDirectory)"
      entry.others.insert(BootEntry.Line("fdtdir", directory), at: 0)
    }
    if index > 0 {
      for line in sysroot.config.appendedExceptDefault {
        entry.others.append(BootEntry.Line(line.key, line.value))
      }
    }
    return entry
  }

  private func isAppended(_ key: String) -> Bool {
    sysroot.config.appendedExceptDefault.contains { same($0.key, key) }
  }

  private func arguments(
    of deployment: Deployment, _ layout: KernelLayout, serial: Int
  ) -> KernelArguments {
    let value = BootTree.argument(deployment, version, serial: serial)
    var arguments = deployment.arguments
    arguments.replace("\(KernelArguments.deploymentKey)=\(value)")
    if layout.initramfs == nil {
      arguments.replace("init=\(value)/\(EntryWriter.prepareRoot)")
    } else if let program = arguments.value(of: "init"), EntryWriter.isOurs(program) {
      arguments.deleteAll(key: "init")  // of an older tree that had no initramfs
    }
    return arguments
  }

  /// Whether a value of `init=` is one that was set here or by libostree.
  private static func isOurs(_ program: String) -> Bool {
    program.utf8.starts(with: "/ostree/boot.".utf8)
      && program.utf8.reversed().starts(with: prepareRoot.utf8.reversed())
  }

  /// `PRETTY_NAME [VERSION] (ostree:INDEX)`, with the stateroot where there are several.
  private func title(at index: Int) throws(DeployError) -> String {
    let deployment = deployments[index]
    let tree = try sysroot.openTree(deployment)
    let path = sysroot.place(deployment.folder)
    var title = try OSRelease.read(in: tree, path: path).name
    if let version = sysroot.version(of: deployment), !EntryWriter.contains(title, version) {
      title += " \(version)"
    }
    let first = deployments[0].stateroot
    let isOnly = deployments.allSatisfy { same($0.stateroot, first) }
    return title + (isOnly ? " (ostree:\(index))" : " (ostree:\(deployment.stateroot):\(index))")
  }

  private static func contains(_ text: String, _ part: String) -> Bool {
    let (text, part) = (Array(text.utf8), Array(part.utf8))
    guard part.count <= text.count else { return false }
    return (0...text.count - part.count).contains { text[$0...].starts(with: part) }
  }

  /// Initramfs images that are laid over the first one belong to the deployment, not to its kernel.
  static func isOverlay(_ path: String) -> Bool {
    let bytes = Array(path.utf8)
    return bytes.starts(with: "/ostree/initramfs-overlays/".utf8)
      || bytes.starts(with: "/boot/ostree/initramfs-overlays/".utf8)
  }

  /// The text of `uEnv.txt` where U-Boot reads it. Lines that others added to the one in force
  /// stay.
  func uEnvironment(
    of written: [Deployment], replacing state: SysrootState
  ) throws(DeployError) -> String? {
    guard sysroot.loader.readsUEnvironment else { return nil }
    var added: [String] = []
    if let current = state.bootVersion,
      let text = try inBoot({ () throws(BootError) in try sysroot.boot.uEnvironment(of: current) })
    {
      var treeTexts: [String] = []
      for deployment in state.deployments {
        if let text = try treeText(of: deployment) { treeTexts.append(text) }
      }
      added = UEnvironment.addedLines(of: text, treeTexts: treeTexts)
    }
    let first = try written.first.flatMap { (first) throws(DeployError) in
      try treeText(of: first)
    }
    return UEnvironment.text(for: written.map { $0.entry }, treeText: first, keeping: added)
  }

  /// The text of `grub-entries.cfg` where GRUB reads it.
  func grubEntries(of written: [Deployment]) -> String? {
    guard sysroot.loader.readsGrubEntries else { return nil }
    return GrubEntries.text(for: written.map { $0.entry })
  }

  private func treeText(of deployment: Deployment) throws(DeployError) -> String? {
    let tree = try sysroot.openTree(deployment)
    let path = "\(sysroot.place(deployment.folder))/\(UEnvironment.treePath)"
    let bytes = try at(path) { () throws(Errno) -> [UInt8]? in
      do throws(Errno) {
        return try tree.openInRoot(UEnvironment.treePath)
          .readAll(limit: EntryWriter.treeTextBytesMax)
      } catch {
        if error == .notFound || error == .notDirectory { return nil }
        throw error
      }
    }
    return bytes.map { String(decoding: $0, as: UTF8.self) }
  }
}

extension Sysroot {
  /// The version that the commit of a deployment carries; nil if it has none, or is gone.
  func version(of deployment: Deployment) -> String? {
    (try? repo.loadCommit(deployment.commit))?.version
  }
}
