// SPDX-License-Identifier: Apache-2.0
import Linux
public import OSTree

extension Sysroot {
  /// Makes an OSTree sysroot at `path`: `boot`, `ostree/repo`, `ostree/deploy` and a stateroot.
  /// What is there stays as it is. Durable when it returns.
  ///
  /// As `ostree admin init-fs --modern` and `ostree admin stateroot-init`; a stateroot's /var is
  /// filled by the first deployment. Throws `invalidStateroot`.
  public static func initialise(
    _ path: String, stateroot: String, mode: RepoMode = .bare,
    environment: SysrootEnvironment = .running
  ) throws(DeployError) -> Sysroot {
    guard Stateroot.isGoodName(stateroot) else { throw .invalidStateroot(stateroot) }
    let prefix = Sysroot.prefix(path)
    try at(path) { () throws(Errno) in
      try FileDescriptor.openDirectory(".").makeDirectories(path)
      let root = try FileDescriptor.openDirectory(path)
      try root.makeDirectories("boot")
      try root.makeDirectories("ostree/deploy")
    }
    let repoPath = "\(prefix)/ostree/repo"
    let hasRepo = try at(repoPath) { () throws(Errno) in
      try FileDescriptor.openDirectory(path).contains("ostree/repo/config")
    }
    if !hasRepo {
      _ = try inRepo { () throws(OSTreeError) in try Repo.create(repoPath, mode: mode) }
    }
    let sysroot = try Sysroot.open(path, environment: environment)
    try sysroot.makeStateroot(stateroot)
    return sysroot
  }

  /// Makes an empty stateroot; nothing to do if it is there. Durable when it returns.
  public func makeStateroot(_ name: String) throws(DeployError) {
    guard Stateroot.isGoodName(name) else { throw .invalidStateroot(name) }
    try at(place("deploy/\(name)/var")) { () throws(Errno) in
      try store.makeDirectories("deploy/\(name)/var")
      try store.syncFileSystem()
    }
  }
}
