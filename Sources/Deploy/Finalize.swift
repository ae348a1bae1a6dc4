// SPDX-License-Identifier: Apache-2.0
public import Linux

/// How the second merge of a deployment's /etc ended.
public enum Finalization: Hashable, Sendable {
  /// There was none to do.
  case notPending
  /// /etc now has what the source had at shutdown.
  case merged(EtcMerge)
  /// It was done by an earlier boot that was cut off, or has only now been cleared up.
  case wasMerged
  /// The /etc of deploy time stands.
  case failed(DeployError)
  /// It was not tried, and the /etc of deploy time stands. The reason is for people.
  case abandoned(because: String)
}

/// The deployment that the kernel command line names, before its file systems are in place.
public struct BootedDeployment: Hashable, Sendable {
  public let stateroot: String
  /// `COMMIT.SERIAL`.
  public let name: String

  /// Relative to `SYSROOT/ostree`.
  var folder: String { "deploy/\(stateroot)/deploy/\(name)" }

  /// Relative to the sysroot, as is the stateroot's folder.
  public var path: String { "ostree/\(folder)" }
  public var stateFolder: String { "ostree/deploy/\(stateroot)" }

  /// Behind `ostree=/ostree/boot.B/STATEROOT/BOOTCSUM/INDEX`. Throws `strangeBootLink`.
  public init(
    behind link: String, in sysroot: borrowing FileDescriptor
  ) throws(DeployError) {
    let parts = link.utf8.split(separator: UInt8(ascii: "/")).compactMap { String($0) }
    guard parts.count == 5, same(parts[0], "ostree"),
      let target = BootedDeployment.target(link, sysroot)
    else { throw .strangeBootLink(link) }
    // ../../../deploy/STATEROOT/deploy/COMMIT.SERIAL
    let names = target.utf8.split(separator: UInt8(ascii: "/")).compactMap { String($0) }
    guard names.count == 7, names.prefix(3).allSatisfy({ same($0, "..") }),
      same(names[3], "deploy"), same(names[4], parts[2]), same(names[5], "deploy"),
      DeploymentName(names[6]) != nil
    else { throw .strangeBootLink(link) }
    stateroot = names[4]
    name = names[6]
  }

  /// Whether this process has its directory for `/`.
  public func isRoot(
    in sysroot: borrowing FileDescriptor, path: String
  ) throws(DeployError) -> Bool {
    try at("\(Sysroot.prefix(path))/ostree/\(folder)") { () throws(Errno) in
      let root = try FileDescriptor.status(of: "/")
      return try sysroot.openDirectory("ostree").statusIfPresent(of: folder)?
        .isSameFile(as: root) ?? false
    }
  }

  private static func target(_ link: String, _ sysroot: borrowing FileDescriptor) -> String? {
    guard let relative = String(link.utf8.drop { $0 == UInt8(ascii: "/") }) else { return nil }
    return try? sysroot.symbolicLinkTarget(of: relative)
  }
}

/// Merges the /etc of a deployment once more, with what its source has had at shutdown: nothing
/// runs from either yet, so that no change is missed.
///
/// The new /etc is made beside the old one and takes its place in one step. Power may go at any
/// time: the next boot does what is missing. The source is only read.
public struct EtcFinalizer: ~Copyable {
  private let store: FileDescriptor
  /// `SYSROOT/ostree`, for errors.
  private let path: String
  private let deployment: BootedDeployment

  private static let fresh = "etc.new"

  /// `sysroot` is the physical root, mounted for writing; `path` names it in errors.
  public init(
    _ deployment: BootedDeployment, in sysroot: borrowing FileDescriptor, path: String
  ) throws(DeployError) {
    let place = "\(Sysroot.prefix(path))/ostree"
    store = try at(place) { () throws(Errno) in try sysroot.openDirectory("ostree") }
    self.path = place
    self.deployment = deployment
  }

  /// Whether there is something to do, for which the file system must be writable.
  public func isPending() -> Bool {
    let found = try? PendingMerge.read(
      deployment.stateroot, deployment.name, in: store, path: path)
    return found.map { $0.failure == nil } ?? false
  }

