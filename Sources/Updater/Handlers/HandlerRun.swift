// SPDX-License-Identifier: Apache-2.0
import Linux

/// One run over the slots: carries out what each of them says is next, and remembers it.
struct HandlerRun {
  private let handlers: Handlers
  private var situation: HandlerSituation
  private(set) var record: HandlerRecord
  private(set) var report = HandlerReport()

  /// The longest way through a slot, with something taken back before and after it, is shorter.
  private static let stepsMax = 16

  init(_ handlers: Handlers, _ situation: HandlerSituation, _ record: HandlerRecord) {
    self.handlers = handlers
    self.situation = situation
    self.record = record
  }

  /// Goes on until there is nothing to do but wait. A failure ends what was wished: what it leaves
  /// is taken back, and nothing else is begun.
  mutating func drive(
    _ slot: HandlerSlot, _ wish: HandlerWish, _ job: HandlerJob?, isForced: Bool,
    _ announce: (HandlerVerb, String) -> Void
  ) throws(UpdaterError) {
    var slot = slot
    var wish = wish
    if isForced, job != nil { slot.rejected = [] }
    for _ in 0..<HandlerRun.stepsMax {
      let standing = situation.standing(of: slot.attempt?.system)
      switch slot.next(wish, standing, boot: situation.boot) {
      case .nothing: return noteRejection(slot, wish)
      case .restart:
        report.needsRestart = true
        return
      case .prove:
        if let target = slot.attempt?.target { report.proven.append(target.name) }
        slot.prove()
        try save(slot)
      case .apply:
        if slot.attempt == nil {
          guard let job, report.failures.isEmpty else { return }
          try begin(&slot, job)
        }
        guard try isAtHand(slot, job) else { return }
        if try !apply(&slot, announce) { wish = .unknown }
      case .verify:
        if try !verify(&slot, standing, announce) {
          // On trial: that it falls back comes first.
          if slot.attempt?.phase == .applied { return }
          wish = .unknown
        }
      case .revert(let isRejected):
        if try !revert(&slot, isRejected: isRejected, announce) { return }
      }
      if slot.attempt?.phase == .applying { return }  // Not now.
    }
    die("a target that comes to no end")
  }

  private mutating func noteRejection(_ slot: HandlerSlot, _ wish: HandlerWish) {
    if case .target(let target) = wish, slot.isRejected(target) {
      report.rejected.append(target.name)
    }
  }

  // MARK: Steps

  private mutating func begin(_ slot: inout HandlerSlot, _ job: HandlerJob) throws(UpdaterError) {
    let text = HandlerMetadata.text(
      of: slot, job.target, with: job.system, custom: job.custom, handlers.targets)
    try handlers.places.writeMetadata(text, of: slot)
    slot.begin(job.target, with: job.system, boot: situation.boot)
    try save(slot)
  }

  /// Whether the content that was cut off from being applied is still there. If not, the next run
  /// that asks the server fetches it.
  private func isAtHand(_ slot: HandlerSlot, _ job: HandlerJob?) throws(UpdaterError) -> Bool {
    guard job == nil, let attempt = slot.attempt else { return true }
    return try handlers.targets.contains(attempt.target.content)
  }

  private mutating func apply(
    _ slot: inout HandlerSlot, _ announce: (HandlerVerb, String) -> Void
  ) throws(UpdaterError) -> Bool {
    let (end, isFine) = try call(.apply, slot, announce)
    slot.applied(end, boot: situation.boot)
    try save(slot)
    if isFine, let target = slot.attempt?.target { report.applied.append(target.name) }
    return isFine
  }

  private mutating func verify(
    _ slot: inout HandlerSlot, _ standing: SystemStanding,
    _ announce: (HandlerVerb, String) -> Void
  ) throws(UpdaterError) -> Bool {
    let (end, isFine) = try call(.verify, slot, announce)
    slot.verified(end, standing, boot: situation.boot)
    try save(slot)
    if !isFine, standing == .running(isProven: false) { report.isSystemWell = false }
    return isFine
  }

  /// False where it failed: it stays to be done.
  private mutating func revert(
    _ slot: inout HandlerSlot, isRejected: Bool, _ announce: (HandlerVerb, String) -> Void
  ) throws(UpdaterError) -> Bool {
    slot.beginReverting(isRejected: isRejected, boot: situation.boot)
    try save(slot)
    let target = slot.attempt?.target.name ?? ""
    let (end, isFine) = try call(.revert, slot, announce)
    slot.reverted(end)
    try save(slot)
    if isFine { report.reverted.append(target) }
    if end == .restart { report.needsRestart = true }
    return isFine
  }

  private mutating func call(
    _ verb: HandlerVerb, _ slot: HandlerSlot, _ announce: (HandlerVerb, String) -> Void
  ) throws(UpdaterError) -> (end: HandlerEnd, isFine: Bool) {
    guard let attempt = slot.attempt else { return (.done, true) }
    try handlers.places.prepare(slot)
    announce(verb, attempt.target.name)
    let call = HandlerCall(
      verb: verb, slot: slot, attempt: attempt, places: handlers.places,
      limitSeconds: handlers.limitSeconds)
    let (end, failure) = call.run(HandlerSearch.path(slot.handler, in: handlers.folders))
    if let failure { report.failures.append(failure) }
    return (end, failure == nil)
  }

  private mutating func save(_ slot: HandlerSlot) throws(UpdaterError) {
    record.set(slot)
    try handlers.places.write(record)
  }

  // MARK: All or nothing

  /// The system will not be deployed: what was applied to go with it goes.
  mutating func takeBackWhatWasComing(
    _ announce: (HandlerVerb, String) -> Void
  ) throws(UpdaterError) {
    let coming = situation.coming
    situation.coming = nil
    for slot in record.slots {
      guard let system = slot.attempt?.system, system == coming else { continue }
      try drive(slot, .unknown, nil, isForced: false, announce)
    }
  }
}
