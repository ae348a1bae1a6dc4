// SPDX-License-Identifier: Apache-2.0
import Boot
public import Cryptography
import Linux
import OSTree

extension Sysroot {
  /// Makes a deployment of a commit that is complete in the repo, and puts it into boot order.
  ///
  /// Durable and atomic: after a power cut at any point the board boots what it booted before or
  /// the new deployment. `beforeCommit` is called when all but the commit step is durable. On any
  /// error what was made is removed again.
  ///
  /// Throws `partialCommit`, `noKernel`, `etcNowDirectory`, `selinuxUnsupported`, `noSpace`, ….
  public func deploy(
    _ commit: Checksum, origin: Origin, _ options: DeployOptions,
    _ lock: borrowing SysrootLock,
    beforeCommit: () throws(DeployError) -> Void = { () throws(DeployError) in }
  ) throws(DeployError) -> DeployReport {
    try namingSpace { () throws(DeployError) in
      try deployUnnamed(commit, origin, options, lock, beforeCommit)
    }
  }

  private func deployUnnamed(
    _ commit: Checksum, _ origin: Origin, _ options: DeployOptions,
    _ lock: borrowing SysrootLock, _ beforeCommit: () throws(DeployError) -> Void
  ) throws(DeployError) -> DeployReport {
    // Where nothing is to be tried, a store that cannot be read is no hindrance.
    _ = try settleFallback(lock, ignoringDamage: options.trialBoots == 0)
    let state = try state()
    let stateroot = try stateroot(options.stateroot, state)
    let source = options.merges ? mergeSource(stateroot, state) : nil
    // What interrupted runs have left needs room, and may be much. What cannot be removed now is
    // told by the cleanup at the end.
    var cleaned = CleanupReport()
    _ = try? removeUnusedTrees(state, &cleaned)

    // No prune may take the commit's objects before a ref or a boot entry names it.
    let repoLock = try inRepo { () throws(OSTreeError) in try repo.lock(.shared) }
    let isPartial = try inRepo { () throws(OSTreeError) in try repo.isPartial(commit) }
    if isPartial { throw .partialCommit(commit) }
    let maker = DeploymentTree(
      sysroot: self, stateroot: stateroot, commit: commit, source: source,
      argumentSource: options.argumentSource ?? source, argumentChanges: options.argumentChanges,
      verifiesObjects: options.verifiesObjects)
    let made = try maker.make(origin)
    let wanted = try options.retention.order(
      adding: made.deployment, to: state.deployments, booted: state.booted, merge: source,
      isDefault: options.isDefault, isPinned: isPinned)
    let isEtcPending = mergesLate(made, source, state, options)
    let trials = try trialRecord()
    let plan: TrialPlan?
    let order: [Deployment]
    let change: BootChange
    do throws(DeployError) {
      plan = try planTrial(
        of: made.deployment, boots: options.trialBoots, in: wanted, state)
      order = plan?.order ?? wanted
      change = try write(order, over: state, lock) { () throws(DeployError) in
        try recordMerge(of: made.deployment, from: isEtcPending ? source : nil)
        try beforeCommit()
        if let plan { try arm(plan) }
      }
    } catch {
      removeIfUnused(made.deployment, trials)
      throw error
    }
    var report = DeployReport(
      deployment: made.deployment, change: change, etc: made.etc, isEtcPending: isEtcPending,
      countBefore: state.deployments.count, countAfter: order.count)
    if plan == nil { report.trialFailure = trialFailure(order, state) }
    if options.cleansUp {
      report.cleanupFailure = cleanupFailure(lock, &cleaned)
    }
    // Only now does a ref name the commit.
    extendLifetime(repoLock)
    report.removed = cleaned.removed
    report.trialBoots = plan?.boots
    return report
  }

