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
    let run = CheckoutRun(self, options)
    do throws(Errno) { try parent.makeDirectory(root.name, mode: 0o700) } catch {
      throw error == .exists ? .exists(path: root.name) : .file(path: root.name, error)
    }
    do throws(OSTreeError) { try run.fill(root, parent) } catch {
      _ = try? parent.removeTree(root.name)
      throw error
    }
    return run.report
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

/// One checkout under way. Open files: one for each level of folders.
private final class CheckoutRun {
  private let repo: Repo
  private let options: CheckoutOptions
  /// Whether folders and copies get no owner: asked for, or never stored.
  private let isUser: Bool
  private var files: CheckoutFiles
  /// Many folders share few of these.
  private var metas: [Checksum: DirMeta] = [:]
  private var directories: UInt64 = 0

  /// More distinct ones than any honest tree has; then the collection starts again.
  private static let metasMax = 1024

  /// A folder that is being filled.
  private final class Level {
    let directory: FileDescriptor
    let tree: DirTree
    let meta: Checksum
    let path: String
    var nextDirectory = 0

    init(
      _ directory: consuming FileDescriptor, _ tree: DirTree, meta: Checksum, path: String
    ) {
      self.directory = directory
      self.tree = tree
      self.meta = meta
      self.path = path
    }
  }

  init(_ repo: Repo, _ options: CheckoutOptions) {
    self.repo = repo
    self.options = options
    isUser = options.mode == .user || repo.mode == .bareUserOnly
    files = CheckoutFiles(repo, options)
  }

  var report: CheckoutReport {
    var report = files.report
    report.directories = directories
    return report
  }

  /// Fills the folder `root.name`, which was made, from the top down; each gets its owner, mode
  /// and time when all is in it.
  func fill(_ root: DirTree.Directory, _ parent: borrowing FileDescriptor) throws(OSTreeError) {
    var levels = [try open(root, in: parent, path: root.name)]
    try fillFiles(levels[0])
    while let level = levels.last {
      guard level.nextDirectory < level.tree.directoryCount else {
        try seal(level)
        levels.removeLast()
        continue
      }
      let child = level.tree.directory(at: level.nextDirectory)
      level.nextDirectory += 1
      let path = "\(level.path)/\(child.name)"
      try naming(path) { () throws(Errno) in
        try level.directory.makeDirectory(child.name, mode: 0o700)
      }
      let next = try open(child, in: level.directory, path: path)
      try fillFiles(next)
      levels.append(next)
    }
  }

  private func open(
    _ child: DirTree.Directory, in parent: borrowing FileDescriptor, path: String
  ) throws(OSTreeError) -> Level {
    let tree = try repo.loadDirTree(child.tree, verifying: true)
    do throws(Errno) {
      let directory = try parent.openDirectory(child.name)
      return Level(directory, tree, meta: child.meta, path: path)
    } catch { throw .file(path: path, error) }
  }

  private func fillFiles(_ level: Level) throws(OSTreeError) {
    for index in 0..<level.tree.fileCount {
      try files.place(level.tree.file(at: index), in: level.directory, path: level.path)
    }
  }

  private func seal(_ level: Level) throws(OSTreeError) {
    let meta = try load(level.meta)
    directories += 1
    // A repo that keeps no owners keeps folders that others can enter from being written by all.
    let mode = repo.mode == .bareUserOnly ? meta.mode & 0o775 : meta.mode
    try naming(level.path) { () throws(Errno) in
      if !isUser {
        try level.directory.setOwner(uid: meta.uid, gid: meta.gid)
        for attribute in meta.xattrs {
          try level.directory.setExtendedAttribute(attribute.name, attribute.value)
        }
      }
      try level.directory.setMode(mode)
      try level.directory.setTimes(seconds: 0)
    }
  }

  private func load(_ checksum: Checksum) throws(OSTreeError) -> DirMeta {
    if let meta = metas[checksum] { return meta }
    let meta = try repo.loadDirMeta(checksum, verifying: true)
    if metas.count >= CheckoutRun.metasMax { metas = [:] }
    metas[checksum] = meta
    return meta
  }
}
