// SPDX-License-Identifier: Apache-2.0
public import Cryptography
public import Linux

/// Where a tree has its kernel, initramfs and device trees, and what they are called in `/boot`.
///
/// Newer trees: `usr/lib/modules/KVER/` with `vmlinuz`, and perhaps `initramfs.img` or `initramfs`,
/// `devicetree` or `dtb/`, and `.vmlinuz.hmac`. Older ones: `usr/lib/ostree-boot/` or `boot/` with
/// `vmlinuz-KVER-SHA256` and the like. As libostree looks for them (ostree-sysroot-deploy.c).
public struct KernelLayout: Hashable, Sendable {
  /// One file of the tree that is to be in `/boot`.
  public struct Item: Hashable, Sendable {
    /// Relative to the tree.
    public let source: String
    /// Relative to the directory of this kernel in `/boot`.
    public let name: String
    /// Whether its contents are part of the boot checksum.
    public let isHashed: Bool
  }

  /// In the order in which their contents are hashed.
  public private(set) var items: [Item] = []
  /// Names relative to the directory of this kernel in `/boot`.
  public private(set) var kernel = ""
  public private(set) var initramfs: String?
  public private(set) var deviceTree: String?
  public private(set) var hasDeviceTreeDirectory = false
  /// The checksum that the file names of an older tree carry: the boot checksum as it is.
  public private(set) var namedChecksum: Checksum?

  static let deviceTreeDirectory = "dtb"

  /// Finds the kernel of a tree; nothing is read but names. `path` names the tree in errors.
  ///
  /// The newer layout is taken unless it has no initramfs and the older one has. Throws `noKernel`,
  /// `kernelName`, `kernelMismatch`.
  public static func find(
    in tree: borrowing FileDescriptor, path: String
  ) throws(DeployError) -> KernelLayout {
    let modern = try findInModules(tree, path)
    if let modern, modern.initramfs != nil { return modern }
    let legacy = try findInBoot(tree, path)
    if let modern, legacy?.initramfs == nil { return modern }
    guard let legacy else { throw .noKernel(tree: path) }
    return legacy
  }
}

// MARK: usr/lib/modules

extension KernelLayout {
  static let modulesFolder = "usr/lib/modules"

  private static func findInModules(
    _ tree: borrowing FileDescriptor, _ path: String
  ) throws(DeployError) -> KernelLayout? {
    guard let modules = try open(modulesFolder, in: tree, path) else { return nil }
    let versions = try at("\(path)/\(modulesFolder)") { () throws(Errno) in
      try modules.entries()
    }
    // The first one that readdir gives, as libostree does: both must agree on the checksum.
    for version in versions {
      let place = "\(path)/\(modulesFolder)/\(version.name)"
      let isDirectory = try type(version.name, modules, "\(path)/\(modulesFolder)") == .directory
      guard isDirectory else { continue }
      let folder = try at(place) { () throws(Errno) in try modules.openDirectory(version.name) }
      guard try type("vmlinuz", folder, place) == .regular else { continue }
      return try modern(version.name, folder, place, tree, path)
    }
    return nil
  }

  private static func modern(
    _ version: String, _ folder: borrowing FileDescriptor, _ place: String,
    _ tree: borrowing FileDescriptor, _ path: String
  ) throws(DeployError) -> KernelLayout {
    let source = "\(modulesFolder)/\(version)"
    var layout = KernelLayout()
    layout.kernel = "vmlinuz-\(version)"
    layout.items.append(Item(source: "\(source)/vmlinuz", name: layout.kernel, isHashed: true))
    var initramfs = try file("\(source)/initramfs.img", in: tree, path)
    if initramfs == nil { initramfs = try file("\(source)/initramfs", in: tree, path) }
    if let found = initramfs {
      let installed = "initramfs-\(version).img"
      layout.initramfs = installed
      layout.items.append(Item(source: found, name: installed, isHashed: true))
    }
    if let found = try file("\(source)/devicetree", in: tree, path) {
      let installed = "devicetree-\(version)"
      layout.deviceTree = installed
      layout.items.append(Item(source: found, name: installed, isHashed: true))
    } else if try type(deviceTreeDirectory, folder, place) == .directory {
      layout.hasDeviceTreeDirectory = true
      let trees = try at(place) { () throws(Errno) in
        try folder.openDirectory(deviceTreeDirectory)
      }
      try layout.appendDeviceTrees(trees, "\(source)/dtb", deviceTreeDirectory, tree, path)
    }
    if let found = try file("\(source)/.vmlinuz.hmac", in: tree, path) {
      layout.items.append(Item(source: found, name: ".vmlinuz-\(version).hmac", isHashed: false))
    }
    return layout
  }

