// SPDX-License-Identifier: Apache-2.0
import Cryptography
import Deploy
import Gateway
import Linux
import Transport
import Uptane

/// What the server of this device is told in one run of `update`: how the last update ended, what
/// runs, and what is being done.
///
/// Everything is kept on disk first and told then: a server that cannot be reached keeps nobody
/// from updating, and hears of it later. Only one run at a time can hold it.
final class ServerReports {
  private let server: DeviceServer
  private let gateway: GatewayClient
  private let image: InstalledImage?
  private(set) var record: InstallationRecord
  /// The first failure to tell the server something.
  private(set) var failure: GatewayError?
  private var primary: ECU?

  /// Throws `busy` in `gateway` if another run is at it.
  init(_ server: DeviceServer, _ state: SysrootState) throws(UpdaterError) {
    self.server = server
    let options = server.options
    gateway = try inGateway { () throws(GatewayError) in try GatewayClient(options) }
    image = server.image(state)
    record = try InstallationRecord(folder: server.folder)
  }

  // MARK: At the start

  /// Gets the device an identity if it has none, and makes it known to its director.
  func provision() throws(UpdaterError) {
    let gateway = gateway
    primary = try inGateway { () throws(GatewayError) in try gateway.provision() }.primary
  }

  /// Finds out how the update before ended, and keeps the report of it; true if it is installed,
  /// nil if nothing is to be told. Needs no network; durable when it returns.
  func settle(_ evidence: Installation.Evidence) throws(UpdaterError) -> Bool? {
    guard let pending = record.pending else { return nil }
    let outcome = pending.outcome(evidence)
    guard outcome != .waiting else { return nil }
    let isInstalled = outcome == .installed
    try keep(pending, isInstalled ? .ok : .installFailed, isInstalled ? "" : "the device fell back")
    try add(.installationCompleted(isSuccess: isInstalled), pending)
    // Last: who is cut off before this tells it once more.
    if isInstalled { record.succeed() } else { record.fail(at: server.now.seconds) }
    try record.write(folder: server.folder)
    return isInstalled
  }

  /// Tells what runs, unless something else is about to, and all that has waited.
  func tell(attack: String = "") {
    let gateway = gateway
    telling { () throws(GatewayError) in _ = try gateway.sendInformation() }
    telling { () throws(GatewayError) in try gateway.sendEvents() }
    guard record.pending?.isDeployed != true || !attack.isEmpty, let image else { return }
    telling { () throws(GatewayError) in try gateway.sendManifest(image, attack: attack) }
  }

  // MARK: On the way

  /// Notes what is wanted, and by which name its commit is known from now on. Durable when it
  /// returns: also a device that starts it in an unforeseen way knows what it runs.
  func begin(_ wanted: Installation) throws(UpdaterError) {
    if record.pending?.isSame(as: wanted) != true {
      try add(.downloadStarted, wanted)
    }
    record.begin(wanted)
    try record.write(folder: server.folder)
    let images = InstalledImages(stateFolder: server.folder)
    try inGateway { () throws(GatewayError) in
      try images.record(target: wanted.target, commit: wanted.commit.hex)
    }
  }

  func downloaded(_ wanted: Installation, isSuccess: Bool) throws(UpdaterError) {
    try add(.downloadCompleted(isSuccess: isSuccess), wanted)
  }

  func deploying(_ wanted: Installation) throws(UpdaterError) {
    try add(.installationStarted, wanted)
  }

  /// The new deployment is in boot order. Durable when it returns.
  func deployed(_ wanted: Installation) throws(UpdaterError) {
    record.noteDeployed()
    try record.write(folder: server.folder)
    try add(.installationApplied, wanted)
  }

  /// Sends the events of this run.
  func finish() {
    let gateway = gateway
    telling { () throws(GatewayError) in try gateway.sendEvents() }
  }

  // MARK: Details

  private func ecu() throws(UpdaterError) -> ECU {
    if let primary { return primary }
    let found = try server.primary()
    primary = found
    return found
  }

  private func keep(
    _ installation: Installation, _ code: ResultCode, _ description: String
  ) throws(UpdaterError) {
    let (gateway, ecu) = (gateway, try ecu())
    let report = InstallationReport(
      correlationID: installation.correlationID ?? "",
      items: [InstallationReport.Item(ecu: ecu, code: code, description: description)])
    try inGateway { () throws(GatewayError) in try gateway.keep(report) }
  }

  private func add(
    _ kind: Event.Kind, _ installation: Installation
  ) throws(UpdaterError) {
    let gateway = gateway
    let event = Event(
      kind, ecu: try ecu().serial, correlationID: installation.correlationID ?? "",
      time: server.now.seconds)
    try inGateway { () throws(GatewayError) in try gateway.add(event) }
  }

  private func telling(_ body: () throws(GatewayError) -> Void) {
    do throws(GatewayError) { try body() } catch { failure = failure ?? error }
  }
}