  /// Does it, if there is a record that it is to be done. Durable when it returns.
  ///
  /// A failure is put into the record, in the words of `describe`, and never tried again: the
  /// system that boots now may change its /etc. Throws only if not even that could be written.
  public func run(
    describe: (DeployError) -> String
  ) throws(DeployError) -> Finalization {
    let pending: PendingMerge
    do throws(DeployError) {
      guard
        let found = try PendingMerge.read(
          deployment.stateroot, deployment.name, in: store, path: path)
      else { return .notPending }
      pending = found
    } catch {
      if case .strangePending = error { return .failed(error) }
      throw error
    }
    if pending.failure != nil { return .notPending }
    do throws(DeployError) {
      let tree = try openTree(deployment.name)
      let etc = try at(place("etc")) { () throws(Errno) in try tree.status(of: "etc") }
      if etc.inode != pending.etcInode {
        try clear(tree)
        return .wasMerged
      }
      return .merged(try merge(pending, tree))
    } catch {
      try giveUp(pending, because: describe(error))
      return .failed(error)
    }
  }

  /// Leaves the /etc of deploy time in force, for this reason.
  public func abandon(because reason: String) throws(DeployError) -> Finalization {
    guard
      let pending = try PendingMerge.read(
        deployment.stateroot, deployment.name, in: store, path: path), pending.failure == nil
    else { return .notPending }
    try giveUp(pending, because: reason)
    return .abandoned(because: reason)
  }

  private func place(_ name: String) -> String { "\(path)/\(deployment.folder)/\(name)" }

  private func openTree(_ name: String) throws(DeployError) -> FileDescriptor {
    let folder = "deploy/\(deployment.stateroot)/deploy/\(name)"
    return try at("\(path)/\(folder)") { () throws(Errno) in
      try store.openBeneath(folder, [.readOnly, .directory])
    }
  }

  private func merge(
    _ pending: PendingMerge, _ tree: borrowing FileDescriptor
  ) throws(DeployError) -> EtcMerge {
    let sourcePath = "\(path)/deploy/\(deployment.stateroot)/deploy/\(pending.source)"
    let source: FileDescriptor
    do throws(DeployError) { source = try openTree(pending.source) } catch {
      throw error.isNotFound ? .noMergeSource(path: sourcePath) : error
    }
    let fresh = EtcFinalizer.fresh
    try at(place(fresh)) { () throws(Errno) in
      try DeploymentTree.setImmutable(tree, false)
      try tree.removeTree(fresh)  // Of an attempt that was cut off.
      let usr = try tree.openDirectory("usr")
      _ = try EtcCopy.run("etc", in: usr, to: fresh, in: tree, times: .now)
    }
    let new = try at(place(fresh)) { () throws(Errno) in try tree.openDirectory(fresh) }
    let merged = try EtcMerge.run(
      from: source, path: sourcePath, into: new, newPath: place(fresh))
    guard let merged else { throw .noMergeSource(path: sourcePath) }
    try at(place(fresh)) { () throws(Errno) in
      try new.unlinkIfPresent(".updated")
      try tree.syncFileSystem()
      try tree.exchange(fresh, with: "etc")
      try tree.sync()
    }
    try clear(tree)
    return merged
  }

  /// The exchange is durable: what it put aside goes, and the record last.
  private func clear(_ tree: borrowing FileDescriptor) throws(DeployError) {
    try at(place(EtcFinalizer.fresh)) { () throws(Errno) in
      try DeploymentTree.setImmutable(tree, false)
      try tree.removeTree(EtcFinalizer.fresh)
      try DeploymentTree.setImmutable(tree, true)
    }
    try PendingMerge.remove(deployment.stateroot, deployment.name, in: store, path: path)
  }

  private func giveUp(_ pending: PendingMerge, because reason: String) throws(DeployError) {
    // First, since it is what keeps the next boot from trying again.
    var pending = pending
    pending.failure = reason
    do throws(DeployError) {
      try pending.write(deployment.stateroot, deployment.name, in: store, path: path)
    } catch {
      // Where there is no room for words, there may be for none.
      try PendingMerge.remove(deployment.stateroot, deployment.name, in: store, path: path)
    }
    guard let tree = try? openTree(deployment.name) else { return }
    _ = try? tree.removeTree(EtcFinalizer.fresh)
    _ = try? DeploymentTree.setImmutable(tree, true)
  }
}
