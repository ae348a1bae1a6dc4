// SPDX-License-Identifier: Apache-2.0
import Codec

/// A target that the server wants one ECU to run, and that a handler takes care of.
public struct HandledInstallation: Hashable, Sendable {
  public let ecu: HandledECU
  public let target: HandledTarget
  public internal(set) var isDownloaded = false

  init(_ ecu: HandledECU, _ target: HandledTarget) { (self.ecu, self.target) = (ecu, target) }

  /// The same content for the same ECU, by the same assignment.
  func isSame(as other: HandledInstallation) -> Bool {
    same(ecu.serial, other.ecu.serial) && target.isSameAssignment(as: other.target)
  }

  /// How it ended, by what handlers have made of their ECUs.
  func outcome(_ slots: [HandlerSlot]) -> HandledOutcome {
    var outcome = HandledOutcome.notBegun
    for slot in slots where same(slot.ecu.serial, ecu.serial) {
      if slot.proven?.isSame(as: target) ?? false { return .installed }
      if slot.isRejected(target) { outcome = .failed }
      guard let attempt = slot.attempt, attempt.target.isSame(as: target) else { continue }
      outcome = attempt.phase == .reverting ? .failed : .waiting
    }
    return outcome
  }
}

enum HandledOutcome: Hashable {
  /// Nothing was made of it, or it was taken back without being to blame.
  case notBegun
  case waiting
  case installed
  case failed
}

extension HandledInstallation {
  init?(in file: Keyfile, _ group: String) {
    guard file.contains(group: group), let serial = file.string(group, "ecu"),
      let hardwareID = file.string(group, "hardware-id"),
      let ecu = HandledECU(serial: serial, hardwareID: hardwareID),
      let target = HandledTarget(in: file, group)
    else { return nil }
    self.init(ecu, target)
    isDownloaded = ((try? file.boolean(group, "downloaded")) ?? nil) ?? false
  }

  func write(to file: inout Keyfile, _ group: String) {
    file.set(group, "ecu", to: ecu.serial)
    file.set(group, "hardware-id", to: ecu.hardwareID)
    target.write(to: &file, group)
    if isDownloaded { file.set(group, "downloaded", to: true) }
  }
}
