// SPDX-License-Identifier: Apache-2.0
import Boot
public import Configuration
import Cryptography
public import Deploy
import Linux
import OSTree
import Pull
import Uptane

/// The one-shot job of a device that follows one ref of one remote, or what its server wants.
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

  /// The whole job; see `UpdateRun`. `report` is called now and then on the calling thread.
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
    let run = try UpdateRun(self, options)
    var done = try run.run(lock, report)
    done.fallback = fallback
    done.milliseconds = (Clock.monotonicNanoseconds - start) / 1_000_000
    return done
  }

  /// Asks the server whether there is an update. Changes nothing, and needs no lock.
  public func check(
    _ options: UpdateOptions = UpdateOptions()
  ) throws(UpdaterError) -> UpdateCheck {
    let now = try Situation(self)
    return try checkWhole(now, options)
  }

  /// Says what an update would take, before the first file moves. Folders and their metadata are
  /// fetched for it and kept for the update. Throws `noSpace` in `pull` if it does not fit.
  public func plan(
    _ options: UpdateOptions = UpdateOptions(), _ report: (UpdateStep) -> Void = { _ in }
  ) throws(UpdaterError) -> UpdatePlan {
    let now = try Situation(self)
    let check = try checkWhole(now, options)
    let pulled =
      try check.commit.map { (commit) throws(UpdaterError) in
        try pull(commit, check, options, planOnly: true, report)
      } ?? PullResult()
    return try UpdatePlan(check, pulled, now, self)
  }

  /// Nil where a remote is followed.
  func server(_ now: Situation) throws(UpdaterError) -> DeviceServer? {
    settings.mode == .none ? nil : try DeviceServer(self, now.state)
  }

  /// Those of the system whose state lies with the stateroot that is updated.
  func handlers(_ state: SysrootState) throws(UpdaterError) -> Handlers {
    let (sysroot, stateroot) = (sysroot, settings.stateroot)
    let folder = try inDeploy { () throws(DeployError) in
      try StateFolder.path(of: sysroot, stateroot: stateroot, state)
    }
    return Handlers(stateFolder: folder, root: sysroot.environment.root, settings)
  }
}

// MARK: - What is there to update to
extension Updater {
  /// Throws `noHandler` where nothing takes care of a target.
  private func checkWhole(
    _ now: Situation, _ wanted: UpdateOptions
  ) throws(UpdaterError) -> UpdateCheck {
    let server = try server(now)
    var check = try check(now, wanted, server)
    if let server { try check.judgeTargets(server.handlers) }
    return check
  }

  /// What is new of the targets is still to be found out.
  func check(
    _ now: Situation, _ wanted: UpdateOptions, _ server: DeviceServer?
  ) throws(UpdaterError) -> UpdateCheck {
    guard let server else { return try checkBranch(now, wanted) }
    return try checkServer(now, try server.offer(now.state, from: wanted.from), server)
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
    _ now: Situation, _ offer: ServerOffer, _ server: DeviceServer
  ) throws(UpdaterError) -> UpdateCheck {
    let deployed = try deployedCommit(now)
    var rejection: TrialRecord.Rejection?
    if let wanted = offer.installation {
      let isAnew = try InstallationRecord(folder: server.folder).isAssignedAnew(wanted)
      rejection = isAnew ? nil : now.trials.rejection(of: wanted.commit, in: now.stateroot)
    }
    return UpdateCheck(
      source: .server(offer), commit: offer.commit, version: offer.target?.version,
      timestamp: nil, deployed: now.source, deployedVersion: deployed?.version,
      isAvailable: offer.commit.map { !now.bootsNext($0) } ?? false, rejection: rejection,
      endOfLife: nil, endOfLifeRebase: nil)
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

  func pull(
    _ commit: Checksum, _ check: UpdateCheck, _ asked: UpdateOptions, planOnly: Bool,
    _ report: (UpdateStep) -> Void
  ) throws(UpdaterError) -> PullResult {
    // The commit that was checked, whatever the server says meanwhile.
    let ref = check.source.refspec.ref
    var options = pullOptions(
      check.source, check.source.offer == nil ? .refAt(ref, commit) : .named(ref, commit))
    options.planOnly = planOnly
    options.checksTimestamp = !asked.allowsDowngrade
    options.usesDeltas = asked.usesDeltas
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
}
