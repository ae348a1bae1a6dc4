// SPDX-License-Identifier: Apache-2.0
import Cryptography
import Deploy
import Gateway
import Linux
import Transport
import Uptane

/// What is remembered, over restarts, of the update that the server of this device wants, and what
/// the server is told in one run of `update`: how the last update ended, what runs, and what is
/// being done.
///
/// Everything is kept on disk first and told then: a server that cannot be reached keeps nobody
/// from updating, and hears of it later. Only one run at a time can hold it.
final class ServerReports {
  private let server: DeviceServer
  /// Nil where nobody is told anything.
  private let gateway: GatewayClient?
  private(set) var record: InstallationRecord
  /// The first failure to tell the server something.
  private(set) var failure: GatewayError?
  private var ecus: [ECU]?

  /// Throws `busy` in `gateway` if another run is at it.
  init(_ server: DeviceServer) throws(UpdaterError) {
    self.server = server
    let options = server.options
    gateway =
      server.isReportedTo
      ? try inGateway { () throws(GatewayError) in try GatewayClient(options) } : nil
    record = try InstallationRecord(folder: server.folder)
  }

  var isTelling: Bool { gateway != nil }

  // MARK: At the start

  /// Gets the device an identity if it has none, and makes it known to its director.
  func provision() throws(UpdaterError) {
    guard let gateway else { return }
    ecus = try inGateway { () throws(GatewayError) in try gateway.provision() }.ecus
  }

  /// Finds out how the update before ended, and keeps the report of it; true if it is installed,
  /// nil if nothing is to be told. Needs no network; durable when it returns.
  ///
  /// `isAbandoned`: a target failed that goes with the system, which is not deployed therefore.
  func settle(
    _ evidence: Installation.Evidence, isAbandoned: Bool = false
  ) throws(UpdaterError) -> Bool? {
    let settlement = Settlement(
      record, evidence, try server.handlers.slots(), isAbandoned: isAbandoned)
    guard let settlement else { return nil }
    try keep(settlement)
    // Last: who is cut off before this tells it once more.
    record.end(settlement.system, at: server.now.seconds)
    try record.write(folder: server.folder)
    return settlement.isSuccess
  }

  /// Tells what runs, unless something else is about to, and all that has waited.
  func tell(_ state: SysrootState, attack: String = "") {
    guard let gateway else { return }
    telling { () throws(GatewayError) in _ = try gateway.sendInformation() }
    telling { () throws(GatewayError) in try gateway.sendEvents() }
    tellManifest(state, attack: attack)
  }

  func tellManifest(_ state: SysrootState, attack: String = "") {
    guard let gateway, record.pending?.isDeployed != true || !attack.isEmpty else { return }
    let (server, slots) = (server, (try? server.handlers.slots()) ?? [])
    guard let primary = try? self.primary(), server.runsSomething(state) else { return }
    telling { () throws(GatewayError) in
      try gateway.sendManifest(attack: attack) {
        server.image(of: $0, primary: primary, state, slots) ?? .nothing
      }
    }
  }

  // MARK: On the way

  /// Notes what is wanted, and by which name its commit is known from now on. Durable when it
  /// returns: also a device that starts it in an unforeseen way knows what it runs.
  func begin(
    _ wanted: Installation?, version: String?, _ targets: [HandledInstallation]
  ) throws(UpdaterError) {
    if let wanted, !(record.pending?.isSame(as: wanted) ?? false) {
      try add(.downloadStarted, wanted)
    }
    for target in targets where !record.handled.contains(where: { $0.isSame(as: target) }) {
      try add(.downloadStarted, target)
    }
    record.begin(wanted, targets)
    try record.write(folder: server.folder)
    guard let wanted else { return }
    let images = InstalledImages(stateFolder: server.folder)
    try inGateway { () throws(GatewayError) in
      try images.record(target: wanted.target, version: version, commit: wanted.commit.hex)
    }
  }

