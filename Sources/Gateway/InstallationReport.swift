// SPDX-License-Identifier: Apache-2.0
import Codec
public import Uptane

/// How an installation ended, in the words of the director.
public enum ResultCode: String, CaseIterable, Hashable, Sendable {
  case ok = "OK"
  case alreadyProcessed = "ALREADY_PROCESSED"
  case verificationFailed = "VERIFICATION_FAILED"
  case installFailed = "INSTALL_FAILED"
  case downloadFailed = "DOWNLOAD_FAILED"
  case internalError = "INTERNAL_ERROR"
  case generalError = "GENERAL_ERROR"
  case needCompletion = "NEED_COMPLETION"
  case customError = "CUSTOM_ERROR"
  case operationCancelled = "OPERATION_CANCELLED"
  case unknown = "UNKNOWN"

  public var isSuccess: Bool { self == .ok || self == .alreadyProcessed }

  init?(word: String) {
    guard let code = ResultCode.allCases.first(where: { same($0.rawValue, word) }) else {
      return nil
    }
    self = code
  }
}

/// What became of an update on each ECU, for the director: a failure cancels the whole assignment
/// of the device there.
public struct InstallationReport: Sendable {
  public struct Item: Sendable {
    public let ecu: ECU
    public let code: ResultCode
    public let description: String

    public init(ecu: ECU, code: ResultCode, description: String) {
      (self.ecu, self.code, self.description) = (ecu, code, description)
    }
  }

  /// As the director gave it with the assignment.
  public let correlationID: String
  public let items: [Item]

  public init(correlationID: String, items: [Item]) {
    (self.correlationID, self.items) = (correlationID, items)
  }

  private static let contentType = "application/vnd.com.here.otac.installationReport.v1"

  var json: JSONValue {
    let failed = items.filter { !$0.code.isSuccess }
    let text =
      failed.isEmpty
      ? "Installation succeeded" : "Installation failed on one or more ECUs"
    // `<hardware id>:<code>` of every ECU that failed.
    let code = failed.reduce("") {
      $0 + ($0.isEmpty ? "" : "|") + "\($1.ecu.hardwareID):\($1.code.rawValue)"
    }
    let report = JSONValue.object([
      ("correlation_id", .string(correlationID)),
      (
        "items",
        .array(
          items.map {
            .object([
              ("ecu", .string($0.ecu.serial)),
              (
                "result",
                InstallationReport.result(
                  $0.code.rawValue, $0.description, isSuccess: $0.code.isSuccess)
              ),
            ])
          })
      ),
      ("raw_report", .string(text)),
      (
        "result",
        InstallationReport.result(
          failed.isEmpty ? ResultCode.ok.rawValue : code, text, isSuccess: failed.isEmpty)
      ),
    ])
    return .object([
      ("content_type", .string(InstallationReport.contentType)), ("report", report),
    ])
  }

  private static func result(
    _ code: String, _ description: String, isSuccess: Bool
  ) -> JSONValue {
    .object([
      ("code", .string(code)), ("description", .string(description)),
      ("success", .boolean(isSuccess)),
    ])
  }
}

// MARK: - The file `report`: kept until the director has taken it
extension InstallationReport {
  static let file = "report"
  private static let group = "report"

  /// Nil if none waits. What cannot be read is none: it is told again only by accident.
  init?(in folder: GatewayFolder) {
    guard let file = folder.readKeyfileIfSound(InstallationReport.file),
      let correlation = file.string(InstallationReport.group, "correlation-id")
    else { return nil }
    var items: [Item] = []
    while let serial = file.string("ecu \(items.count + 1)", "serial") {
      let group = "ecu \(items.count + 1)"
      let ecu = ECU(serial: serial, hardwareID: file.string(group, "hardware-id") ?? "")
      let code = file.string(group, "code").flatMap { ResultCode(word: $0) }
      items.append(
        Item(
          ecu: ecu, code: code ?? .unknown, description: file.string(group, "description") ?? ""))
    }
    self.init(correlationID: correlation, items: items)
  }

  /// Durable when it returns; in place of one that waits.
  func write(to folder: GatewayFolder) throws(GatewayError) {
    var file = GatewayFolder.newKeyfile()
    file.set(InstallationReport.group, "correlation-id", to: correlationID)
    for (index, item) in items.enumerated() {
      let group = "ecu \(index + 1)"
      file.set(group, "serial", to: item.ecu.serial)
      file.set(group, "hardware-id", to: item.ecu.hardwareID)
      file.set(group, "code", to: item.code.rawValue)
      file.set(group, "description", to: item.description)
    }
    try folder.write(InstallationReport.file, file)
  }
}
