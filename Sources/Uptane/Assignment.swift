// SPDX-License-Identifier: Apache-2.0
import Codec

/// A target that the director wants some ECUs of this device to run.
public struct Assignment: Sendable {
  /// As the director has it. Nothing is installed before the image repository says the same.
  public let target: Target
  /// All that the director lists under it.
  public let ecus: [ECU]
  /// Those of them that do not run it yet; not empty.
  public let pending: [ECU]
}

/// What a director wants of this device.
public struct Assignments: Sendable {
  /// In the order of the metadata; empty if there is nothing new for any ECU.
  public let pending: [Assignment]
  /// What the director calls this update; echoed in reports. Opaque.
  public let correlationID: String?
}

extension TrustedTargets {
  /// Holds the director's targets against the ECUs of this device. Uptane Standard 2.1.0, 5.4.4.2.
  ///
  /// First whom they are for, over the whole file; then what they are, for the ECUs that run
  /// something else. Throws `malformed`, `duplicateECU`, `unknownECU`, `wrongHardwareID`; then
  /// `sameNameDifferentContent`, `badTargetFormat`, `malformed`.
  public borrowing func assignments(for device: Inventory) throws(UptaneError) -> Assignments {
    let judge = AssignmentJudge(device: device, place: metadata.envelope.place)
    var addressed: [(target: Target, ecus: [ECU])] = []
    var serials: Set<[UInt8]> = []
    for target in metadata.all {
      addressed.append((target, try judge.ecus(of: target, &serials)))
    }
    var pending: [Assignment] = []
    for (target, ecus) in addressed {
      var fresh: [ECU] = []
      for ecu in ecus where try judge.isNew(target, for: ecu) { fresh.append(ecu) }
      if !fresh.isEmpty { pending.append(Assignment(target: target, ecus: ecus, pending: fresh)) }
    }
    return Assignments(
      pending: pending, correlationID: metadata.custom?["correlationId"]?.string)
  }
}

private struct AssignmentJudge {
  let device: Inventory
  let place: Place

  /// Whom a target is for: `custom.ecuIdentifiers`, `{SERIAL: {"hardwareId": …}, …}`.
  func ecus(of target: Target, _ serials: inout Set<[UInt8]>) throws(UptaneError) -> [ECU] {
    guard let identifiers = target.custom?["ecuIdentifiers"], identifiers.kind == .object,
      !identifiers.isEmptyObject
    else { throw place.malformed(.target(path: target.path)) }
    var ecus: [ECU] = []
    for (serial, node) in identifiers.members {
      guard serials.insert(Array(serial.utf8)).inserted else {
        throw place.error(.duplicateECU(serial: serial))
      }
      guard let ecu = device.ecu(serial) else { throw place.error(.unknownECU(serial: serial)) }
      guard node["hardwareId"]?.equals(ecu.hardwareID) ?? false else {
        throw place.error(.wrongHardwareID(path: target.path, hardwareID: ecu.hardwareID))
      }
      ecus.append(ecu)
    }
    return ecus
  }

  /// False if the ECU runs the target already.
  func isNew(_ target: Target, for ecu: ECU) throws(UptaneError) -> Bool {
    if let image = device.image(of: ecu), same(image.path, target.path) {
      guard image.length == target.length, let trusted = image.hashes.sha256,
        same(trusted, target.hashes.sha256 ?? "")
      else { throw place.error(.sameNameDifferentContent(path: target.path)) }
      return false
    }
    if device.primaryIsOSTree, ecu == device.primary { try checkIsOSTree(target) }
    return true
  }

  private func checkIsOSTree(_ target: Target) throws(UptaneError) {
    let format = target.custom?["targetFormat"]
    guard format.map({ $0.equals("OSTREE") }) ?? (target.length == 0) else {
      throw place.error(.badTargetFormat(path: target.path))
    }
    guard let commit = target.hashes.sha256, Hex.decode(commit)?.count == 32 else {
      throw place.malformed(.target(path: target.path))
    }
  }
}
