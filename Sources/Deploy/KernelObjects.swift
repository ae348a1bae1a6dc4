// SPDX-License-Identifier: Apache-2.0
import Cryptography
import Linux
import OSTree

/// Proves that the kernel of a tree is the one that was committed: what is hard-linked into `/boot`
/// is what lies in the repo, damage included.
enum KernelObjects {
  /// Hashes the objects behind the files that go to `/boot`. Throws `ostree` with `corrupt`.
  static func verify(
    _ layout: KernelLayout, of commit: Checksum, in repo: Repo
  ) throws(DeployError) {
    try inRepo { () throws(OSTreeError) in
      let root = try repo.loadCommit(commit).rootTree
      var hash = FileHash()
      for item in layout.items {
        guard let object = try find(item.source, below: root, in: repo) else { continue }
        try repo.verify(ObjectName(object, .file), &hash)
      }
    }
  }

  /// The object of a file in a tree; nil if the tree has it not.
  private static func find(
    _ path: String, below root: Checksum, in repo: Repo
  ) throws(OSTreeError) -> Checksum? {
    var names = path.utf8.split(separator: UInt8(ascii: "/")).compactMap { String($0) }
    guard let last = names.popLast() else { return nil }
    var tree = try repo.loadDirTree(root)
    for name in names {
      guard let folder = tree.findDirectory(name) else { return nil }
      tree = try repo.loadDirTree(folder.tree)
    }
    return tree.findFile(last)
  }
}
