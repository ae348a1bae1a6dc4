// SPDX-License-Identifier: Apache-2.0
import Codec
import Linux

/// That the /etc of a deployment is to be merged once more when it boots for the first time, with
/// what its source has at shutdown: the file `ostree/coppice/pending/STATEROOT/COMMIT.SERIAL`.
/// ```
/// [pending]
/// version=1
/// source=COMMIT.SERIAL     whose changes are carried over, of the same stateroot
/// etc=1234                 inode of the /etc of deploy time: with another one the merge is done
/// failed=TEXT              the merge was tried in vain: the /etc of deploy time stands
/// ```
/// It goes when the merge is done. Made by `deploy`, read by `finalize` in the initramfs, which may
/// be of another version: what is not understood is never acted upon.
struct PendingMerge: Hashable, Sendable {
  /// `COMMIT.SERIAL`.
  let source: String
  let etcInode: UInt64
  /// For people; nil while nobody has tried.
  var failure: String?

  static let folder = "coppice/pending"
  private static let group = "pending"
  private static let version: Int64 = 1
  private static let bytesMax = 16 << 10
  /// A reason is one line for a console.
  private static let failureBytesMax = 1000

  init(source: String, etcInode: UInt64) {
    self.source = source
    self.etcInode = etcInode
  }

  static func file(_ stateroot: String, _ name: String) -> String {
    "\(folder)/\(stateroot)/\(name)"
  }

  /// Nil if there is none. `store` is `SYSROOT/ostree`, which `path` names in errors. Throws
  /// `strangePending` for one that is damaged, or that a newer coppice made.
  static func read(
    _ stateroot: String, _ name: String, in store: borrowing FileDescriptor, path: String
  ) throws(DeployError) -> PendingMerge? {
    let file = file(stateroot, name)
    let text = try at("\(path)/\(file)") { () throws(Errno) -> [UInt8]? in
      do throws(Errno) { return try store.openBeneath(file).readAll(limit: bytesMax) } catch {
        if error == .notFound || error == .notDirectory { return nil }
        throw error
      }
    }
    guard let text else { return nil }
    guard let keyfile = try? Keyfile(parsing: text),
      (try? keyfile.integer(group, "version")) == version,
      let source = keyfile.string(group, "source"), DeploymentName(source) != nil,
      let inode = keyfile.string(group, "etc").flatMap({ UInt64($0) })
    else { throw .strangePending(path: "\(path)/\(file)") }
    var pending = PendingMerge(source: source, etcInode: inode)
    pending.failure = keyfile.string(group, "failed")
    return pending
  }

  /// Durable when it returns.
  func write(
    _ stateroot: String, _ name: String, in store: borrowing FileDescriptor, path: String
  ) throws(DeployError) {
    var keyfile = Keyfile()
    keyfile.set(PendingMerge.group, "version", to: String(PendingMerge.version))
    keyfile.set(PendingMerge.group, "source", to: source)
    keyfile.set(PendingMerge.group, "etc", to: String(etcInode))
    if let failure {
      let line = failure.utf8.prefix(PendingMerge.failureBytesMax)
      keyfile.set(
        PendingMerge.group, "failed", to: String(decoding: line, as: UTF8.self))
    }
    let folder = "\(PendingMerge.folder)/\(stateroot)"
    try at("\(path)/\(folder)/\(name)") { () throws(Errno) in
      try store.makeDirectories(folder)
      for parent in [".", "coppice", PendingMerge.folder] {
        try store.open(parent, [.readOnly, .directory]).sync()
      }
      try store.openBeneath(folder, [.readOnly, .directory])
        .replaceFile(name, with: keyfile.serialized())
    }
  }

  /// Durable when it returns; nothing happens if there is none.
  static func remove(
    _ stateroot: String, _ name: String, in store: borrowing FileDescriptor, path: String
  ) throws(DeployError) {
    let folder = "\(PendingMerge.folder)/\(stateroot)"
    try at("\(path)/\(folder)/\(name)") { () throws(Errno) in
      guard try store.contains(folder) else { return }
      let directory = try store.openBeneath(folder, [.readOnly, .directory])
      if try directory.unlinkIfPresent(name) { try directory.sync() }
    }
  }
}
