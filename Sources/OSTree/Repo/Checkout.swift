// SPDX-License-Identifier: Apache-2.0
import Cryptography
import Linux

// From a commit to a tree of files.
//
// | repo | `.native` | `.user` |
// |---|---|---|
// | bare | hard links | copies |
// | bare-user | copies | hard links; symbolic links and unreadable files are copied |
// | bare-user-only | as `.user` | hard links; symbolic links and unreadable files are copied |
// | archive | copies | copies |
//
// ostree: `ostree_repo_checkout_at`, checked against ostree 2022.7.
extension Repo {
  /// Makes the tree of a commit as `name` in the directory `parent`.
  ///
  /// `name` must not exist. The tree is judged first, so that one without end is refused before
  /// anything is made; if something fails later, what was made is removed again. Until the end the
  /// top folder can be entered by its owner alone. Files that are copied and folders have the
  /// modification time 0. Not durable before the file system of `parent` is synced.
  ///
  /// Throws `exists`, `missing`, `corrupt`, `malformed`, `treeTooDeep`, `treeTooLarge`,
  /// `notLinkable` with `requiresHardLinks`, and `file` with the path from `name` on.
  public func checkout(
    _ commit: Checksum, at parent: borrowing FileDescriptor, name: String,
    options: CheckoutOptions = CheckoutOptions()
  ) throws(OSTreeError) -> CheckoutReport {
    let commit = try loadCommit(commit, verifying: true)
    let root = DirTree.Directory(name: name, tree: commit.rootTree, meta: commit.rootMeta)
    return try checkout(root, at: parent, options: options)
  }

  /// As above, of a folder within the tree of a commit. Throws also `noSuchPath`.
  public func checkout(
    _ commit: Checksum, subpath: String, at parent: borrowing FileDescriptor, name: String,
    options: CheckoutOptions = CheckoutOptions()
  ) throws(OSTreeError) -> CheckoutReport {
    let commit = try loadCommit(commit, verifying: true)
    var here = DirTree.Directory(name: name, tree: commit.rootTree, meta: commit.rootMeta)
    for part in subpath.split(separator: "/") where part != "." {
      let tree = try loadDirTree(here.tree, verifying: true)
      guard let next = tree.findDirectory(String(part)) else { throw .noSuchPath(subpath) }
      here = DirTree.Directory(name: name, tree: next.tree, meta: next.meta)
    }
    return try checkout(here, at: parent, options: options)
  }

  /// As above, of a folder that is known by its objects.
  public func checkout(
    _ root: DirTree.Directory, at parent: borrowing FileDescriptor,
    options: CheckoutOptions = CheckoutOptions()
  ) throws(OSTreeError) -> CheckoutReport {
    try checkLinkable(options)
    var survey = TreeSurvey()
    try survey.run(root.tree) { (checksum) throws(OSTreeError) in
      try loadDirTree(checksum, verifying: true)
    }
    do throws(Errno) { try parent.makeDirectory(root.name, mode: 0o700) } catch {
      throw error == .exists ? .exists(path: root.name) : .file(path: root.name, error)
    }
    do throws(OSTreeError) { return try CheckoutRun(self, options).fill(root, parent) } catch {
      _ = try? parent.removeTree(root.name)
      throw error
    }
  }

  /// Whether hard links can be had at all, where they are demanded.
  private func checkLinkable(_ options: CheckoutOptions) throws(OSTreeError) {
    guard options.requiresHardLinks, !objects.isLinkable(options.mode) else { return }
    throw .notLinkable(path: path, .notSupported)
  }
}

extension LooseObjects {
  /// Whether a file object is also what a checkout in this mode shows.
  func isLinkable(_ checkout: CheckoutMode) -> Bool {
    switch mode {
    case .archive: false
    case .bare: checkout == .native
    case .bareUser: checkout == .user
    case .bareUserOnly: true
    }
  }
}
