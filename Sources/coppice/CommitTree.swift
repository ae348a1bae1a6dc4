// SPDX-License-Identifier: Apache-2.0
import Cryptography
import Linux
import OSTree

/// The tree of a commit, to look something up in it by path.
struct CommitTree {
  /// What a name in a tree stands for.
  enum Entry {
    case file(Checksum)
    case directory(tree: Checksum, meta: Checksum)
  }

  let repo: Repo
  private let root: Entry

  init(_ repo: Repo, _ revision: String) throws(OSTreeError) {
    self.repo = repo
    let commit = try repo.loadCommit(try repo.resolve(revision))
    root = .directory(tree: commit.rootTree, meta: commit.rootMeta)
  }

  /// What `path` stands for; a symbolic link itself, and none on the way. The names are those of
  /// the path from the root. Throws `noSuchPath`.
  func entry(at path: String) throws(OSTreeError) -> (names: [String], entry: Entry) {
    var entry = root
    var names: [String] = []
    for part in path.split(separator: "/") where part != "." {
      guard case .directory(let checksum, _) = entry else { throw .noSuchPath(path) }
      let tree = try repo.loadDirTree(checksum)
      let name = String(part)
      if let found = tree.findDirectory(name) {
        entry = .directory(tree: found.tree, meta: found.meta)
      } else if let found = tree.findFile(name) {
        entry = .file(found)
      } else {
        throw .noSuchPath(path)
      }
      names.append(name)
    }
    return (names, entry)
  }

  /// As many as the kernel follows. path_resolution(7).
  private static let linksMax = 40

  /// The file object at `path`; symbolic links at its end are followed within the tree.
  func file(at path: String) throws(OSTreeError) -> Checksum {
    var current = path
    for _ in 0..<CommitTree.linksMax {
      let (names, entry) = try entry(at: current)
      guard case .file(let checksum) = entry else { throw .file(path: path, .isDirectory) }
      let header = try repo.openFile(checksum).header
      guard header.isSymlink else { return checksum }
      current = CommitTree.resolve(header.symlinkTarget, from: names.dropLast())
    }
    throw .noSuchPath(path)
  }

  /// The path that a link's target means in the folder that holds the link.
  private static func resolve(_ target: String, from folder: ArraySlice<String>) -> String {
    var names = target.utf8.first == UInt8(ascii: "/") ? [] : Array(folder)
    for part in target.split(separator: "/") {
      if part == ".." { _ = names.popLast() } else if part != "." { names.append(String(part)) }
    }
    return names.joined(separator: "/")
  }
}
