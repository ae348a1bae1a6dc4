// SPDX-License-Identifier: Apache-2.0
import OSTree

extension FuzzTarget {
  static let objectTargets = [
    FuzzTarget(name: "dirtree") { bytes in
      guard let tree = try? DirTree(parsing: bytes) else { return }
      for index in 0..<tree.fileCount {
        require(tree.findFile(tree.file(at: index).name) != nil, "a file is found by its name")
      }
      for index in 0..<tree.directoryCount {
        _ = tree.findDirectory(tree.directory(at: index).name)
      }
    },
    FuzzTarget(name: "commit") { bytes in
      guard let commit = try? Commit(parsing: bytes) else { return }
      _ = (commit.version, commit.isBootable, commit.contentChecksum, commit.endOfLife)
      for index in 0..<(commit.sizes?.count ?? 0) { _ = try? commit.sizes?.size(at: index) }
    },
    FuzzTarget(name: "summary") { bytes in
      guard let summary = try? Summary(parsing: bytes) else { return }
      for index in 0..<summary.refs.count {
        require(
          summary.lookup(summary.refs.ref(at: index).name) != nil, "a ref is found by its name")
      }
      for index in 0..<(summary.deltas?.count ?? 0) { _ = try? summary.deltas?.entry(at: index) }
    },
  ]
}
