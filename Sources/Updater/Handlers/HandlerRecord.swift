// SPDX-License-Identifier: Apache-2.0
import Codec
import Cryptography
import Linux

/// What handlers have made of which ECU: the file `handled-targets` of coppice's state.
/// ```
/// [handlers]
/// version=1
///
/// [slot 1]
/// handler=docker-compose
/// ecu=gw-0001-compose
/// hardware-id=docker-compose
///
/// [slot 1 proven]
/// name=apps-7.lock.yml
/// version=7
/// format=BINARY
/// length=1204
/// sha256=4e67ea…
/// correlation-id=urn:here-ota:mtu:…
///
/// [slot 1 attempt]                 the same, and
/// phase=applied
/// boot=5d1b8c41-…
/// stateroot=poky                   both missing where it goes with any system
/// checksum=91b2c7…
///
/// [slot 1 rejected 1]
/// ```
struct HandlerRecord: Hashable {
  var slots: [HandlerSlot] = []

  /// More ECUs than any device has behind it.
  static let slotsMax = 64
  /// Above what so many slots with the longest texts take.
  static let bytesMax = 4 << 20

  private static let group = "handlers"
  private static let version: Int64 = 1

  func slot(_ handler: String, _ ecu: HandledECU) -> HandlerSlot? {
    slots.first { same($0.handler, handler) && same($0.ecu.serial, ecu.serial) }
  }

  /// Puts the slot in the place of the one for the same handler and ECU. Where there are too many,
  /// the one goes that nothing was done with for longest.
  mutating func set(_ slot: HandlerSlot) {
    slots.removeAll { $0.isSamePlace(as: slot) }
    if slots.count >= HandlerRecord.slotsMax {
      slots.remove(at: slots.firstIndex { $0.attempt == nil } ?? 0)
    }
    slots.append(slot)
  }

  init() {}

  /// Nil for what is no such record, or is one of a newer form.
  init?(parsing text: [UInt8]) {
    guard let file = try? Keyfile(parsing: text),
      (try? file.integer(HandlerRecord.group, "version")) == HandlerRecord.version
    else { return nil }
    for number in 1...HandlerRecord.slotsMax {
      guard file.contains(group: "slot \(number)") else { break }
      guard let slot = HandlerSlot(in: file, "slot \(number)") else { return nil }
      slots.append(slot)
    }
  }

  func serialized() -> [UInt8] {
    var file = Keyfile()
    file.set(HandlerRecord.group, "version", to: String(HandlerRecord.version))
    for (index, slot) in slots.prefix(HandlerRecord.slotsMax).enumerated() {
      slot.write(to: &file, "slot \(index + 1)")
    }
    return file.serialized()
  }
}

extension HandlerSlot {
  fileprivate init?(in file: Keyfile, _ group: String) {
    guard let handler = file.string(group, "handler"),
      let serial = file.string(group, "ecu"), let hardwareID = file.string(group, "hardware-id"),
      let ecu = HandledECU(serial: serial, hardwareID: hardwareID)
    else { return nil }
    self.init(handler: handler, ecu)
    let (provenGroup, attemptGroup) = ("\(group) proven", "\(group) attempt")
    if file.contains(group: provenGroup) {
      guard let target = HandledTarget(in: file, provenGroup) else { return nil }
      proven = target
    }
    if file.contains(group: attemptGroup) {
      guard let found = Attempt(in: file, attemptGroup) else { return nil }
      attempt = found
    }
    for number in 1...HandlerSlot.rejectedMax {
      guard let target = HandledTarget(in: file, "\(group) rejected \(number)") else { break }
      rejected.append(target)
    }
  }

  fileprivate func write(to file: inout Keyfile, _ group: String) {
    file.set(group, "handler", to: handler)
    file.set(group, "ecu", to: ecu.serial)
    file.set(group, "hardware-id", to: ecu.hardwareID)
    proven?.write(to: &file, "\(group) proven")
    attempt?.write(to: &file, "\(group) attempt")
    for (index, target) in rejected.enumerated() {
      target.write(to: &file, "\(group) rejected \(index + 1)")
    }
  }
}

extension HandlerSlot.Attempt {
  fileprivate init?(in file: Keyfile, _ group: String) {
    guard let target = HandledTarget(in: file, group),
      let word = file.string(group, "phase"), let boot = file.string(group, "boot"),
      let phase = HandlerSlot.Phase.allCases.first(where: { same($0.rawValue, word) })
    else { return nil }
    let (stateroot, checksum) = (file.string(group, "stateroot"), file.string(group, "checksum"))
    var system: HandledSystem?
    if let stateroot {
      guard let commit = checksum.flatMap({ Checksum(hex: $0) }) else { return nil }
      system = HandledSystem(stateroot: stateroot, commit: commit)
    }
    self.init(target: target, system: system, phase: phase, boot: boot)
    isRejected = ((try? file.boolean(group, "rejected")) ?? nil) ?? false
  }

  fileprivate func write(to file: inout Keyfile, _ group: String) {
    target.write(to: &file, group)
    file.set(group, "phase", to: phase.rawValue)
    file.set(group, "boot", to: boot)
    if let system {
      file.set(group, "stateroot", to: system.stateroot)
      file.set(group, "checksum", to: system.commit.hex)
    }
    if isRejected { file.set(group, "rejected", to: true) }
  }
}
