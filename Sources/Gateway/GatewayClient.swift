// SPDX-License-Identifier: Apache-2.0
public import Codec
import Linux
import Transport
public import Uptane

/// The device's side of the device gateway: how it gets an identity there, and what it tells.
///
/// One at a time: the lock is held for as long as the value lives. Every step may be cut off and is
/// done by the next run; what changed nothing before changes nothing now.
public final class GatewayClient {
  private static let lockFile = "lock"

  public let options: GatewayOptions
  private let folder: GatewayFolder
  private let lock: FileDescriptor
  private var known: GatewayServer?

  /// Makes the folder for what it must remember, where it is missing. Throws `.busy` if another
  /// holds the lock.
  public init(_ options: GatewayOptions) throws(GatewayError) {
    self.options = options
    folder = GatewayFolder(state: options.stateFolder)
    let place = try folder.open()
    let path = folder.file(GatewayClient.lockFile)
    let lock = try at(path) { () throws(Errno) in
      try place.open(GatewayClient.lockFile, [.readWrite, .create], mode: 0o600)
    }
    if try !GatewayClient.take(lock, path) { throw .busy(path: path) }
    self.lock = lock
  }

  // Closing it would not do where another thread is just starting a program.
  deinit { lock.unlock() }

  private static func take(
    _ lock: borrowing FileDescriptor, _ path: String
  ) throws(GatewayError) -> Bool {
    do throws(Errno) { return try lock.tryLock(.exclusive) } catch {
      throw .file(path: path, error)
    }
  }

  // MARK: Identity

  /// Gets the device an identity and makes its ECUs known to the director, as far as either is not
  /// done; asks no server where both are. Errors: any.
  public func provision() throws(GatewayError) -> Registration {
    let before = try DeviceIdentity.stored(options, folder)
    var provisioning = Provisioning(options, folder)
    let identity = try provisioning.run()
    let key = try ECUKey.make(options.keyKind, in: folder)
    let ecus = try GatewayClient.ecus(options, with: ECURegistration.primary(options, key))
    let registration = ECURegistration(folder: folder, deviceID: identity.deviceID)
    let isKnown = try registration.isCurrent(ecus)
    if !isKnown {
      let server = try server(identity)
      let url = director(server).appending("ecus")
      // One key speaks for all: they are this device.
      try registration.register(ecus.map { ($0, key) }, server, url)
    }
    return Registration(
      identity: identity, ecus: ecus, isNewDevice: before == nil, isNewECU: !isKnown,
      leftover: provisioning.leftover)
  }

  /// What an earlier run has got. Throws `.notProvisioned`.
  private func identity() throws(GatewayError) -> DeviceIdentity {
    guard let identity = try DeviceIdentity.stored(options, folder) else {
      throw .notProvisioned(path: folder.path)
    }
    return identity
  }

  private func server(_ identity: DeviceIdentity? = nil) throws(GatewayError) -> GatewayServer {
    if let known { return known }
    let shown: DeviceIdentity
    if let identity { shown = identity } else { shown = try self.identity() }
    let server = try shown.server(options)
    known = server
    return server
  }

  private func director(_ server: GatewayServer) -> HTTPURL {
    options.directorURL ?? server.base.appending("director")
  }

  /// The ECUs that this device speaks for, by the configuration and the key of the primary, which
  /// is the first. Changes nothing, and needs no lock. Throws `.notProvisioned` where there is no
  /// key yet.
  public static func ecus(_ options: GatewayOptions) throws(GatewayError) -> [ECU] {
    let folder = GatewayFolder(state: options.stateFolder)
    guard let key = try ECUKey(in: folder) else { throw .notProvisioned(path: folder.path) }
    return try ecus(options, with: ECURegistration.primary(options, key))
  }

  /// The same where nothing registers the primary.
  public static func ecus(
    _ options: GatewayOptions, with primary: ECU
  ) throws(GatewayError) -> [ECU] {
    try ECURegistration.all(options, with: primary)
  }

