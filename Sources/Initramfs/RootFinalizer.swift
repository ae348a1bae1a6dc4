// SPDX-License-Identifier: Apache-2.0
public import Deploy
import Linux

/// Merges /etc once more on the physical root, as it is mounted in an initramfs, if deploy left
/// that to the boot and nothing speaks against it. The root is writable for that time alone where
/// it was mounted read-only.
public struct RootFinalizer {
  private let root: String
  private let options: BootOptions
  private let superblock: Superblock?

  /// `root` is where the physical root is mounted. Looks at its superblock, if that can be found.
  public init(root: String, _ options: BootOptions) {
    let status = try? FileDescriptor.status(of: root)
    let search = status.map {
      RootDeviceSearch(.number(major: $0.deviceMajor, minor: $0.deviceMinor))
    }
    self.init(root: root, options, superblock: (try? search?.look())?.superblock)
  }

  init(root: String, _ options: BootOptions, superblock: Superblock?) {
    self.root = root
    self.options = options
    self.superblock = superblock
  }

  /// Durable when it returns. Whatever became of it, the deployment can be booted.
  ///
  /// `describe` gives the words for the record of a merge that failed. Throws only if not even that
  /// could be written, or the root cannot be made writable.
  public func run(
    _ deployment: BootedDeployment, describe: (DeployError) -> String
  ) throws(InitramfsError) -> Finalization {
    let directory = try at(root) { () throws(Errno) in try FileDescriptor.openDirectory(root) }
    let isReadOnly = try at(root) { () throws(Errno) in
      try directory.fileSystemStatus().isReadOnly
    }
    let finalizer = try inDeploy { () throws(DeployError) in
      try EtcFinalizer(deployment, in: directory, path: root)
    }
    if !finalizer.isPending() { return .notPending }
    if isReadOnly { try remount([]) }
    defer { if isReadOnly { try? remount(.readOnly) } }
    return try inDeploy { () throws(DeployError) in
      if let reason = reasonAgainst { return try finalizer.abandon(because: reason) }
      return try finalizer.run(describe: describe)
    }
  }

  /// Why the /etc of deploy time is to stand. For people, in the record and in `status`.
  private var reasonAgainst: String? {
    if !options.finalizes { return "coppice.finalize=0" }
    return superblock?.hasErrors == true ? "the file system has errors" : nil
  }

  private func remount(_ options: Mount.Options) throws(InitramfsError) {
    do throws(Errno) {
      try Mount.mount(nil, on: root, options: options.union([.remount, .silent]))
    } catch { throw .mountFailed(source: root, place: root, type: "none", error) }
  }
}