  /// A source that does not run has no changes to come.
  private func mergesLate(
    _ made: DeploymentTree.Made, _ source: Deployment?, _ state: SysrootState,
    _ options: DeployOptions
  ) -> Bool {
    guard made.etc != nil, let source else { return false }
    switch options.lateMerge {
    case .never: return false
    case .always: return true
    case .ifMarked: return made.hasFinalizer && state.booted?.isSame(as: source) == true
    }
  }

  /// Cleans up after a commit step. Nothing of it is needed to boot, so that its failure is not
  /// that of the command.
  func cleanupFailure(
    _ lock: borrowing SysrootLock, _ report: inout CleanupReport
  ) -> DeployError? {
    do throws(DeployError) { report.removed += try cleanup(lock).removed } catch { return error }
    return nil
  }

  /// If the commit step itself failed half way, the tree may be in boot order: then it stays.
  /// `trials` is what was recorded before: what is first still goes on with its trial.
  private func removeIfUnused(_ deployment: Deployment, _ trials: TrialRecord) {
    guard let now = try? state(), !now.deployments.contains(where: { $0.isSame(as: deployment) })
    else { return }
    var report = CleanupReport()
    if let first = now.deployments.first, trials.isOnTrial(first) {
      if (try? trialRecord()) != trials { _ = try? write(trials) }
    } else {
      _ = trialFailure(now.deployments, now)
    }
    _ = try? removeUnusedTrees(now, &report)
    _ = try? removeUnusedKernels(keeping: keptForKernels(now), in: .boot)
    if let place = KernelPlace(loader) {
      _ = try? removeUnusedKernels(keeping: keptForKernels(now), in: place)
    }
    _ = try? removeOtherBootVersions(now, &report)
  }

  /// Whose /etc and arguments a new deployment gets: the booted one, never a newer one that is
  /// pending, since the booted one has the changes that count; else the first of the stateroot.
  func mergeSource(_ stateroot: String, _ state: SysrootState) -> Deployment? {
    if let booted = state.booted, same(booted.stateroot, stateroot) { return booted }
    return state.deployments.first { same($0.stateroot, stateroot) }
  }

  /// The origin of a deployment; nil if it has none, which is allowed.
  public func origin(of deployment: Deployment) throws(DeployError) -> Origin? {
    let path = place(deployment.originFile)
    let text = try at(path) { () throws(Errno) -> [UInt8]? in
      do throws(Errno) {
        return try store.openBeneath(deployment.originFile).readAll(limit: Origin.bytesMax)
      } catch {
        if error == .notFound { return nil }
        throw error
      }
    }
    guard let text else { return nil }
    return try Origin(parsing: text, path: path)
  }

  func isPinned(_ deployment: Deployment) throws(DeployError) -> Bool {
    try origin(of: deployment)?.isPinned ?? false
  }

  /// Gives errors of a full file system their numbers.
  func namingSpace<Value>(
    _ body: () throws(DeployError) -> Value
  ) throws(DeployError) -> Value {
    do throws(DeployError) { return try body() } catch {
      guard let path = error.fullPath else { throw error }
      var place = Sysroot.prefix(self.path) + "/ostree"
      var status = try? store.fileSystemStatus()
      if path.utf8.starts(with: "\(boot.path)/".utf8) {
        (place, status) = (boot.path, try? boot.directory.fileSystemStatus())
      }
      if case .systemdBoot(let esp) = loader, path.utf8.starts(with: "\(esp.path)/".utf8) {
        (place, status) = (esp.path, try? FileDescriptor.open(esp.path).fileSystemStatus())
      }
      guard let status else { throw error }
      // How much more the rest would have taken nobody knows: at least a block.
      throw .noSpace(
        path: place, neededBytes: status.freeBytes + status.blockBytes,
        freeBytes: status.freeBytes)
    }
  }
}

extension DeployError {
  /// The file for which there was no room.
  fileprivate var fullPath: String? {
    switch self {
    case .file(let path, let errno), .boot(.file(path: let path, let errno)),
      .ostree(.file(path: let path, let errno)):
      errno == .noSpace || errno == .quota ? path : nil
    default: nil
    }
  }
}