  // MARK: Manifest

  /// Tells the director what the ECUs run; `images` gives it for each. A report of an installation
  /// that waits goes along, and is forgotten once it was taken. Errors: any; what was not taken is
  /// told again.
  public func sendManifest(
    attack: String = "", _ images: (ECU) -> InstalledImage
  ) throws(GatewayError) {
    let server = try server()
    let draft = try Draft(attack: attack, options, folder, images)
    // Before it leaves: no two manifests have the same number.
    try draft.record.write(to: folder)
    let url = director(server).appending("manifest")
    let answer = try server.put(draft.manifest.canonicalBytes, to: url)
    guard answer.isSuccess else { throw answer.refusal(url) }
    if draft.hasReport { try folder.remove(InstallationReport.file) }
  }

  /// Keeps a report for the next manifests, until one of them was taken. Durable when it returns.
  public func keep(_ report: InstallationReport) throws(GatewayError) {
    try report.write(to: folder)
  }

  /// The manifest that would be sent, signed over its canonical form (`otaASCII`). Changes nothing,
  /// asks no server and needs no lock. Throws `.notProvisioned` where there is no key yet.
  public static func manifest(
    _ options: GatewayOptions, _ images: (ECU) -> InstalledImage
  ) throws(GatewayError) -> JSONValue {
    try Draft(attack: "", options, GatewayFolder(state: options.stateFolder), images).manifest
  }

  // MARK: Everything else

  /// Tells what the server does not know yet of the machine, its network, its packages and its
  /// configuration; gives what was told.
  public func sendInformation() throws(GatewayError) -> [DeviceInformation] {
    let server = try server()
    var (sent, failure): ([DeviceInformation], GatewayError?) = ([], nil)
    for information in DeviceInformation.allCases {
      do throws(GatewayError) {
        if try information.send(to: server, options, folder) { sent.append(information) }
      } catch { failure = failure ?? error }
    }
    if let failure { throw failure }
    return sent
  }

  /// Keeps an event until it is sent. Durable when it returns.
  public func add(_ event: Event) throws(GatewayError) { try EventQueue(folder: folder).add(event) }

  /// Sends the events that wait; gives how many were taken.
  @discardableResult
  public func sendEvents() throws(GatewayError) -> Int {
    let queue = EventQueue(folder: folder)
    return try queue.names().isEmpty ? 0 : try queue.send(to: try server())
  }
}

/// What the device is known as, and whether this run made it so.
public struct Registration: Sendable {
  public let identity: DeviceIdentity
  /// The primary first.
  public let ecus: [ECU]
  public let isNewDevice: Bool
  /// Whether the director was told of ECUs that it did not know.
  public let isNewECU: Bool
  /// Why the credential that the fleet shares is still in its archive; nil: it is not, or was to
  /// stay.
  public let leftover: GatewayError?
}

/// A manifest on the way, with the number that it takes.
private struct Draft {
  let manifest: JSONValue
  let record: ManifestRecord
  let hasReport: Bool

  init(
    attack: String, _ options: GatewayOptions, _ folder: GatewayFolder,
    _ images: (ECU) -> InstalledImage
  ) throws(GatewayError) {
    guard let key = try ECUKey(in: folder) else { throw .notProvisioned(path: folder.path) }
    let ecus = try GatewayClient.ecus(options, with: ECURegistration.primary(options, key))
    var record = try ManifestRecord(in: folder)
    let previous = record.time
    record.counter += 1
    record.time = options.now.seconds
    let report = InstallationReport(in: folder)
    var statements: [(String, JSONValue)] = []
    for ecu in ecus {
      let statement = ECUStatement(
        image: images(ecu), attack: ecu == ecus[0] ? attack : "", time: record.time,
        previousTime: previous, counter: record.counter)
      statements.append((ecu.serial, statement.signed(ecu.serial, by: key)))
    }
    manifest = Manifest.make(primary: ecus[0].serial, statements, report, by: key)
    self.record = record
    hasReport = report != nil
  }
}
