// SPDX-License-Identifier: Apache-2.0
import Boot
public import Configuration
import Cryptography
public import Deploy
import Linux
import OSTree
import Pull

/// The one-shot job of a device that follows one ref of one remote:
/// ```
/// lock ─ fallback? ─ check ─ pull, read back ─ on trial? ─ deploy ─ prune
/// ```
/// Every step may be cut off at any point; the next run does what is left. Only the last act of
/// the deploy changes what boots.
public struct Updater: Sendable {
  public let sysroot: Sysroot
  public let settings: Settings
  /// Where remotes stand besides the repo's config.
  public let remotesFolder: String?

  /// Throws `unsupportedMode` unless the device trusts a remote: `[uptane] mode=none`.
  public init(
    _ sysroot: Sysroot, _ settings: Settings, remotesFolder: String?
  ) throws(UpdaterError) {
    guard settings.mode == .none else { throw .unsupportedMode(settings.mode) }
    self.sysroot = sysroot
    self.settings = settings
    self.remotesFolder = remotesFolder
  }

  /// The whole job. `report` is called now and then on the calling thread.
  ///
  /// Durable when it returns. Throws `busy` in `deploy` or `ostree` if another works on the
  /// sysroot or adds to the repo.
  public func update(
    _ options: UpdateOptions = UpdateOptions(), _ report: (UpdateStep) -> Void = { _ in }
  ) throws(UpdaterError) -> UpdateReport {
    let start = Clock.monotonicNanoseconds
    let lock = try inDeploy { () throws(DeployError) in try sysroot.lock() }
    let fallback = try inDeploy { () throws(DeployError) in
      try sysroot.settleFallback(lock, ignoringDamage: settings.trialBoots == 0)
    }
    let before = try Situation(self)
    let check = try check(before, options)
    var done = UpdateReport(check: check, result: before.awaitsProof ? .awaitingProof : .upToDate)
    done.fallback = fallback
    if check.rejection != nil, !options.isForced {
      done.result = .rejectedBefore
    } else if check.isAvailable || options.isForced {
      done.pull = try pull(check, options, planOnly: false, report)
      done.result = before.mayBeReplaced ? .downloaded : .awaitingProof
      if options.deploys, before.mayBeReplaced {
        report(.deploying(check.commit))
        done.deploy = try deploy(check, before, lock)
        done.result = .deployed
        prune(&done)
      }
    }
    let after = try Situation(self).state
    done.next = after.deployments.first
    done.needsReboot = after.bootedIndex.map { $0 > 0 } ?? false
    done.milliseconds = (Clock.monotonicNanoseconds - start) / 1_000_000
    return done
  }

  /// Asks the server whether there is an update. Changes nothing, and needs no lock.
  public func check(
    _ options: UpdateOptions = UpdateOptions()
  ) throws(UpdaterError) -> UpdateCheck {
    try check(try Situation(self), options)
  }

  /// Says what an update would take, before the first file moves. Folders and their metadata are
  /// fetched for it and kept for the update. Throws `noSpace` in `pull` if it does not fit.
  public func plan(
    _ options: UpdateOptions = UpdateOptions(), _ report: (UpdateStep) -> Void = { _ in }
  ) throws(UpdaterError) -> UpdatePlan {
    let now = try Situation(self)
    let check = try check(now, options)
    let pulled = try pull(check, options, planOnly: true, report)
    return try UpdatePlan(check, pulled, now, self)
  }
}

// MARK: - The steps
extension Updater {
  private func check(
    _ now: Situation, _ wanted: UpdateOptions
  ) throws(UpdaterError) -> UpdateCheck {
    let source = try UpdateSource.find(
      settings, now.origin, deployment: now.source, sysroot.repo, remotesFolder: remotesFolder,
      from: wanted.from)
    let options = pullOptions(source, .ref(source.ref))
    let heads = try inPull { () throws(PullError) in
      try CommitPull(sysroot.repo, from: source.remote, options, PullProgress()).heads()
    }
    let head = heads[0]
    let deployed =
      try now.source.map { (deployment) throws(UpdaterError) in
        try commit(of: deployment)
      } ?? nil
    if !wanted.allowsDowngrade, let deployed, let current = now.source,
      head.commit.timestamp < deployed.timestamp
    {
      throw .older(
        head.checksum, timestamp: head.commit.timestamp, deployed: current.commit,
        deployedTimestamp: deployed.timestamp)
    }
    return UpdateCheck(
      source: source, commit: head.checksum, version: head.commit.version,
      timestamp: head.commit.timestamp, deployed: now.source, deployedVersion: deployed?.version,
      isAvailable: !now.bootsNext(head.checksum),
      rejection: now.trials.rejection(of: head.checksum, in: now.stateroot),
      endOfLife: head.commit.endOfLife,
      endOfLifeRebase: head.commit.endOfLifeRebase, object: head.commit)
  }

  /// Nil if the repo no longer has it, which harms no deployment.
  private func commit(of deployment: Deployment) throws(UpdaterError) -> Commit? {
    try inRepo { () throws(OSTreeError) in
      let name = ObjectName(deployment.commit, .commit)
      return try sysroot.repo.contains(name)
        ? try sysroot.repo.loadCommit(deployment.commit) : nil
    }
  }

  private func pull(
    _ check: UpdateCheck, _ asked: UpdateOptions, planOnly: Bool, _ report: (UpdateStep) -> Void
  ) throws(UpdaterError) -> PullResult {
    // The commit that was checked, whatever the server says meanwhile.
    var options = pullOptions(check.source, .refAt(check.source.ref, check.commit))
    options.planOnly = planOnly
    options.checksTimestamp = !asked.allowsDowngrade
    let wanted = options
    let progress = PullProgress()
    var result = try inPull { () throws(PullError) in
      try CommitPull(sysroot.repo, from: check.source.remote, wanted, progress)
        .run { report(.pulling($0)) }
    }
    result.fetchedMetadata = progress.metadataObjects
    result.fetchedBytes = progress.fetchedBytes
    return result
  }

  private func deploy(
    _ check: UpdateCheck, _ before: Situation, _ lock: borrowing SysrootLock
  ) throws(UpdaterError) -> DeployReport {
    let refspec = check.source.refspec.text
    let origin =
      before.origin?.forNextDeployment.with(refspec: refspec) ?? Origin(refspec: refspec)
    return try inDeploy { () throws(DeployError) in
      try sysroot.deploy(check.commit, origin: origin, before.deployOptions, lock)
    }
  }

  /// Takes away the objects of deployments that went, as `ostree` does after a deploy. Without it
  /// each update would leave its predecessor's files behind until the medium is full.
  private func prune(_ done: inout UpdateReport) {
    var options = PruneOptions()
    options.refsOnly = true
    options.depth = 0
    do throws(OSTreeError) { done.prune = try sysroot.repo.prune(options) } catch {
      done.pruneFailure = error
    }
  }
}

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
