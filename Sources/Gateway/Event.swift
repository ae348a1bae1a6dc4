// SPDX-License-Identifier: Apache-2.0
import Codec
import Linux

/// Something that happened on the device and that its owner may want to follow.
public struct Event: Sendable {
  public enum Kind: Hashable, Sendable {
    case downloadStarted
    case downloadCompleted(isSuccess: Bool)
    case installationStarted
    /// Deployed, and waiting for a restart.
    case installationApplied
    case installationCompleted(isSuccess: Bool)
  }

  public let kind: Kind
  /// The serial of the ECU that it is about.
  public let ecu: String
  /// As the director gave it; empty: it gave none.
  public let correlationID: String
  /// Seconds since 1970.
  public let time: Int64

  public init(_ kind: Kind, ecu: String, correlationID: String, time: Int64) {
    (self.kind, self.ecu, self.correlationID, self.time) = (kind, ecu, correlationID, time)
  }

  private var name: String {
    switch kind {
    case .downloadStarted: "EcuDownloadStarted"
    case .downloadCompleted: "EcuDownloadCompleted"
    case .installationStarted: "EcuInstallationStarted"
    case .installationApplied: "EcuInstallationApplied"
    case .installationCompleted: "EcuInstallationCompleted"
    }
  }

  /// With an id of its own, by which a server knows it when it comes a second time.
  func json(id: String) -> JSONValue {
    var members: [(String, JSONValue)] = [("ecu", .string(ecu))]
    if !correlationID.isEmpty { members.append(("correlationId", .string(correlationID))) }
    switch kind {
    case .downloadCompleted(let isSuccess), .installationCompleted(let isSuccess):
      members.append(("success", .boolean(isSuccess)))
    default: break
    }
    return .object([
      ("id", .string(id)), ("deviceTime", .string(Timestamp.text(seconds: time))),
      ("eventType", .object([("id", .string(name)), ("version", .integer(0))])),
      ("event", .object(members)),
    ])
  }

  /// A random UUID. RFC 9562 5.4.
  static func identifier(_ random: [UInt8] = Process.randomBytes(16)) -> String {
    var bytes = random
    bytes[6] = bytes[6] & 0x0F | 0x40
    bytes[8] = bytes[8] & 0x3F | 0x80
    var text = ""
    for (index, byte) in bytes.enumerated() {
      if index == 4 || index == 6 || index == 8 || index == 10 { text += "-" }
      text += Hex.encode([byte].span)
    }
    return text
  }
}
