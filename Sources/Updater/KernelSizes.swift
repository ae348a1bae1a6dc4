// SPDX-License-Identifier: Apache-2.0
import Cryptography
import OSTree

/// How large the files are that a commit puts into `/boot`, as far as that is known while they are
/// still on the server: from its folders, which a plan has fetched, and from `ostree.sizes`.
struct KernelSizes {
  private let staging: Staging
  /// Kernel, initramfs, device trees.
  private var files: [Checksum] = []
  private var sizes: [UInt64?] = []

  /// `replacing` is the commit whose kernel is installed; one that is the same takes no room. The
  /// commit and its folders must have been fetched.
  init(
    _ name: Checksum, replacing old: Checksum?, _ repo: Repo
  ) throws(UpdaterError) {
    let staging = try inRepo { () throws(OSTreeError) in try repo.stage() }
    let commit = try inRepo { () throws(OSTreeError) in
      // As with `tree`: another run has left it.
      _ = try staging.contains(ObjectName(name, .commit))
      return try staging.loadCommit(name)
    }
    self.staging = staging
    files = try kernelFiles(below: commit.rootTree)
    if let old, try contains(old, .commit) {
      let root = try inRepo { () throws(OSTreeError) in try repo.loadCommit(old) }.rootTree
      if try contains(root, .dirTree), try kernelFiles(below: root) == files {
        files = []
        return
      }
    }
    sizes = [UInt64?](repeating: nil, count: files.count)
    for (index, file) in files.enumerated() where try contains(file, .file) {
      sizes[index] = try? repo.openFile(file).sizeBytes
    }
    if let promised = commit.sizes { addSizes(promised) }
  }

  /// In whole blocks, with one for each name; nil unless every size is known.
  func bytes(inBlocksOf blockBytes: UInt64) -> UInt64? {
    var sum: UInt64 = 0
    for size in sizes {
      guard let size else { return nil }
      let blocks = size / blockBytes + 2
      let (bytes, overflows) = blocks.multipliedReportingOverflow(by: blockBytes)
      if overflows { return nil }
      sum = sum.addingReportingOverflow(bytes).partialValue
    }
    return files.isEmpty || !sizes.isEmpty ? sum : nil
  }

  private mutating func addSizes(_ promised: ObjectSizes) {
    for index in 0..<promised.count {
      // A list that cannot be read promises nothing.
      guard let size = try? promised.size(at: index) else { return }
      guard size.name.type == .file else { continue }
      for (position, file) in files.enumerated() where file == size.name.checksum {
        sizes[position] = sizes[position] ?? size.unpackedBytes
      }
    }
  }

  private func contains(
    _ checksum: Checksum, _ type: ObjectType
  ) throws(UpdaterError) -> Bool {
    try inRepo { () throws(OSTreeError) in try staging.contains(ObjectName(checksum, type)) }
  }

  /// What the plan has fetched is there once it was asked for: it was left by another run.
  private func tree(_ checksum: Checksum) throws(UpdaterError) -> DirTree {
    try inRepo { () throws(OSTreeError) in
      _ = try staging.contains(ObjectName(checksum, .dirTree))
      return try staging.loadDirTree(checksum)
    }
  }

  private func folder(
    _ path: [String], below root: Checksum
  ) throws(UpdaterError) -> DirTree? {
    var tree = try tree(root)
    for name in path {
      guard let found = tree.findDirectory(name) else { return nil }
      tree = try self.tree(found.tree)
    }
    return tree
  }

  /// Where OSTree looks for a kernel: `usr/lib/modules/KVER`, else the older places.
  private func kernelFiles(below root: Checksum) throws(UpdaterError) -> [Checksum] {
    if let modules = try folder(["usr", "lib", "modules"], below: root) {
      for index in 0..<modules.directoryCount {
        let version = try tree(modules.directory(at: index).tree)
        guard let kernel = version.findFile("vmlinuz") else { continue }
        var files = [kernel]
        for name in ["initramfs.img", "initramfs", "devicetree"] {
          if let file = version.findFile(name) { files.append(file) }
        }
        if let deviceTrees = version.findDirectory("dtb") {
          try collect(deviceTrees.tree, &files)
        }
        return files
      }
    }
    for path in [["usr", "lib", "ostree-boot"], ["boot"]] {
      guard let tree = try folder(path, below: root) else { continue }
      var files: [Checksum] = []
      for index in 0..<tree.fileCount {
        let file = tree.file(at: index)
        for prefix in ["vmlinuz-", "initramfs-", "devicetree-"]
        where file.name.utf8.starts(with: prefix.utf8) {
          files.append(file.checksum)
        }
      }
      return files
    }
    return []
  }

  /// Device trees of all boards of an architecture are about 1,500. What a hostile tree has more is
  /// left out, and deploying it will say how much room it lacks.
  private static let filesMax = 4096

  private func collect(_ root: Checksum, _ files: inout [Checksum]) throws(UpdaterError) {
    var folders = [root]
    var next = 0
    while next < folders.count, folders.count + files.count <= KernelSizes.filesMax {
      let tree = try tree(folders[next])
      next += 1
      for index in 0..<tree.fileCount { files.append(tree.fileChecksum(at: index)) }
      for index in 0..<tree.directoryCount { folders.append(tree.directory(at: index).tree) }
    }
  }
}
