// SPDX-License-Identifier: Apache-2.0
import Boot
import Configuration
import Cryptography
import Deploy
import OSTree

/// What is deployed, seen once.
struct Situation {
  let state: SysrootState
  let trials: TrialRecord
  let trialCount: TrialCount
  let deployOptions: DeployOptions
  let stateroot: String
  /// Whose /etc the next deployment gets.
  let source: Deployment?
  let origin: Origin?

  init(_ updater: Updater) throws(UpdaterError) {
    let sysroot = updater.sysroot
    var options = DeployOptions()
    options.stateroot = updater.settings.stateroot
    options.lateMerge = LateMerge(updater.settings.merge)
    options.trialBoots = updater.settings.trialBoots
    let wanted = options
    deployOptions = options
    (state, trials, trialCount, stateroot, source, origin) = try inDeploy {
      () throws(DeployError) in
      let state = try sysroot.state()
      let stateroot = try sysroot.chooseStateroot(wanted.stateroot, state)
      let source = sysroot.mergeDeployment(of: stateroot, state)
      let origin =
        try source.map { (deployment) throws(DeployError) in
          try sysroot.origin(of: deployment)
        } ?? nil
      let trials = try sysroot.trialRecord()
      let count = try sysroot.trialCount(state, ignoringDamage: wanted.trialBoots == 0)
      return (state, trials, count, stateroot, source, origin)
    }
  }

  /// What targets go with.
  var forHandlers: HandlerSituation { HandlerSituation(state, trials) }

  /// What tells how the update before ended.
  var evidence: Installation.Evidence {
    Installation.Evidence(
      booted: state.booted?.commit,
      isBootedOnTrial: state.booted.map(trials.isOnTrial) ?? false,
      next: state.staged?.target.commit ?? state.deployments.first?.commit,
      rejected: trials.rejected.map { $0.deployment.commit })
  }

  /// Whether what runs, or what boots next, has yet to prove itself.
  var awaitsProof: Bool {
    [state.booted, state.deployments.first].contains { $0.map(trials.isOnTrial) ?? false }
  }

  /// Whether another deployment may take the first place. What is on trial keeps it from its first
  /// start on: replaced half way it would be neither proven nor rejected.
  var mayBeReplaced: Bool {
    guard awaitsProof else { return true }
    if state.booted.map(trials.isOnTrial) ?? false { return false }
    switch trialCount {
    case .idle: return true
    case .counting(let left, let max): return left >= max ?? trials.trial?.boots ?? 0
    case .fellBack: return false
    }
  }

  /// Whether the commit boots next, without anybody's doing. What libostree has staged takes the
  /// first place when the machine goes down.
  func bootsNext(_ commit: Checksum) -> Bool {
    guard state.staged == nil, let first = state.deployments.first else { return false }
    return first.commit == commit && same(first.stateroot, stateroot)
  }
}