  /// Files and directories in one order, by the bytes of their names.
  private mutating func appendDeviceTrees(
    _ folder: borrowing FileDescriptor, _ source: String, _ name: String,
    _ tree: borrowing FileDescriptor, _ path: String
  ) throws(DeployError) {
    let entries = try at("\(path)/\(source)") { () throws(Errno) in try folder.sortedEntries() }
    for entry in entries {
      let (from, to) = ("\(source)/\(entry.name)", "\(name)/\(entry.name)")
      switch try KernelLayout.type(entry.name, folder, "\(path)/\(source)") {
      case .directory:
        let next = try at("\(path)/\(from)") { () throws(Errno) in
          try folder.openDirectory(entry.name)
        }
        try appendDeviceTrees(next, from, to, tree, path)
      default:
        guard let found = try KernelLayout.file(from, in: tree, path) else { continue }
        items.append(Item(source: found, name: to, isHashed: true))
      }
    }
  }

  /// Where the contents of a file lie that may be a symbolic link; nil if there is none. Links stay
  /// inside of the tree, whatever they say. libostree hashes what they lead to as well, but what it
  /// puts into `/boot` is the link.
  private static func file(
    _ source: String, in tree: borrowing FileDescriptor, _ path: String
  ) throws(DeployError) -> String? {
    try at("\(path)/\(source)") { () throws(Errno) -> String? in
      switch try tree.statusIfPresent(of: source)?.type {
      case .regular: return source
      case .symbolicLink: return try tree.fileBehindLink(source)
      default: return nil
      }
    }
  }
}

// MARK: usr/lib/ostree-boot and boot

extension KernelLayout {
  private static func findInBoot(
    _ tree: borrowing FileDescriptor, _ path: String
  ) throws(DeployError) -> KernelLayout? {
    for folder in ["usr/lib/ostree-boot", "boot"] {
      guard let directory = try open(folder, in: tree, path) else { continue }
      return try legacy(folder, directory, "\(path)/\(folder)")
    }
    return nil
  }

  private static func legacy(
    _ folder: String, _ directory: borrowing FileDescriptor, _ place: String
  ) throws(DeployError) -> KernelLayout? {
    let names = try at(place) { () throws(Errno) in try directory.entries() }.map { $0.name }
    func first(_ prefix: String) throws(DeployError) -> LegacyName? {
      for name in names where name.utf8.starts(with: prefix.utf8) {
        if try type(name, directory, place) != .regular { continue }
        guard let found = LegacyName(name) else { throw .kernelName(path: "\(place)/\(name)") }
        return found
      }
      return nil
    }
    guard let kernel = try first("vmlinuz-") else { return nil }
    var layout = KernelLayout()
    layout.namedChecksum = kernel.checksum
    layout.kernel = kernel.installed
    layout.append(kernel, folder)
    if let initramfs = try first("initramfs-") {
      guard initramfs.checksum == kernel.checksum else {
        throw .kernelMismatch(
          kernel: "\(place)/\(kernel.name)", initramfs: "\(place)/\(initramfs.name)")
      }
      layout.initramfs = initramfs.installed
      layout.append(initramfs, folder)
    }
    if let deviceTree = try first("devicetree-") {
      layout.deviceTree = deviceTree.installed
      layout.append(deviceTree, folder)
    }
    return layout
  }

  private mutating func append(_ file: LegacyName, _ folder: String) {
    items.append(Item(source: "\(folder)/\(file.name)", name: file.installed, isHashed: true))
  }

  private static func open(
    _ folder: String, in tree: borrowing FileDescriptor, _ path: String
  ) throws(DeployError) -> FileDescriptor? {
    try at("\(path)/\(folder)") { () throws(Errno) -> FileDescriptor? in
      do throws(Errno) { return try tree.openBeneath(folder, [.readOnly, .directory]) } catch {
        switch error {
        case .notFound, .notDirectory, .tooManySymbolicLinks: return nil
        default: throw error
        }
      }
    }
  }

  private static func type(
    _ name: String, _ folder: borrowing FileDescriptor, _ place: String
  ) throws(DeployError) -> FileType? {
    try at("\(place)/\(name)") { () throws(Errno) in try folder.statusIfPresent(of: name)?.type }
  }
}

/// `NAME-SHA256`, or `NAME-SHA256.img`, which is installed as `NAME` or `NAME.img`.
private struct LegacyName {
  let name: String
  let installed: String
  let checksum: Checksum

  init?(_ name: String) {
    var rest = name.utf8[...]
    let hasSuffix = rest.reversed().starts(with: "gmi.".utf8)
    if hasSuffix { rest = rest.dropLast(4) }
    guard let dash = rest.lastIndex(of: UInt8(ascii: "-")),
      let digits = String(rest[rest.index(after: dash)...]), let checksum = Checksum(hex: digits),
      let start = String(rest[..<dash])
    else { return nil }
    self.name = name
    self.checksum = checksum
    installed = hasSuffix ? "\(start).img" : start
  }
}
