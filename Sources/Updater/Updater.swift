// SPDX-License-Identifier: Apache-2.0
import Boot
public import Configuration
import Cryptography
public import Deploy
import Linux
import OSTree
import Pull
import Uptane

/// The one-shot job of a device that follows one ref of one remote, or what its server wants:
/// ```
/// lock ─ fallback? ─ report ─ check ─ pull, read back ─ on trial? ─ deploy ─ prune ─ report
/// ```
/// Every step may be cut off at any point; the next run does what is left. Only the last act of
/// the deploy changes what boots.
public struct Updater: Sendable {
  public let sysroot: Sysroot
  public let settings: Settings
  /// Where remotes stand besides the repo's config.
  public let remotesFolder: String?

  public init(_ sysroot: Sysroot, _ settings: Settings, remotesFolder: String?) {
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
    let reports = try reports(before)
    let settled = try reports?.settle(before.evidence)
    try reports?.provision()
    reports?.tell()
    let check = try check(before, options, reports)
    var done = UpdateReport(check: check, result: before.awaitsProof ? .awaitingProof : .upToDate)
    (done.fallback, done.settled) = (fallback, settled)
    if check.rejection != nil, !options.isForced {
      done.result = .rejectedBefore
    } else if let commit = check.commit, check.isAvailable || options.isForced {
      done.pull = try pull(commit, check, options, reports, report)
      done.result = before.mayBeReplaced ? .downloaded : .awaitingProof
      if options.deploys, before.mayBeReplaced {
        report(.deploying(commit))
        done.deploy = try deploy(commit, check, before, lock, reports)
        done.result = .deployed
        prune(&done)
      }
    }
    reports?.finish()
    done.reportFailure = reports?.failure
    done.isReported = reports.map { $0.failure == nil }
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
    let pulled =
      try check.commit.map { (commit) throws(UpdaterError) in
        try pull(commit, check, options, planOnly: true, report)
      } ?? PullResult()
    return try UpdatePlan(check, pulled, now, self)
  }
}

// MARK: - The steps
extension Updater {
  private func check(
    _ now: Situation, _ wanted: UpdateOptions
  ) throws(UpdaterError) -> UpdateCheck {
    switch settings.mode {
    case .none: try checkBranch(now, wanted)
    case .uptane, .tuf:
      try checkServer(now, try DeviceServer(self, now.state).offer(now.state, from: wanted.from))
    }
  }

  /// The same; a server whose metadata were refused is told so.
  private func check(
    _ now: Situation, _ wanted: UpdateOptions, _ reports: ServerReports?
  ) throws(UpdaterError) -> UpdateCheck {
    do throws(UpdaterError) { return try check(now, wanted) } catch {
      if case .metadata(.refused(let attack)) = error { reports?.tell(attack: attack.fault.name) }
      throw error
    }
  }

  private func checkBranch(
    _ now: Situation, _ wanted: UpdateOptions
  ) throws(UpdaterError) -> UpdateCheck {
    let branch = try Branch.find(
      settings, now.origin, deployment: now.source, sysroot.repo, remotesFolder: remotesFolder,
      from: wanted.from)
    let source = UpdateSource.branch(branch)
    let options = pullOptions(source, .ref(branch.ref))
    let heads = try inPull { () throws(PullError) in
      try CommitPull(sysroot.repo, from: branch.remote, options, PullProgress()).heads()
    }
    let head = heads[0]
    let deployed = try deployedCommit(now)
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
      endOfLifeRebase: head.commit.endOfLifeRebase)
  }

  /// What was tried here and fell back is offered again only if the server assigns it anew.
  private func checkServer(
    _ now: Situation, _ offer: ServerOffer
  ) throws(UpdaterError) -> UpdateCheck {
    let deployed = try deployedCommit(now)
    var rejection: TrialRecord.Rejection?
    if let wanted = offer.installation {
      let folder = try DeviceServer(self, now.state).folder
      let isAnew = try InstallationRecord(folder: folder).isAssignedAnew(wanted)
      rejection = isAnew ? nil : now.trials.rejection(of: wanted.commit, in: now.stateroot)
    } else if let target = offer.target {
      throw .notDeployable(target: target.path, format: target.format)
    }
    return UpdateCheck(
      source: .server(offer), commit: offer.commit, version: offer.version, timestamp: nil,
      deployed: now.source, deployedVersion: deployed?.version,
      isAvailable: offer.commit.map { !now.bootsNext($0) } ?? false, rejection: rejection,
      endOfLife: nil, endOfLifeRebase: nil)
  }

  /// Nil where nobody is told anything.
  private func reports(_ now: Situation) throws(UpdaterError) -> ServerReports? {
    guard settings.mode != .none else { return nil }
    let server = try DeviceServer(self, now.state)
    return server.isReportedTo ? try ServerReports(server, now.state) : nil
  }

  private func deployedCommit(_ now: Situation) throws(UpdaterError) -> Commit? {
    try now.source.map { (deployment) throws(UpdaterError) in
      try commit(of: deployment)
    } ?? nil
  }

  /// Nil if the repo no longer has it, which harms no deployment.
  private func commit(of deployment: Deployment) throws(UpdaterError) -> Commit? {
    try inRepo { () throws(OSTreeError) in
      let name = ObjectName(deployment.commit, .commit)
      return try sysroot.repo.contains(name)
        ? try sysroot.repo.loadCommit(deployment.commit) : nil
    }
  }

  /// Everything of the commit, and the server hears how that went.
  private func pull(
    _ commit: Checksum, _ check: UpdateCheck, _ asked: UpdateOptions, _ reports: ServerReports?,
    _ report: (UpdateStep) -> Void
  ) throws(UpdaterError) -> PullResult {
    guard let reports, let wanted = check.source.offer?.installation else {
      return try pull(commit, check, asked, planOnly: false, report)
    }
    try reports.begin(wanted)
    do throws(UpdaterError) {
      let result = try pull(commit, check, asked, planOnly: false, report)
      try reports.downloaded(wanted, isSuccess: true)
      return result
    } catch {
      try reports.downloaded(wanted, isSuccess: false)
      throw error
    }
  }

  private func pull(
    _ commit: Checksum, _ check: UpdateCheck, _ asked: UpdateOptions, planOnly: Bool,
    _ report: (UpdateStep) -> Void
  ) throws(UpdaterError) -> PullResult {
    // The commit that was checked, whatever the server says meanwhile.
    let ref = check.source.refspec.ref
    var options = pullOptions(
      check.source, check.source.offer == nil ? .refAt(ref, commit) : .named(ref, commit))
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
    _ commit: Checksum, _ check: UpdateCheck, _ before: Situation,
    _ lock: borrowing SysrootLock, _ reports: ServerReports?
  ) throws(UpdaterError) -> DeployReport {
    let refspec = check.source.refspec.text
    let origin =
      before.origin?.forNextDeployment.with(refspec: refspec) ?? Origin(refspec: refspec)
    let wanted = check.source.offer?.installation
    if let reports, let wanted { try reports.deploying(wanted) }
    let report = try inDeploy { () throws(DeployError) in
      try sysroot.deploy(commit, origin: origin, before.deployOptions, lock)
    }
    if let reports, let wanted { try reports.deployed(wanted) }
    return report
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
