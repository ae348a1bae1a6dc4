// SPDX-License-Identifier: Apache-2.0
import Gateway

/// How an update ended, system and targets together: one report of all ECUs. Pure.
struct Settlement {
  /// Nil where the update was of targets alone.
  let system: (Installation, ResultCode, reason: String)?
  let handled: [(HandledInstallation, ResultCode, reason: String)]

  /// Nil while that is not known of one of them, or nothing is on its way.
  init?(
    _ record: InstallationRecord, _ evidence: Installation.Evidence, _ slots: [HandlerSlot],
    isAbandoned: Bool
  ) {
    if record.pending == nil, record.handled.isEmpty { return nil }
    var systemEnd: (ResultCode, String)?
    if let pending = record.pending {
      switch pending.outcome(evidence) {
      case .installed: systemEnd = (.ok, "")
      case .failed: systemEnd = (.installFailed, "the device fell back")
      case .waiting:
        guard isAbandoned else { return nil }
        systemEnd = (.operationCancelled, "a target that goes with it failed")
      }
    }
    var handled: [(HandledInstallation, ResultCode, reason: String)] = []
    for target in record.handled {
      switch target.outcome(slots) {
      case .installed: handled.append((target, .ok, ""))
      case .failed: handled.append((target, .installFailed, "its handler failed"))
      case .waiting: return nil
      case .notBegun:
        // Of a target alone the next run begins it.
        guard systemEnd != nil || isAbandoned else { return nil }
        handled.append((target, .operationCancelled, "another target of this update failed"))
      }
    }
    system = record.pending.flatMap { pending in systemEnd.map { (pending, $0.0, $0.1) } }
    self.handled = handled
  }

  var isSuccess: Bool {
    (system?.1.isSuccess ?? true) && handled.allSatisfy { $0.1.isSuccess }
  }

  var correlationID: String? {
    system?.0.correlationID ?? handled.first?.0.target.correlationID
  }
}
