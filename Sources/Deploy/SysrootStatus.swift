// SPDX-License-Identifier: Apache-2.0
public import Boot
import Linux
public import OSTree

/// What there is to know about a sysroot. For people and for `status --json`.
public struct SysrootStatus: Sendable {
  public let path: String
  public let loader: BootLoader
  /// In boot order.
  public let deployments: [DeploymentStatus]
  /// What libostree will finish when the machine goes down.
  public let staged: StagedDeployment?
  /// Free on the file systems of the sysroot and of `/boot`.
  public let freeBytes: UInt64
  public let bootFreeBytes: UInt64
  public let isBootSeparate: Bool

  /// Whether the next boot starts something else than what runs.
  public var needsReboot: Bool {
    guard deployments.contains(where: { $0.isBooted }) else { return false }
    return staged != nil || deployments.first?.isBooted == false
  }
}

/// What there is to know about one deployment.
public struct DeploymentStatus: Sendable {
  public let index: Int
  public let deployment: Deployment
  /// From the commit; nil if it says none, or is gone.
  public let version: String?
  public let origin: Origin?
  public let isBooted: Bool
  public var isNext: Bool { index == 0 }
  public var isPinned: Bool { origin?.isPinned ?? false }
  /// `hotfix`, `development` or `transient` where /usr was made writable.
  public let unlocked: String?
  public let etc: EtcState
}

extension Sysroot {
  /// Reads everything. Needs no lock, but without it the answer may be stale at once.
  public func status() throws(DeployError) -> SysrootStatus {
    let state = try state()
    var deployments: [DeploymentStatus] = []
    for (index, deployment) in state.deployments.enumerated() {
      let origin = try origin(of: deployment)
      deployments.append(
        DeploymentStatus(
          index: index, deployment: deployment, version: version(of: deployment), origin: origin,
          isBooted: index == state.bootedIndex,
          unlocked: origin?.unlocked ?? runtimeUnlocked(deployment),
          etc: try etcState(of: deployment)))
    }
    let (free, bootFree) = try at(path) { () throws(Errno) in
      (
        try store.fileSystemStatus().freeBytes,
        try boot.directory.fileSystemStatus().freeBytes
      )
    }
    return SysrootStatus(
      path: path, loader: loader, deployments: deployments, staged: state.staged, freeBytes: free,
      bootFreeBytes: bootFree, isBootSeparate: boot.isSeparate)
  }

  /// What holds until the next boot: `/run/ostree/deployment-state/COMMIT.SERIAL/unlocked-…`.
  private func runtimeUnlocked(_ deployment: Deployment) -> String? {
    let folder = "\(environment.run)/ostree/deployment-state/\(deployment.name)"
    guard let directory = try? FileDescriptor.openDirectory(folder) else { return nil }
    for state in ["development", "transient"] {
      if (try? directory.contains("unlocked-\(state)")) == true { return state }
    }
    return nil
  }
}
