// SPDX-License-Identifier: Apache-2.0

/// An ECU whose targets are handed to handlers: one word of `handled-ecus`.
public struct HandledECUSetting: Hashable, Sendable {
  public let hardwareID: String
  /// Nil: made of the primary's.
  public let serial: String?

  /// As it stands in a file: `HARDWARE-ID` or `HARDWARE-ID:SERIAL`.
  var text: String { serial.map { "\(hardwareID):\($0)" } ?? hardwareID }
}

extension SettingText {
  /// Separated by `;`; none of them twice, and no serial twice.
  static func ecus(_ text: String) -> [HandledECUSetting]? {
    var ecus: [HandledECUSetting] = []
    for word in list(text) ?? [] {
      let parts = word.utf8.split(
        separator: UInt8(ascii: ":"), maxSplits: 1, omittingEmptySubsequences: false)
      let hardwareID = trimmed(String(decoding: parts[0], as: UTF8.self))
      let serial = parts.count > 1 ? trimmed(String(decoding: parts[1], as: UTF8.self)) : nil
      guard !hardwareID.isEmpty, serial?.isEmpty != true else { return nil }
      let ecu = HandledECUSetting(hardwareID: hardwareID, serial: serial)
      if ecus.contains(where: { $0.clashes(with: ecu) }) { return nil }
      ecus.append(ecu)
    }
    return ecus.isEmpty ? nil : ecus
  }
}

extension HandledECUSetting {
  fileprivate func clashes(with other: HandledECUSetting) -> Bool {
    if let serial, let their = other.serial { return serial.utf8.elementsEqual(their.utf8) }
    return serial == nil && other.serial == nil
      && hardwareID.utf8.elementsEqual(other.hardwareID.utf8)
  }
}
