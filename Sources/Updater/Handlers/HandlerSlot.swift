// SPDX-License-Identifier: Apache-2.0
import Uptane

/// What one handler has made of one ECU: the target that is proven, and the one that is on its way
/// to be. Pure: what is to be done next, and what is remembered of how it went.
/// ```
/// phase      reached                                      what is next
/// applying   before `apply`                               apply
/// applied    when `apply` is done                         verify
/// restart    when `apply` is done but for a restart       verify, after the restart
/// verified   when `verify` found it well                  proven, as soon as its system is
/// reverting  before `revert`: a call has failed, or the   revert, then nothing
///            system that it goes with is gone
/// ```
/// Each state is on the medium before the handler is called that leads to the next. So a power cut
/// ends in the same call again, `apply` or `revert`, whatever part of it had been done: handlers
/// must stand that. A target without a system that it goes with is proven as soon as it is well.
public struct HandlerSlot: Hashable, Sendable {
  /// The name of the handler.
  public let handler: String
  public let ecu: HandledECU
  /// What a failed attempt goes back to; nil where nothing was ever proven.
  public internal(set) var proven: HandledTarget?
  public internal(set) var attempt: Attempt?
  /// What was tried and taken back, the newest first: not tried again for the same assignment.
  public internal(set) var rejected: [HandledTarget] = []

  static let rejectedMax = 4

  public init(handler: String, _ ecu: HandledECU) {
    self.handler = handler
    self.ecu = ecu
  }

  public enum Phase: String, Sendable, CaseIterable {
    /// `apply` was called, or was about to be.
    case applying
    /// `apply` is done.
    case applied
    /// `apply` is done but for a restart of the system.
    case restart
    /// And it is well. The system that it goes with has yet to be proven.
    case verified
    /// `revert` was called, or was about to be.
    case reverting
  }

  public struct Attempt: Hashable, Sendable {
    public let target: HandledTarget
    /// The system that it goes with; nil if it goes with any.
    public let system: HandledSystem?
    public internal(set) var phase: Phase
    /// The boot in which the phase was reached. random(4), `boot_id`.
    public internal(set) var boot: String
    /// Of `reverting`: whether the target is to blame.
    public internal(set) var isRejected = false
  }

  /// The same handler for the same ECU.
  func isSamePlace(as other: HandlerSlot) -> Bool {
    same(handler, other.handler) && same(ecu.serial, other.ecu.serial)
  }

  func isRejected(_ target: HandledTarget) -> Bool {
    rejected.contains { $0.isSameAssignment(as: target) }
  }
}

extension HandlerSlot {
  /// What the director is told that the ECU runs; nil where nothing was proven.
  var image: InstalledImage? { proven?.image }

  /// Whether this target was tried for this ECU and taken back, where no assignment says more.
  func hasRejected(_ target: VerifiedTarget, of ecu: ECU) -> Bool {
    guard same(self.ecu.serial, ecu.serial),
      let wanted = try? HandledTarget(target, correlationID: nil)
    else { return false }
    return isRejected(wanted)
  }
}

/// What is wanted of a slot.
public enum HandlerWish: Hashable, Sendable {
  /// Nobody has asked the server: what was begun goes on.
  case unknown
  case nothing
  case target(HandledTarget)
}

/// What to do next about a slot.
public enum HandlerStep: Hashable, Sendable {
  case nothing
  /// Wait for a restart of the system.
  case restart
  case apply
  case verify
  /// Take the attempt back; whether its target is to blame.
  case revert(isRejected: Bool)
  /// The attempt is proven: nothing is called.
  case prove
}

// MARK: - What to do
extension HandlerSlot {
  /// `standing` is that of the system that the attempt goes with. `boot` is the present one.
  func next(_ wish: HandlerWish, _ standing: SystemStanding, boot: String) -> HandlerStep {
    guard let attempt else { return beginning(wish) }
    if attempt.phase == .reverting { return .revert(isRejected: attempt.isRejected) }
    if case .gone(let isRejected) = standing { return .revert(isRejected: isRejected) }
    let isThisBoot = !boot.isEmpty && same(boot, attempt.boot)
    switch (attempt.phase, standing) {
    case (.applying, _): return isWanted(attempt.target, wish) ? .apply : .revert(isRejected: false)
    case (_, .awaited): return .restart
    case (.restart, _) where isThisBoot: return .restart
    case (.verified, .running(isProven: false)) where isThisBoot: return .nothing
    case (.verified, .alone), (.verified, .running(isProven: true)):
      return isThisBoot ? .prove : .verify
    default: return .verify
    }
  }

  private func beginning(_ wish: HandlerWish) -> HandlerStep {
    guard case .target(let target) = wish, !isRejected(target),
      !(proven?.isSame(as: target) ?? false)
    else { return .nothing }
    return .apply
  }

  private func isWanted(_ target: HandledTarget, _ wish: HandlerWish) -> Bool {
    switch wish {
    case .unknown: true
    case .nothing: false
    case .target(let wanted): wanted.isSame(as: target)
    }
  }
}

// MARK: - What was done
extension HandlerSlot {
  /// Before the first `apply`.
  mutating func begin(_ target: HandledTarget, with system: HandledSystem?, boot: String) {
    rejected.removeAll { $0.isSame(as: target) }
    attempt = Attempt(target: target, system: system, phase: .applying, boot: boot)
  }

  /// `apply` has ended.
  mutating func applied(_ end: HandlerEnd, boot: String) {
    switch end {
    case .done: enter(.applied, boot)
    case .restart: enter(.restart, boot)
    // By its word nothing was changed, which may not be true of a call that was cut off before.
    case .later: break
    case .failed: beginReverting(isRejected: true, boot: boot)
    }
  }

  /// `verify` has ended. Where the system is on trial its own fallback comes first: a target that
  /// is not well keeps it from being proven.
  mutating func verified(_ end: HandlerEnd, _ standing: SystemStanding, boot: String) {
    if end == .done { return enter(.verified, boot) }
    if standing == .running(isProven: false) { return enter(.applied, boot) }
    beginReverting(isRejected: true, boot: boot)
  }

  mutating func prove() {
    guard let attempt else { return }
    proven = attempt.target
    self.attempt = nil
  }

  /// Before the first `revert`.
  mutating func beginReverting(isRejected: Bool, boot: String) {
    guard attempt?.phase != .reverting else { return }
    enter(.reverting, boot)
    attempt?.isRejected = isRejected
  }

  /// `revert` has ended. What failed is tried again by the next run.
  mutating func reverted(_ end: HandlerEnd) {
    guard let attempt, end == .done || end == .restart else { return }
    if attempt.isRejected {
      rejected.insert(attempt.target, at: 0)
      rejected = Array(rejected.prefix(HandlerSlot.rejectedMax))
    }
    self.attempt = nil
  }

  private mutating func enter(_ phase: Phase, _ boot: String) {
    attempt?.phase = phase
    attempt?.boot = boot
  }
}
