// SPDX-License-Identifier: Apache-2.0
public import Boot
import Linux

// Trial boots. The record says which deployment is meant, the boot loader's store counts. Neither
// is ever needed to boot, and no step here needs both to change at once.
extension Sysroot {
  private static let folder = "coppice"
  private static let recordName = "trials"
  /// Far above what a full record takes.
  private static let recordBytesMax = 64 << 10

  var trialRecordPath: String { place("\(Sysroot.folder)/\(Sysroot.recordName)") }

  /// Empty where nothing was recorded. Throws `strangeRecord` for a record that cannot be read, or
  /// that a newer coppice wrote in another form.
  public func trialRecord() throws(DeployError) -> TrialRecord {
    let text = try at(trialRecordPath) { () throws(Errno) -> [UInt8]? in
      do throws(Errno) {
        return try store.openBeneath("\(Sysroot.folder)/\(Sysroot.recordName)")
          .readAll(limit: Sysroot.recordBytesMax)
      } catch {
        if error == .notFound { return nil }
        throw error
      }
    }
    guard let text else { return TrialRecord() }
    guard let record = TrialRecord(parsing: text) else {
      throw .strangeRecord(path: trialRecordPath)
    }
    return record
  }

  /// Durable when it returns; a power cut leaves the old record or the new one.
  func write(_ record: TrialRecord) throws(DeployError) {
    try at(trialRecordPath) { () throws(Errno) in
      if try !store.contains(Sysroot.folder) {
        try store.makeDirectories(Sysroot.folder)
        try store.sync()
      }
      try store.openBeneath(Sysroot.folder, [.readOnly, .directory])
        .replaceFile(Sysroot.recordName, with: record.serialized())
    }
  }

  /// What the boot loader counts. Idle where nothing runs from this sysroot: then the store that
  /// could be read here is that of another machine, the one on which an image is made.
  ///
  /// `ignoringDamage`: a store without a valid copy counts nothing, as boot loaders have it too.
  public func trialCount(
    _ state: SysrootState, ignoringDamage: Bool = false
  ) throws(DeployError) -> TrialCount {
    guard state.bootedIndex != nil else { return .idle }
    do throws(BootError) { return try loader.trialCount() } catch {
      if ignoringDamage, case .environmentDamaged = error { return .idle }
      throw .boot(error)
    }
  }

  // MARK: Begin

  /// The order in which position 1 is what the board falls back on, and how often position 0 may be
  /// started; nil where it is not tried: the boot loader does not count, nothing runs from here, or
  /// there is nothing to fall back on.
  func planTrial(
    of deployment: Deployment, boots: Int, in order: [Deployment], _ state: SysrootState
  ) throws(DeployError) -> TrialPlan? {
    guard boots > 0, loader.countsTrials, order.first?.isSame(as: deployment) == true,
      let fallback = try fallback(state)
    else { return nil }
    try refuseStrangeStore(state)
    var order = order.filter { !$0.isSame(as: fallback) }
    order.insert(fallback, at: 1)
    return TrialPlan(
      deployment: deployment, order: order, boots: min(boots, TrialLimit.bootsMax))
  }

  /// The running deployment, unless that is on trial itself: then the newest proven one.
  func fallback(_ state: SysrootState) throws(DeployError) -> Deployment? {
    guard let booted = state.booted else { return nil }
    let record = try trialRecord()
    guard record.isOnTrial(booted) else { return booted }
    for identity in record.proven {
      if let found = state.deployments.first(where: { DeploymentIdentity($0) == identity }) {
        return found
      }
    }
    return booted
  }

  /// The record first: whatever is counted from now on, only this deployment can be rejected. A cut
  /// before the commit step merely counts starts of the old one, and its own mark-good ends that.
  func arm(_ plan: TrialPlan) throws(DeployError) {
    var record = try trialRecord()
    record.begin(plan.deployment, boots: plan.boots)
    try write(record)
    try inBoot { () throws(BootError) in try loader.arm(boots: plan.boots) }
  }

  // MARK: End

  /// Ends a trial of what is no longer first in boot order. The store goes first: what it counts
  /// may end in another boot, what the record says only in a word.
  private func settleTrial(_ order: [Deployment], _ state: SysrootState) throws(DeployError) {
    guard loader.countsTrials, state.bootedIndex != nil else { return }
    var record = try trialRecord()
    if let first = order.first, record.isOnTrial(first) { return }
    do throws(BootError) { try loader.clearTrial() } catch {
      // What is damaged counts nothing.
      guard case .environmentDamaged = error else { throw .boot(error) }
    }
    if record.trial == nil { return }
    record.trial = nil
    try write(record)
  }

