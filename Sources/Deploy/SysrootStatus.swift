// SPDX-License-Identifier: Apache-2.0
public import Boot
import Linux
public import OSTree

/// What there is to know about a sysroot. For people and for `status --json`.
public struct SysrootStatus: Sendable {
  public let path: String
  public let foundLoader: FoundLoader
  public var loader: BootLoader { foundLoader.loader }
  /// What the boot loader counts; nil where its store cannot be read, for `loaderFailure`.
  public let trialCount: TrialCount?
  /// Why nothing is known of trial boots.
  public let loaderFailure: DeployError?
  /// Whether the boot loader's own entries are as the boot order says; true where it has none.
  public let loaderFollows: Bool
  /// What did not prove itself, the newest first.
  public let rejected: [TrialRecord.Rejection]
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
    return staged != nil || !deployments.contains { $0.isBooted && $0.isNext }
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
  /// Whether the boot loader starts it next.
  public let isNext: Bool
  public let proof: DeploymentProof
  public var isPinned: Bool { origin?.isPinned ?? false }
  /// `hotfix`, `development` or `transient` where /usr was made writable.
  public let unlocked: String?
  public let etc: EtcState
}

/// Whether a deployment has shown that it works.
public enum DeploymentProof: Hashable, Sendable {
  /// It may be started so many times more; nil where the boot loader does not say. `max` is what
  /// it began with.
  case trial(left: Int?, max: Int?)
  /// It was marked good.
  case proven
  /// It was tried and did not prove itself.
  case failed
  /// Nobody said anything about it.
  case unknown

  public var word: String {
    switch self {
    case .trial: "trial"
    case .proven: "proven"
    case .failed: "failed"
    case .unknown: "unknown"
    }
  }
}

extension DeploymentProof {
  init(
    of deployment: Deployment, isBooted: Bool, _ record: TrialRecord, _ count: TrialCount?
  ) {
    if record.isOnTrial(deployment), let boots = record.trial?.boots {
      switch count {
      case .counting(let left, let max): self = .trial(left: left, max: max ?? boots)
      case .fellBack: self = isBooted ? .trial(left: 0, max: boots) : .failed
      case .idle, nil: self = .trial(left: nil, max: boots)
      }
    } else if record.isRejected(deployment) {
      self = .failed
    } else if record.isProven(deployment) {
      self = .proven
    } else if let counter = deployment.counter {
      self = .trial(left: counter.left, max: counter.left + (counter.done ?? 0))
    } else {
      self = .unknown
    }
  }
}

extension Sysroot {
  /// Reads everything. Needs no lock, but without it the answer may be stale at once.
  public func status() throws(DeployError) -> SysrootStatus {
    let state = try state()
    var record = TrialRecord()
    var count: TrialCount?
    var failure: DeployError?
    var follows = true
    do throws(DeployError) {
      record = try trialRecord()
      count = try trialCount(state)
      follows = try loaderFollows(state)
    } catch { failure = error }
    var next = count == .fellBack && state.deployments.count > 1 ? 1 : 0
    // Until they follow, what was started by them is what they start.
    if !follows { next = state.bootedIndex ?? next }
    var deployments: [DeploymentStatus] = []
    for (index, deployment) in state.deployments.enumerated() {
      let origin = try origin(of: deployment)
      deployments.append(
        DeploymentStatus(
          index: index, deployment: deployment, version: version(of: deployment), origin: origin,
          isBooted: index == state.bootedIndex, isNext: index == next,
          proof: DeploymentProof(
            of: deployment, isBooted: index == state.bootedIndex, record, count),
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
      path: path, foundLoader: foundLoader, trialCount: count, loaderFailure: failure,
      loaderFollows: follows, rejected: record.rejected, deployments: deployments,
      staged: state.staged, freeBytes: free, bootFreeBytes: bootFree,
      isBootSeparate: boot.isSeparate)
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
