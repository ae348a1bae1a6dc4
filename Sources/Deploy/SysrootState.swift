// SPDX-License-Identifier: Apache-2.0
public import Boot
import Cryptography
import Linux
public import OSTree

/// The deployments of a sysroot at one moment.
public struct SysrootState: Sendable {
  /// The set of boot entries in force; nil on a sysroot that has none yet.
  public let bootVersion: BootVersion?
  /// The M of `boot.B -> boot.B.M`.
  public let linkVersion: BootVersion
  /// In boot order: the first boots next.
  public let deployments: [Deployment]
  /// Which of them is running.
  public let bootedIndex: Int?
  /// What libostree will finish when the machine goes down, unless something else is deployed.
  public let staged: StagedDeployment?

  public var booted: Deployment? { bootedIndex.map { deployments[$0] } }

  /// Whether there are deployments of more than one stateroot, which titles then tell apart.
  var hasSeveralStateroots: Bool {
    deployments.contains { !same($0.stateroot, deployments[0].stateroot) }
  }
}

extension Sysroot {
  /// Reads the deployments. Needs no lock, but without it the answer may be stale at once.
  ///
  /// Throws `strangeEntry` for a boot entry that leads to no deployment, as libostree refuses it,
  /// and `bootedNotListed` where no entry leads to the one that runs.
  public func state() throws(DeployError) -> SysrootState {
    let links = try inBoot { () throws(BootError) in try boot.links() }
    guard let version = links.current else {
      try refuseUnlistedBooted()
      return SysrootState(
        bootVersion: nil, linkVersion: .zero, deployments: [], bootedIndex: nil, staged: nil)
    }
    let entries = try inBoot { () throws(BootError) in try boot.entries(of: version) }
    var deployments: [Deployment] = []
    for file in entries {
      let path = bootPlace("\(version.loaderName)/entries/\(file.name)")
      deployments.append(try deployment(of: file, path: path))
    }
    let booted = try bootedIndex(among: deployments)
    if booted == nil { try refuseUnlistedBooted() }
    return SysrootState(
      bootVersion: version, linkVersion: try linkVersion(of: version), deployments: deployments,
      bootedIndex: booted, staged: booted == nil ? nil : try staged())
  }

  /// The M of `boot.B -> boot.B.M`; zero where there is none.
  func linkVersion(of version: BootVersion) throws(DeployError) -> BootVersion {
    let name = BootTree.name(version)
    let target = try at(place(name)) { () throws(Errno) in
      try store.symbolicLinkTargetIfPresent(of: name)
    }
    guard let target, same(target, BootTree.name(version, .one)) else { return .zero }
    return .one
  }

  /// Follows `ostree=/ostree/boot.B/OS/BOOTCSUM/S` of a boot entry to the deployment.
  private func deployment(
    of file: BootEntryFile, path: String
  ) throws(DeployError) -> Deployment {
    let arguments = KernelArguments(parsing: file.entry.options)
    let value = arguments.value(of: KernelArguments.deploymentKey)
    guard let value, let link = BootTree.Link(argument: value) else {
      throw .strangeEntry(path: path, deployment: value)
    }
    let target = try at(place(link.path)) { () throws(Errno) in
      try store.symbolicLinkTargetIfPresent(of: link.path)
    }
    guard let target, let found = BootTree.Target(target) else {
      throw .strangeEntry(path: path, deployment: value)
    }
    return Deployment(
      stateroot: found.stateroot, commit: found.name.commit, serial: found.name.serial,
      bootChecksum: link.bootChecksum, entry: file.entry, counter: file.counter)
  }
}