  /// What was begun is here, or could not be had. A second time nothing is said of what is here.
  func downloaded(isSuccess: Bool) throws(UpdaterError) {
    if let pending = record.pending, !pending.isDownloaded {
      try add(.downloadCompleted(isSuccess: isSuccess), pending)
    }
    for target in record.handled where !target.isDownloaded {
      try add(.downloadCompleted(isSuccess: isSuccess), target)
    }
    guard isSuccess else { return }
    record.noteDownloaded()
    try record.write(folder: server.folder)
  }

  /// Handlers are about to be called, or something is about to be deployed.
  func installing(_ wanted: Installation?) throws(UpdaterError) {
    if let wanted { try add(.installationStarted, wanted) }
    for target in record.handled { try add(.installationStarted, target) }
  }

  /// The new deployment is in boot order. Durable when it returns.
  func deployed(_ wanted: Installation) throws(UpdaterError) {
    record.noteDeployed()
    try record.write(folder: server.folder)
    try add(.installationApplied, wanted)
  }

  /// Nothing here takes care of a target that the server wants: it shall know, and nothing is
  /// changed. Durable when it returns.
  func refuse(_ targets: [HandledInstallation], _ reason: String) throws(UpdaterError) {
    let items = targets.map { (ECU($0.ecu), ResultCode.installFailed, reason) }
    try keep(targets.first?.target.correlationID, items)
    for target in targets { try add(.installationCompleted(isSuccess: false), target) }
  }

  /// Sends the events of this run.
  func finish() {
    guard let gateway else { return }
    telling { () throws(GatewayError) in try gateway.sendEvents() }
  }

  // MARK: Details

  private func primary() throws(UpdaterError) -> ECU {
    if let ecus { return ecus[0] }
    let found = try server.ecus()
    ecus = found
    return found[0]
  }

  private func keep(_ settlement: Settlement) throws(UpdaterError) {
    guard isTelling else { return }
    var items: [(ECU, ResultCode, String)] = []
    if let (_, code, reason) = settlement.system { items.append((try primary(), code, reason)) }
    for (target, code, reason) in settlement.handled {
      items.append((ECU(target.ecu), code, reason))
    }
    try keep(settlement.correlationID, items)
    if let (installation, code, _) = settlement.system {
      try add(.installationCompleted(isSuccess: code.isSuccess), installation)
    }
    for (target, code, _) in settlement.handled {
      try add(.installationCompleted(isSuccess: code.isSuccess), target)
    }
  }

  private func keep(
    _ correlationID: String?, _ items: [(ECU, ResultCode, String)]
  ) throws(UpdaterError) {
    guard let gateway else { return }
    let report = InstallationReport(
      correlationID: correlationID ?? "",
      items: items.map { .init(ecu: $0.0, code: $0.1, description: $0.2) })
    try inGateway { () throws(GatewayError) in try gateway.keep(report) }
  }

  private func add(_ kind: Event.Kind, _ installation: Installation) throws(UpdaterError) {
    guard isTelling else { return }
    try add(kind, try primary().serial, installation.correlationID)
  }

  private func add(_ kind: Event.Kind, _ target: HandledInstallation) throws(UpdaterError) {
    try add(kind, target.ecu.serial, target.target.correlationID)
  }

  private func add(
    _ kind: Event.Kind, _ serial: String, _ correlationID: String?
  ) throws(UpdaterError) {
    guard let gateway else { return }
    let event = Event(
      kind, ecu: serial, correlationID: correlationID ?? "", time: server.now.seconds)
    try inGateway { () throws(GatewayError) in try gateway.add(event) }
  }

  private func telling(_ body: () throws(GatewayError) -> Void) {
    do throws(GatewayError) { try body() } catch { failure = failure ?? error }
  }
}

extension ECU {
  fileprivate init(_ ecu: HandledECU) {
    self.init(serial: ecu.serial, hardwareID: ecu.hardwareID)
  }
}
