// SPDX-License-Identifier: Apache-2.0
import Cryptography
import OSTree

/// Which files differ between two commits, as `ostree diff` tells: a folder that is gone stands for
/// all in it, one that is new is followed by all in it, and what became a folder, or no longer is
/// one, is modified.
struct CommitDiff {
  private(set) var modified: [String] = []
  private(set) var removed: [String] = []
  private(set) var added: [String] = []
  private let repo: Repo

  /// libostree's `OSTREE_MAX_RECURSION`.
  private static let depthMax = 256

  init(_ repo: Repo, from old: Checksum, to new: Checksum) throws(OSTreeError) {
    self.repo = repo
    try compare(
      try repo.loadCommit(old).rootTree, try repo.loadCommit(new).rootTree, "", depth: 0)
  }

  private mutating func compare(
    _ old: Checksum, _ new: Checksum, _ path: String, depth: Int
  ) throws(OSTreeError) {
    if old == new { return }
    let (before, after) = (try load(old, depth), try load(new, depth))
    for index in 0..<before.fileCount {
      let file = before.file(at: index)
      if let found = after.findFile(file.name) {
        if found != file.checksum { modified.append("\(path)/\(file.name)") }
      } else if after.findDirectory(file.name) != nil {
        modified.append("\(path)/\(file.name)")
      } else {
        removed.append("\(path)/\(file.name)")
      }
    }
    for index in 0..<before.directoryCount {
      let folder = before.directory(at: index)
      let full = "\(path)/\(folder.name)"
      if let found = after.findDirectory(folder.name) {
        if found.meta != folder.meta { modified.append(full) }
        try compare(folder.tree, found.tree, full, depth: depth + 1)
      } else if after.findFile(folder.name) != nil {
        modified.append(full)
      } else {
        removed.append(full)
      }
    }
    try addNew(in: after, but: before, path, depth)
  }

  private mutating func addNew(
    in after: DirTree, but before: DirTree?, _ path: String, _ depth: Int
  ) throws(OSTreeError) {
    func isNew(_ name: String) -> Bool {
      guard let before else { return true }
      return before.findFile(name) == nil && before.findDirectory(name) == nil
    }
    for index in 0..<after.fileCount {
      let name = after.file(at: index).name
      if isNew(name) { added.append("\(path)/\(name)") }
    }
    for index in 0..<after.directoryCount {
      let folder = after.directory(at: index)
      guard isNew(folder.name) else { continue }
      added.append("\(path)/\(folder.name)")
      let content = try load(folder.tree, depth + 1)
      try addNew(in: content, but: nil, "\(path)/\(folder.name)", depth + 1)
    }
  }

  private func load(_ tree: Checksum, _ depth: Int) throws(OSTreeError) -> DirTree {
    guard depth < CommitDiff.depthMax else {
      throw .treeTooDeep(ObjectName(tree, .dirTree), limit: CommitDiff.depthMax)
    }
    return try repo.loadDirTree(tree)
  }
}
