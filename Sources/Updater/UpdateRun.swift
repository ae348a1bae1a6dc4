// SPDX-License-Identifier: Apache-2.0
import Cryptography
import Deploy
import Linux
import OSTree
import Pull
import Uptane

/// One run of `update`, under the lock of the sysroot:
/// ```
/// handlers go on ─ how did the last one end? ─ report ─ check ─ pull, fetch, read back
///   ─ on trial? ─ handlers ─ deploy ─ prune ─ report
/// ```
/// Every step may be cut off at any point; the next run does what is left. Only the last act of
/// the deploy changes what boots.
final class UpdateRun {
  private let updater: Updater
  private let options: UpdateOptions
  private let before: Situation
  private let server: DeviceServer?
  private let reports: ServerReports?
  private let handlers: Handlers

  init(_ updater: Updater, _ options: UpdateOptions) throws(UpdaterError) {
    self.updater = updater
    self.options = options
    before = try Situation(updater)
    server = try updater.server(before)
    if let server {
      reports = try ServerReports(server)
      handlers = server.handlers
    } else {
      reports = nil
      handlers = try updater.handlers(before.state)
    }
  }

  func run(
    _ lock: borrowing SysrootLock, _ report: (UpdateStep) -> Void
  ) throws(UpdaterError) -> UpdateReport {
    let resumed = try handlers.run(nil, before.forHandlers) { report(.handling($0, target: $1)) }
    let settled = try reports?.settle(before.evidence)
    try reports?.provision()
    reports?.tell(before.state)
    let check = try check()
    var done = UpdateReport(check: check, result: before.awaitsProof ? .awaitingProof : .upToDate)
    (done.settled, done.handled) = (settled, resumed)
    let work = Work(check, isForced: options.isForced)
    if check.isRejected, !options.isForced {
      done.result = .rejectedBefore
    } else if work.isAny {
      try fetch(work, &done, report)
      done.result = before.mayBeReplaced ? .downloaded : .awaitingProof
      if options.deploys, before.mayBeReplaced { try install(work, &done, lock, report) }
    } else if options.deploys, before.mayBeReplaced {
      // What was begun and is not wanted any more goes.
      done.handled += try handlers.run(work.jobs, before.forHandlers) {
        report(.handling($0, target: $1))
      }
    }
    try finish(&done)
    return done
  }

  /// A server whose metadata were refused is told so, and one whose targets nothing here takes
  /// care of.
  private func check() throws(UpdaterError) -> UpdateCheck {
    var check: UpdateCheck
    do throws(UpdaterError) { check = try updater.check(before, options, server) } catch {
      if case .metadata(.refused(let attack)) = error {
        reports?.tell(before.state, attack: attack.fault.name)
      }
      throw error
    }
    do throws(UpdaterError) { try check.judgeTargets(handlers) } catch {
      try reports?.refuse(check.handled.map { $0.installation }, "nothing takes care of it")
      reports?.tellManifest(before.state)
      reports?.finish()
      throw error
    }
    return check
  }

  // MARK: Steps

  /// Everything of the commit and of the targets, and the server hears how that went.
  private func fetch(
    _ work: Work, _ done: inout UpdateReport, _ report: (UpdateStep) -> Void
  ) throws(UpdaterError) {
    try reports?.begin(
      work.system, version: work.check.version, work.targets.map { $0.installation })
    do throws(UpdaterError) {
      if let commit = work.commit {
        done.pull = try updater.pull(commit, work.check, options, planOnly: false, report)
      }
      for target in work.targets {
        try handlers.targets.take(target) { report(.fetching($0)) }
      }
    } catch {
      try reports?.downloaded(isSuccess: false)
      throw error
    }
    try reports?.downloaded(isSuccess: true)
  }

  /// Targets first: one that cannot be had right keeps the system from being deployed.
  private func install(
    _ work: Work, _ done: inout UpdateReport, _ lock: borrowing SysrootLock,
    _ report: (UpdateStep) -> Void
  ) throws(UpdaterError) {
    try reports?.installing(work.system)
    var situation = before.forHandlers
    situation.coming = work.commit.map {
      HandledSystem(stateroot: before.stateroot, commit: $0)
    }
    let handled = try handlers.run(work.jobs, situation, isForced: options.isForced) {
      report(.handling($0, target: $1))
    }
    done.handled += handled
    if let failure = handled.failures.first(where: { !$0.isTemporary }) ?? handled.failures.first {
      try abandon(isForGood: !failure.isTemporary)
      throw .handler(failure)
    }
    guard let commit = work.commit else {
      done.result = .applied
      return
    }
    report(.deploying(commit))
    done.deploy = try deploy(commit, work, lock)
    done.result = .deployed
    prune(&done)
  }

  /// Nothing is deployed, and what handlers have made is taken back; the server hears of it.
  private func abandon(isForGood: Bool) throws(UpdaterError) {
    if isForGood { _ = try reports?.settle(before.evidence, isAbandoned: true) }
    reports?.tellManifest(before.state)
    reports?.finish()
  }

  private func deploy(
    _ commit: Checksum, _ work: Work, _ lock: borrowing SysrootLock
  ) throws(UpdaterError) -> DeployReport {
    let refspec = work.check.source.refspec.text
    let origin =
      before.origin?.forNextDeployment.with(refspec: refspec) ?? Origin(refspec: refspec)
    let (sysroot, options) = (updater.sysroot, before.deployOptions)
    let report = try inDeploy { () throws(DeployError) in
      try sysroot.deploy(commit, origin: origin, options, lock)
    }
    if let system = work.system { try reports?.deployed(system) }
    return report
  }

  /// Takes away the objects of deployments that went, as `ostree` does after a deploy. Without it
  /// each update would leave its predecessor's files behind until the medium is full.
  private func prune(_ done: inout UpdateReport) {
    var options = PruneOptions()
    options.refsOnly = true
    options.depth = 0
    do throws(OSTreeError) { done.prune = try updater.sysroot.repo.prune(options) } catch {
      done.pruneFailure = error
    }
  }

  /// Where only targets were installed it is known now how that ended.
  private func finish(_ done: inout UpdateReport) throws(UpdaterError) {
    let after = try Situation(updater)
    if let reports, let settled = try reports.settle(after.evidence) {
      done.settled = done.settled.map { $0 && settled } ?? settled
      reports.tellManifest(after.state)
    }
    reports?.finish()
    done.reportFailure = reports?.failure
    done.isReported = reports.flatMap { $0.isTelling ? $0.failure == nil : nil }
    done.next = after.state.deployments.first
    done.needsReboot =
      done.handled.needsRestart || after.state.bootedIndex.map { $0 > 0 } ?? false
    if done.result != .downloaded, done.result != .awaitingProof { try handlers.removeUnused() }
  }
}

/// What one run has before it.
private struct Work {
  let check: UpdateCheck
  /// To be deployed; nil if that is done or nothing is wanted.
  let commit: Checksum?
  /// The same, as the server knows it.
  let system: Installation?
  /// To be fetched and handed over.
  let targets: [OfferedTarget]
  /// All that is wanted of handlers, what is done too.
  let jobs: [HandlerJob]

  var isAny: Bool { commit != nil || !targets.isEmpty }

  init(_ check: UpdateCheck, isForced: Bool) {
    self.check = check
    let isWanted = check.isAvailable || isForced
    commit = isWanted ? check.commit : nil
    system = isWanted ? check.source.offer?.installation : nil
    targets = isForced ? check.handled : check.newTargets
    jobs = check.handled.map { $0.job }
  }
}
