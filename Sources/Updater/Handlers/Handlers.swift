// SPDX-License-Identifier: Apache-2.0
public import Codec
public import Configuration
import Linux

/// A verified target that is to be handed to a handler.
public struct HandlerJob: Sendable {
  public let target: HandledTarget
  public let ecu: HandledECU
  /// `custom` of the target, as the metadata has it.
  public let custom: JSONNode?
  /// The system that it goes with; nil if it goes with any.
  public let system: HandledSystem?

  public init(
    _ target: HandledTarget, for ecu: HandledECU, custom: JSONNode?, with system: HandledSystem?
  ) {
    (self.target, self.ecu, self.custom, self.system) = (target, ecu, custom, system)
  }
}

/// What came of the targets that handlers take care of.
public struct HandlerReport: Sendable {
  /// Names of targets, each once for every ECU.
  public internal(set) var applied: [String] = []
  public internal(set) var proven: [String] = []
  public internal(set) var reverted: [String] = []
  /// Targets that are not tried again, since they were taken back before.
  public internal(set) var rejected: [String] = []
  /// Whether the system must be restarted to complete something.
  public internal(set) var needsRestart = false
  /// False where a target that goes with the running system is not well: the system must not be
  /// called good then.
  public internal(set) var isSystemWell = true
  /// What went wrong, in this order. Where there is none, all is as it was wished.
  public internal(set) var failures: [HandlerFailure] = []
}

extension HandlerReport {
  /// What came of a first run and of one after it.
  static func += (one: inout HandlerReport, other: HandlerReport) {
    one.applied += other.applied
    one.proven += other.proven
    one.reverted += other.reverted
    one.rejected += other.rejected
    one.needsRestart = one.needsRestart || other.needsRestart
    one.isSystemWell = one.isSystemWell && other.isSystemWell
    one.failures += other.failures
  }
}

/// Hands targets that are no OSTree commits to the executables that know what to do with them.
///
/// All is remembered, so that a run after a power cut goes on with what was begun. One run at a
/// time: the caller holds the lock of the sysroot.
public struct Handlers: Sendable {
  let places: HandlerPlaces
  let folders: [String]
  let limitSeconds: Int

  /// `stateFolder` is coppice's; handlers are looked for below `root`, that of the running system.
  public init(stateFolder: String, root: String = "/", _ settings: Settings) {
    let prefix = same(root, "/") ? "" : root
    self.init(
      stateFolder: stateFolder, folders: HandlerSearch.folders.map { prefix + $0 },
      limitSeconds: settings.handlerTimeoutSeconds)
  }

  init(stateFolder: String, folders: [String], limitSeconds: Int) {
    places = HandlerPlaces(state: stateFolder)
    self.folders = folders
    self.limitSeconds = limitSeconds
  }

  /// Where the contents of targets must be when `run` is called.
  public var targets: TargetFolder { places.targets }

  /// Whether there is a handler of this name, which may be a hardware id or a format.
  func isInstalled(_ name: String) -> Bool {
    HandlerSearch.name(name).flatMap { HandlerSearch.path($0, in: folders) } != nil
  }

  /// Whether there is a handler for this target.
  func takesCare(of job: HandlerJob) -> Bool { (try? name(for: job)) != nil }

  /// Throws `noHandler` if nothing takes care of this target: before anything is fetched.
  public func check(_ job: HandlerJob) throws(UpdaterError) { _ = try name(for: job) }

  private func name(for job: HandlerJob) throws(UpdaterError) -> String {
    let names = HandlerSearch.names(format: job.target.format, job.ecu)
    for name in names where HandlerSearch.path(name, in: folders) != nil { return name }
    throw .noHandler(
      target: job.target.name, format: job.target.format, hardwareID: job.ecu.hardwareID)
  }

  /// Brings every slot as far as it can be: applies what is wanted, verifies what was applied,
  /// takes back what failed or whose system is gone, and goes on with what was cut off.
  ///
  /// `jobs` nil: nobody asked the server; nothing new is begun, as at the start of a system. Where
  /// one of the jobs fails that go with a system, the others that go with it are taken back: then
  /// the system must not be deployed, and is as it was. `report` is called before each call of a
  /// handler.
  ///
  /// Durable when it returns. Throws `noHandler` before anything is changed, `strangeRecord`,
  /// `file`.
  public func run(
    _ jobs: [HandlerJob]?, _ situation: HandlerSituation, isForced: Bool = false,
    _ report: (HandlerVerb, String) -> Void = { _, _ in }
  ) throws(UpdaterError) -> HandlerReport {
    var run = HandlerRun(self, situation, try places.readRecord())
    var wishes: [(slot: HandlerSlot, job: HandlerJob?)] = []
    for job in jobs ?? [] {
      let name = try name(for: job)
      let slot = run.record.slot(name, job.ecu) ?? HandlerSlot(handler: name, job.ecu)
      wishes.append((slot, job))
    }
    let others = run.record.slots.filter { slot in
      !wishes.contains { $0.slot.isSamePlace(as: slot) }
    }
    wishes = others.map { ($0, nil) } + wishes
    for (slot, job) in wishes {
      let wish: HandlerWish = job.map { .target($0.target) } ?? (jobs == nil ? .unknown : .nothing)
      try run.drive(slot, wish, job, isForced: isForced, report)
    }
    if !run.report.failures.isEmpty, situation.coming != nil {
      try run.takeBackWhatWasComing(report)
    }
    return run.report
  }

  /// How a target stands that is wanted: whether it has to be installed, and whether it is not, by
  /// itself, because it was taken back before.
  func standing(of job: HandlerJob) throws(UpdaterError) -> (isNew: Bool, isRejected: Bool) {
    let name = try name(for: job)
    guard let slot = try places.readRecord().slot(name, job.ecu) else { return (true, false) }
    if slot.isRejected(job.target) { return (true, true) }
    guard let attempt = slot.attempt else {
      return (!(slot.proven?.isSame(as: job.target) ?? false), false)
    }
    // What was applied has yet to show that it is well.
    let isUnderWay = attempt.phase != .applying && attempt.phase != .reverting
    return (!(isUnderWay && attempt.target.isSame(as: job.target)), false)
  }

  /// The contents that must be kept: of what is proven, to go back to, and of what is on its way.
  public func contentsInUse() throws(UpdaterError) -> [TargetContent] {
    try places.readRecord().slots.flatMap { slot in
      [slot.proven, slot.attempt?.target].compactMap { $0?.content }
    }
  }

  /// Removes the others.
  func removeUnused() throws(UpdaterError) { try targets.remove(allBut: contentsInUse()) }

  /// What is proven and on its way, ECU by ECU.
  public func slots() throws(UpdaterError) -> [HandlerSlot] { try places.readRecord().slots }
}
