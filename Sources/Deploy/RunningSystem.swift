// SPDX-License-Identifier: Apache-2.0
import Boot
import Codec
import Linux
import OSTree

// What the running system says: which deployment is booted, and what libostree has staged. Never
// taken from what a link or a boot loader's store says should have booted.
extension Sysroot {
  private static let runFileBytesMax = 1 << 20

  /// The deployment whose directory is the running system's `/`.
  func bootedIndex(among deployments: [Deployment]) throws(DeployError) -> Int? {
    let booted = try bootedDirectory()
    for (index, deployment) in deployments.enumerated() {
      let status = try at(place(deployment.folder)) { () throws(Errno) in
        try store.statusIfPresent(of: deployment.folder)
      }
      if let status, booted.isDirectory(status) { return index }
    }
    return nil
  }

  /// A deployment runs from this sysroot, and no boot entry leads to it: this is not the `/boot`
  /// that it was started from, which may just not be mounted. What was made of such a state would
  /// not boot, and everything that the right `/boot` names would be cleaned away.
  func refuseUnlistedBooted() throws(DeployError) {
    let booted = try bootedDirectory()
    for stateroot in try stateroots() {
      let folder = "deploy/\(stateroot)/deploy"
      for name in try deploymentNames(in: folder) {
        let status = try at(place("\(folder)/\(name)")) { () throws(Errno) in
          try store.statusIfPresent(of: "\(folder)/\(name)")
        }
        if let status, booted.isDirectory(status) {
          throw .bootedNotListed(path: place("\(folder)/\(name)"), boot: boot.path)
        }
      }
    }
  }

  /// Device and inode of the directory that is the running system's `/`. With composefs or another
  /// overlay `/` is not the directory itself; then `/run/ostree-booted` names it.
  func bootedDirectory() throws(DeployError) -> BootedDirectory {
    let path = "\(environment.run)/ostree-booted"
    if let bytes = try readIfPresent(path), !bytes.isEmpty {
      let value: GVariant
      do throws(GVariantError) { value = try GVariant(bytes, type: "a{sv}") } catch {
        throw .strangeRunFile(path: path)
      }
      if let pair = value.lookup("backing-root-device-inode", type: "(tt)") {
        return BootedDirectory(device: pair[0].uint64, inode: pair[1].uint64)
      }
    }
    let status = try at(environment.root) { () throws(Errno) in
      try FileDescriptor.status(of: environment.root)
    }
    return BootedDirectory(device: status.device, inode: status.inode)
  }

  private var stagedPath: String { "\(environment.run)/ostree/staged-deployment" }

  /// What libostree has staged, or nil.
  func staged() throws(DeployError) -> StagedDeployment? {
    guard let bytes = try readIfPresent(stagedPath) else { return nil }
    do throws(FormatError) { return try StagedDeployment(parsing: bytes) } catch {
      throw .strangeRunFile(path: stagedPath)
    }
  }

  /// Takes back what libostree has staged: its service then finds nothing to finish when the
  /// machine goes down. The directory goes with the next cleanup. It lies in memory: nothing to
  /// make durable.
  func dropStaged() throws(DeployError) {
    let folder = "\(environment.run)/ostree"
    try at(stagedPath) { () throws(Errno) in
      do throws(Errno) {
        let directory = try FileDescriptor.openDirectory(folder)
        try directory.unlinkIfPresent("staged-deployment")
        try directory.unlinkIfPresent("staged-deployment-locked")
      } catch {
        if error != .notFound { throw error }
      }
    }
  }

  private func readIfPresent(_ path: String) throws(DeployError) -> [UInt8]? {
    try at(path) { () throws(Errno) -> [UInt8]? in
      do throws(Errno) {
        return try FileDescriptor.open(path).readAll(limit: Sysroot.runFileBytesMax)
      } catch {
        if error == .notFound || error == .notDirectory { return nil }
        throw error
      }
    }
  }
}

/// The directory of the deployment that runs.
struct BootedDirectory: Hashable {
  let device: UInt64
  let inode: UInt64

  func isDirectory(_ status: FileStatus) -> Bool {
    status.device == device && status.inode == inode
  }
}
