// SPDX-License-Identifier: Apache-2.0
public import Cryptography
public import Linux

/// The checksum of a kernel with its initramfs and device trees: the SHA-256 of their contents one
/// after the other, in the order of `KernelLayout.items`, with no names or separators.
public enum BootChecksum {
  /// What deployments of this tree have in their paths in `/boot`: computed, or for older layouts
  /// what the file names say.
  public static func of(
    _ layout: KernelLayout, in tree: borrowing FileDescriptor, path: String
  ) throws(DeployError) -> Checksum {
    if let named = layout.namedChecksum { return named }
    return try contents(of: layout, in: tree, path: path)
  }

  /// Of the files of a tree.
  static func contents(
    of layout: KernelLayout, in tree: borrowing FileDescriptor, path: String
  ) throws(DeployError) -> Checksum {
    try hash(layout.items.filter { $0.isHashed }.map { $0.source }, in: tree, path)
  }

  /// Of the same files where they are installed, as the medium has them: they leave the page cache
  /// first.
  static func installedContents(
    of layout: KernelLayout, in folder: borrowing FileDescriptor, path: String
  ) throws(DeployError) -> Checksum {
    try hash(
      layout.items.filter { $0.isHashed }.map { $0.name }, in: folder, path, fromMedium: true)
  }

  private static func hash(
    _ names: [String], in folder: borrowing FileDescriptor, _ path: String,
    fromMedium: Bool = false
  ) throws(DeployError) -> Checksum {
    var hash = SHA256()
    var reader = FileHash()
    for name in names {
      do throws(Errno) {
        let file = try folder.openBeneath(name)
        if fromMedium { file.dropCache() }
        _ = try reader.update(&hash, with: file)
      } catch { throw .file(path: "\(path)/\(name)", error) }
    }
    return hash.finish()
  }
}
