// SPDX-License-Identifier: Apache-2.0
import Boot
import Cryptography
import Linux

/// Puts the kernel of a deployment, its initramfs and its device trees into
/// `/boot/ostree/STATEROOT-BOOTCSUM/`.
///
/// A file that is there is left alone: whether it is whole, `verify` tells. Hard links where
/// `/boot` is on the same file system, as libostree has it; else copies, which appear under their
/// names only when they are whole and durable.
struct KernelInstall {
  let sysroot: Sysroot
  let deployment: Deployment
  let layout: KernelLayout

  /// What is to be read where errors name the tree.
  private var treePath: String { sysroot.place(deployment.folder) }
  private var folderPath: String { sysroot.bootPlace(deployment.bootFolder) }

  init(_ sysroot: Sysroot, _ deployment: Deployment) throws(DeployError) {
    self.sysroot = sysroot
    self.deployment = deployment
    let tree = try sysroot.openTree(deployment)
    layout = try KernelLayout.find(in: tree, path: sysroot.place(deployment.folder))
  }

  /// Bytes that the missing files will take on `/boot`, in whole blocks; 0 if they are hard links.
  func missingBytes() throws(DeployError) -> UInt64 {
    let tree = try sysroot.openTree(deployment)
    do throws(Errno) {
      let boot = try sysroot.boot.directory.status()
      let block = try sysroot.boot.directory.fileSystemStatus().blockBytes
      var sum: UInt64 = 0
      for item in layout.items {
        let source = try tree.openBeneath(item.source, .pathOnly).status()
        if source.device == boot.device { return 0 }
        let installed = "\(deployment.bootFolder)/\(item.name)"
        if try sysroot.boot.directory.statusIfPresent(of: installed) != nil { continue }
        // One block more for its name, or for the directory that it may need.
        let blocks = source.sizeBytes / block + 2
        sum += blocks.multipliedReportingOverflow(by: block).partialValue
      }
      return sum
    } catch { throw .file(path: folderPath, error) }
  }

  /// The same for the EFI system partition, which gets what an entry names.
  func missingBytes(on esp: SystemdBoot) throws(DeployError) -> UInt64 {
    let tree = try sysroot.openTree(deployment)
    let names = [layout.kernel] + [layout.initramfs, layout.deviceTree].compactMap { $0 }
    var sum: UInt64 = 0
    for item in layout.items where names.contains(where: { same($0, item.name) }) {
      let size = try at("\(treePath)/\(item.source)") { () throws(Errno) in
        try tree.openBeneath(item.source, .pathOnly).status().sizeBytes
      }
      sum += try inBoot { () throws(BootError) in
        try esp.missingBytes(of: size, at: "\(deployment.bootFolder)/\(item.name)")
      }
    }
    return sum
  }

  /// Installs what is missing; gives whether anything was. Durable after `BootDirectory.flush()`.
  func run() throws(DeployError) -> Bool {
    let tree = try sysroot.openTree(deployment)
    var hasInstalled = false
    for item in layout.items {
      let path = "\(folderPath)/\(item.name)"
      let isDone = try at(path) { () throws(Errno) in
        try sysroot.boot.directory.statusIfPresent(
          of: "\(deployment.bootFolder)/\(item.name)")?.type == .regular
      }
      if isDone { continue }
      try at(path) { () throws(Errno) in try install(item, from: tree, mayLink: true) }
      hasInstalled = true
    }
    return hasInstalled
  }

  /// Reads back from the medium what is installed. What is not what the tree has is copied once
  /// more; throws `damagedKernel` if that does not help either.
  ///
  /// All of it must be durable before: pages that are not cannot leave the page cache.
  func verify() throws(DeployError) {
    let tree = try sysroot.openTree(deployment)
    // The tree was hashed when the deployment was made, and where the checksum is one of contents
    // it says the same as the tree: it is read again only where something is wrong.
    let isOfContents = layout.namedChecksum == nil
    var expected = deployment.bootChecksum
    if !isOfContents { expected = try BootChecksum.contents(of: layout, in: tree, path: treePath) }
    if try installedChecksum() == expected { return }
    if isOfContents {
      let found = try BootChecksum.contents(of: layout, in: tree, path: treePath)
      if found != expected {
        throw .damagedKernel(path: treePath, expected: expected, found: found)
      }
    }
    for item in layout.items {
      try at("\(folderPath)/\(item.name)") { () throws(Errno) in
        try install(item, from: tree, mayLink: false)
      }
    }
    _ = try inBoot { () throws(BootError) in try sysroot.boot.flush() }
    let found = try installedChecksum()
    if found != expected {
      throw .damagedKernel(path: folderPath, expected: expected, found: found)
    }
  }

  private func installedChecksum() throws(DeployError) -> Checksum {
    let folder = try at(folderPath) { () throws(Errno) in
      try sysroot.boot.directory.openBeneath(deployment.bootFolder, [.readOnly, .directory])
    }
    return try BootChecksum.installedContents(of: layout, in: folder, path: folderPath)
  }

  private func install(
    _ item: KernelLayout.Item, from tree: borrowing FileDescriptor, mayLink: Bool
  ) throws(Errno) {
    let name = "\(deployment.bootFolder)/\(item.name)"
    let (folderName, fileName) = KernelInstall.split(name)
    try sysroot.boot.directory.makeDirectories(folderName)
    let folder = try sysroot.boot.directory.openBeneath(folderName, [.readOnly, .directory])
    if mayLink, try link(item, from: tree, into: folder, as: fileName) { return }
    let source = try tree.openBeneath(item.source)
    let temporary = ".\(fileName).new"
    try folder.unlinkIfPresent(temporary)
    do throws(Errno) {
      let file = try folder.open(
        temporary, [.writeOnly, .create, .exclusive, .noFollow], mode: 0o600)
      try source.copyContents(to: file)
      try file.setOwner(uid: 0, gid: 0)
      try file.setMode(try source.status().permissions)
      try file.syncData()
      try folder.rename(temporary, to: fileName)
    } catch {
      _ = try? folder.unlinkIfPresent(temporary)
      throw error
    }
  }

  /// False where a link cannot be had, or something else has the name: libostree puts links there
  /// where the tree has links, which may lead nowhere.
  private func link(
    _ item: KernelLayout.Item, from tree: borrowing FileDescriptor,
    into folder: borrowing FileDescriptor, as name: String
  ) throws(Errno) -> Bool {
    let (sourceFolder, sourceName) = KernelInstall.split(item.source)
    let source = try tree.openBeneath(sourceFolder, [.readOnly, .directory])
    do throws(Errno) { try source.link(sourceName, into: folder, as: name) } catch {
      switch error {
      case .crossDevice, .tooManyLinks, .notPermitted, .notSupported, .exists: return false
      default: throw error
      }
    }
    return true
  }

  private static func split(_ path: String) -> (folder: String, name: String) {
    guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return (".", path) }
    let folder = String(path.utf8[..<slash]) ?? "."
    return (folder, String(path.utf8[path.utf8.index(after: slash)...]) ?? path)
  }
}

extension Sysroot {
  /// The directory of a deployment. Throws `missingTree` if it is gone.
  func openTree(_ deployment: Deployment) throws(DeployError) -> FileDescriptor {
    do throws(Errno) {
      return try store.openBeneath(deployment.folder, [.readOnly, .directory])
    } catch {
      if error == .notFound { throw .missingTree(path: place(deployment.folder)) }
      throw .file(path: place(deployment.folder), error)
    }
  }
}