  /// The same after the commit step, where the order is in force whatever comes of it.
  func trialFailure(_ order: [Deployment], _ state: SysrootState) -> DeployError? {
    do throws(DeployError) {
      try settleTrial(order, state)
      return nil
    } catch { return error }
  }

  /// Where this run is the fallback of a trial that failed: takes the failed deployment out of boot
  /// order, then ends the counting, and remembers it. Nil where it is not.
  ///
  /// Durable, and may be cut off anywhere and run again: rejection recorded, order, store, record.
  /// The other way round a cut could leave the store pointing at the failed deployment.
  public func settleFallback(
    _ lock: borrowing SysrootLock, ignoringDamage: Bool = false
  ) throws(DeployError) -> FallbackReport? {
    let state = try state()
    try followOrder(state)
    guard let booted = state.booted,
      try trialCount(state, ignoringDamage: ignoringDamage) == .fellBack
    else { return nil }
    var record = try trialRecord()
    // Nothing to fall back on was there: it is the one on trial that runs.
    if record.isOnTrial(booted) { return nil }
    let failed = state.deployments.first.flatMap { record.isOnTrial($0) ? $0 : nil }
    if let failed {
      record.reject(failed, at: Clock.wallSeconds)
      try write(record)
    }
    let order = orderAfterFallback(booted, failed, record, state)
    let change = try namingSpace { () throws(DeployError) in
      try write(order, over: state, lock) { () throws(DeployError) in }
    }
    try inBoot { () throws(BootError) in try loader.clearTrial() }
    let rejected = record.trial.flatMap { trial in
      record.rejected.first { $0.deployment == trial.deployment }
    }
    record.trial = nil
    try write(record)
    var report = FallbackReport(rejected: rejected?.deployment, booted: booted, change: change)
    var cleaned = CleanupReport()
    report.cleanupFailure = cleanupFailure(lock, &cleaned)
    return report
  }

  /// Without the failed one. Where none is known to have failed, what runs comes first, unless what
  /// is first was proven: then starts of a good deployment were counted that nobody marked.
  private func orderAfterFallback(
    _ booted: Deployment, _ failed: Deployment?, _ record: TrialRecord, _ state: SysrootState
  ) -> [Deployment] {
    if failed == nil, let first = state.deployments.first, record.isProven(first) {
      return state.deployments
    }
    let others = state.deployments.filter {
      !$0.isSame(as: booted) && !(failed?.isSame(as: $0) ?? false)
    }
    return [booted] + others
  }

  /// The running deployment is proven: ends its trial, and remembers it as what to fall back on.
  ///
  /// Durable, and may be cut off anywhere and run again. What waits for its first start stays on
  /// trial. Throws `notBooted` where nothing runs from this sysroot.
  public func markGood(_ lock: borrowing SysrootLock) throws(DeployError) -> MarkGoodReport {
    let fallback = try settleFallback(lock)
    let state = try state()
    guard let booted = state.booted else { throw .notBooted(path: path) }
    let before = try trialRecord()
    var record = before
    let isWaiting = state.bootedIndex != 0 && record.isOnTrial(state.deployments[0])
    if !isWaiting {
      try inBoot { () throws(BootError) in try loader.clearTrial() }
      record.trial = nil
    }
    if record.proven.first != DeploymentIdentity(booted) { record.prove(booted) }
    if record != before { try write(record) }
    try nameStore(state)
    return MarkGoodReport(
      deployment: booted, isNew: !before.isProven(booted), fallback: fallback)
  }
}

/// A trial that is about to begin.
struct TrialPlan {
  let deployment: Deployment
  /// The first is on trial, the second is what the board falls back on.
  let order: [Deployment]
  let boots: Int
}

/// What became of a trial that failed.
public struct FallbackReport: Sendable {
  /// Nil where a boot loader fell back and nothing was recorded as on trial.
  public let rejected: DeploymentIdentity?
  /// What runs instead.
  public let booted: Deployment
  public let change: BootChange
  /// The order is in force, but not everything that it left could be removed.
  public internal(set) var cleanupFailure: DeployError?
}

/// What a declaration that all is well did.
public struct MarkGoodReport: Sendable {
  public let deployment: Deployment
  /// Whether it was not proven before.
  public let isNew: Bool
  /// What else was found: this run is the fallback of a trial that failed.
  public let fallback: FallbackReport?
}
