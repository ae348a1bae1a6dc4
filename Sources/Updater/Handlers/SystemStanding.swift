// SPDX-License-Identifier: Apache-2.0
public import Deploy
public import Linux

/// What has become of the system that a target goes with.
public enum SystemStanding: Hashable, Sendable {
  /// The target goes with any system.
  case alone
  /// It will be deployed by this run, or boots next.
  case awaited
  case running(isProven: Bool)
  /// It neither runs nor boots next; whether it was tried and did not prove itself.
  case gone(isRejected: Bool)
}

/// The deployments of a device, as far as targets go with them.
public struct HandlerSituation: Sendable {
  /// What this run is about to deploy.
  public var coming: HandledSystem?
  var running: HandledSystem?
  var isProven = true
  /// What boots next.
  var next: HandledSystem?
  var rejected: [HandledSystem] = []
  /// The present boot; empty where that is not known. random(4), `boot_id`.
  let boot: String

  init(boot: String) { self.boot = boot }

  /// A deployment that is not tried is proven by running.
  public init(
    _ state: SysrootState, _ trials: TrialRecord, boot: String = Process.bootIdentifier ?? ""
  ) {
    self.boot = boot
    running = state.booted.map { HandledSystem($0) }
    isProven = state.booted.map { !trials.isOnTrial($0) } ?? true
    // What libostree has staged takes the first place when the machine goes down.
    next = state.staged == nil ? state.deployments.first.map { HandledSystem($0) } : nil
    rejected = trials.rejected.map {
      HandledSystem(stateroot: $0.deployment.stateroot, commit: $0.deployment.commit)
    }
  }

  func standing(of system: HandledSystem?) -> SystemStanding {
    guard let system else { return .alone }
    if system == running { return .running(isProven: isProven) }
    if system == coming { return .awaited }
    let isRejected = rejected.contains(system)
    return system == next && !isRejected ? .awaited : .gone(isRejected: isRejected)
  }
}

extension HandledSystem {
  init(_ deployment: Deployment) {
    self.init(stateroot: deployment.stateroot, commit: deployment.commit)
  }
}
