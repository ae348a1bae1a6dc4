// SPDX-License-Identifier: Apache-2.0
import Codec
import Cryptography
import Transport
import Uptane

/// Tells the director which ECUs there are, once, and again when one has another serial or another
/// hardware id: the file `registration`.
/// ```
/// [device]
/// id=lusab-babad-gutih-tugad     by which device the director was told
///
/// [ecu 1]                        the primary, and others; what the director has accepted
/// serial=8a76031f…
/// hardware-id=edge-gw-v2
///
/// [asked 1]                      what it is being told, until it has answered
/// ```
struct ECURegistration {
  private static let file = "registration"
  private static let device = "device"
  private static let accepted = "ecu"
  private static let asked = "asked"
  private static let serialCharactersMax = 64
  private static let hardwareIDCharactersMax = 200

  let folder: GatewayFolder
  /// What another device has told is nothing here.
  let deviceID: String

  /// The primary by the configuration and its key.
  static func primary(_ options: GatewayOptions, _ key: ECUKey) throws(GatewayError) -> ECU {
    let serial = options.serial ?? key.identifier
    guard isText(serial, 1...serialCharactersMax) else { throw .badName(.serial, serial) }
    let hardwareID = options.hardwareID ?? SystemFiles(root: options.systemRoot).hostName ?? ""
    guard isText(hardwareID, 0...hardwareIDCharactersMax) else {
      throw .badName(.hardwareID, hardwareID)
    }
    return ECU(serial: serial, hardwareID: hardwareID)
  }

  /// All that a device speaks for, the primary first.
  static func all(_ options: GatewayOptions, with primary: ECU) throws(GatewayError) -> [ECU] {
    var ecus = [primary]
    for other in options.others {
      let serial = other.serial ?? serial(of: other.hardwareID, with: ecus[0])
      guard isText(serial, 1...serialCharactersMax),
        !ecus.contains(where: { same($0.serial, serial) })
      else { throw .badName(.serial, serial) }
      guard isText(other.hardwareID, 1...hardwareIDCharactersMax) else {
        throw .badName(.hardwareID, other.hardwareID)
      }
      ecus.append(ECU(serial: serial, hardwareID: other.hardwareID))
    }
    return ecus
  }

  /// Always the same for a device, and another on each.
  private static func serial(of hardwareID: String, with primary: ECU) -> String {
    SHA256.hash(Array("\(primary.serial)\n\(hardwareID)".utf8)).hex
  }

  private static func isText(_ text: String, _ range: ClosedRange<Int>) -> Bool {
    range.contains(text.unicodeScalars.count)
      && text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
  }

  /// What the director is told; the first is the primary.
  static func body(_ ecus: [(ecu: ECU, key: ECUKey)]) -> JSONValue {
    .object([
      ("primary_ecu_serial", .string(ecus[0].ecu.serial)),
      (
        "ecus",
        .array(
          ecus.map {
            .object([
              ("hardware_identifier", .string($0.ecu.hardwareID)),
              ("ecu_serial", .string($0.ecu.serial)), ("clientKey", $0.key.object),
            ])
          })
      ),
    ])
  }

  /// Whether the director knows just these.
  func isCurrent(_ ecus: [ECU]) throws(GatewayError) -> Bool {
    try read(ECURegistration.accepted) == ecus
  }

  /// Tells the director, if it does not know. Durable when it returns.
  ///
  /// An older director says "registered already" to who asks again after having been cut off: that
  /// counts as success where we know that we have asked for just this before. Errors: `.refused`.
  func register(
    _ ecus: [(ecu: ECU, key: ECUKey)], _ server: GatewayServer, _ url: HTTPURL
  ) throws(GatewayError) {
    let wanted = ecus.map { $0.ecu }
    if try isCurrent(wanted) { return }
    let wasAsked = try read(ECURegistration.asked) == wanted
    let before = try read(ECURegistration.accepted)
    if !wasAsked { try write(accepted: before, asked: wanted) }
    let answer = try server.post(
      ECURegistration.body(ecus).canonicalBytes, to: url, isIdempotent: true)
    let isKnown =
      answer.hasCode("ecu_already_registered") || answer.hasCode("device_already_registered")
    if answer.isSuccess || (isKnown && (wasAsked || answer.isRepeated)) {
      return try write(accepted: wanted, asked: [])
    }
    try write(accepted: before, asked: [])
    throw answer.refusal(url)
  }

  // MARK: The file

  private func read(_ kind: String) throws(GatewayError) -> [ECU] {
    guard let file = try folder.readKeyfile(ECURegistration.file),
      let teller = file.string(ECURegistration.device, "id"), same(teller, deviceID)
    else { return [] }
    var ecus: [ECU] = []
    while let serial = file.string("\(kind) \(ecus.count + 1)", "serial") {
      let hardwareID = file.string("\(kind) \(ecus.count + 1)", "hardware-id") ?? ""
      ecus.append(ECU(serial: serial, hardwareID: hardwareID))
    }
    return ecus
  }

  private func write(accepted: [ECU], asked: [ECU]) throws(GatewayError) {
    var file = GatewayFolder.newKeyfile()
    file.set(ECURegistration.device, "id", to: deviceID)
    for (kind, ecus) in [(ECURegistration.accepted, accepted), (ECURegistration.asked, asked)] {
      for (index, ecu) in ecus.enumerated() {
        file.set("\(kind) \(index + 1)", "serial", to: ecu.serial)
        file.set("\(kind) \(index + 1)", "hardware-id", to: ecu.hardwareID)
      }
    }
    try folder.write(ECURegistration.file, file)
  }
}
