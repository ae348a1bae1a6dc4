// SPDX-License-Identifier: Apache-2.0
import Codec
import Configuration
import Cryptography
import Deploy
import Gateway
import Linux
import OSTree
import Pull
import Transport
import Uptane

/// The server of this device, for one run: who the device is there, and what the server wants of
/// it, by metadata that were verified.
///
/// What the server is told is in `ServerReports`.
struct DeviceServer {
  let settings: Settings
  let sysroot: Sysroot
  let remotesFolder: String?
  /// Of coppice's state.
  let folder: String
  let handlers: Handlers
  let options: GatewayOptions
  private let clock: ClockFloor
  /// Start of the run: all is judged as of then.
  let now: ValidityTime

  init(_ updater: Updater, _ state: SysrootState) throws(UpdaterError) {
    settings = updater.settings
    sysroot = updater.sysroot
    remotesFolder = updater.remotesFolder
    let (sysroot, stateroot) = (sysroot, settings.stateroot)
    folder = try inDeploy { () throws(DeployError) in
      try StateFolder.path(of: sysroot, stateroot: stateroot, state)
    }
    handlers = try updater.handlers(state)
    clock = ClockFloor(folder: folder)
    options = try GatewayOptions(settings, stateFolder: folder)
    now = options.now
  }

  /// Whether there is a director, and an identity to speak to it.
  var isReportedTo: Bool { settings.mode == .uptane && settings.provisioning != .none }

  // MARK: Who the device is

  /// The ECUs that this device speaks for, as they were registered, or, where nothing registers
  /// them, as they are configured. The primary is the first.
  func ecus() throws(UpdaterError) -> [ECU] {
    let options = options
    if isReportedTo {
      return try inGateway { () throws(GatewayError) in try GatewayClient.ecus(options) }
    }
    let hardwareID = settings.hardwareID
    guard settings.mode != .uptane || settings.ecuSerial != nil, let hardwareID else {
      // No two array literals: see Tests/DeviceObjects/compare.
      var missing: [Setting] = []
      missing.append(.hardwareID)
      if settings.mode == .uptane { missing.append(.ecuSerial) }
      throw .notConfigured(missing: missing)
    }
    let primary = ECU(serial: settings.ecuSerial ?? "", hardwareID: hardwareID)
    return try inGateway { () throws(GatewayError) in
      try GatewayClient.ecus(options, with: primary)
    }
  }

  /// What an ECU runs, as the director knows it; nil where nothing is known to run there.
  func image(of ecu: ECU, primary: ECU, _ state: SysrootState, _ slots: [HandlerSlot])
    -> InstalledImage?
  {
    if ecu != primary {
      return slots.last { same($0.ecu.serial, ecu.serial) && $0.proven != nil }?.image
    }
    guard let deployment = state.booted ?? state.deployments.first else { return nil }
    return InstalledImages(stateFolder: folder).image(of: deployment.commit.hex)
  }

  /// By which targets are newer or older where there is no director.
  private func version(
    of ecu: ECU, _ image: InstalledImage, _ slots: [HandlerSlot]
  ) -> String? {
    let slot = slots.last { same($0.ecu.serial, ecu.serial) && $0.proven != nil }
    if let proven = slot?.proven, same(proven.name, image.path) { return proven.version }
    return image.hashes.sha256.flatMap { InstalledImages(stateFolder: folder).version(of: $0) }
  }

  /// Whether there is anything to be told about.
  func runsSomething(_ state: SysrootState) -> Bool {
    state.booted != nil || !state.deployments.isEmpty
  }

  private func identity() throws(UpdaterError) -> DeviceIdentity? {
    let options = options
    return try inGateway { () throws(GatewayError) in try DeviceIdentity.find(options) }
  }

  // MARK: What is wanted

  /// Verified, and every file of metadata that was accepted is kept. `from` is a folder to take
  /// metadata and objects from in place of the server.
  func offer(_ state: SysrootState, from: String?) throws(UpdaterError) -> ServerOffer {
    let identity = try identity()
    if isReportedTo, identity == nil {
      throw .gateway(.notProvisioned(path: options.stateFolder))
    }
    let (ecus, slots) = (try ecus(), try handlers.slots())
    let running = image(of: ecus[0], primary: ecus[0], state, slots)
    let (place, targets) = try place(identity, running, from)
    let metadata = DeviceMetadata(
      settings: settings, folder: folder, now: now.seconds, place: place)
    let record = try InstallationRecord(folder: folder)
    let verdict = try MetadataLock.holding(folder) { () throws(UpdaterError) in
      if settings.mode == .uptane {
        return try metadata.verdict(for: ecus) { image(of: $0, primary: ecus[0], state, slots) }
      }
      return try metadata.newest(for: ecus) { ecu in
        guard let image = image(of: ecu, primary: ecus[0], state, slots) else { return nil }
        return (image.path, version(of: ecu, image, slots))
      } declining: { ecu, target in
        if ecu != ecus[0] { return slots.contains { $0.hasRejected(target, of: ecu) } }
        return ServerOffer.commit(of: target).map(record.hasFailed) ?? true
      }
    }
    try clock.raise(now, certificate: place.youngestCertificate)
    return ServerOffer(
      remote: try remote(identity), url: try from.map(UpdateSource.location),
      access: access(identity), target: verdict.system,
      handled: try handled(verdict, ecus[0], state, targets),
      correlationID: verdict.correlationID)
  }

  private func place(
    _ identity: DeviceIdentity?, _ running: InstalledImage?, _ from: String?
  ) throws(UpdaterError) -> (DeviceMetadata.Place, TargetOrigin) {
    if let from { return (.folder(from), TargetOrigin(kind: .folder(from))) }
    var transport = TransportOptions(settings)
    transport.validity = now
    var stranger = transport
    (stranger.certificateFile, stranger.privateKeyFile) = (nil, nil)
    let outside = try client(stranger)
    if let identity {
      transport.caFile = identity.authorityFile
      transport.certificateFile = identity.certificateFile
      transport.privateKeyFile = identity.keyFile
    }
    if settings.mode == .tuf {
      let headers = CheckInHeaders(tags: settings.tags, running, stateFolder: folder)
      transport.extraHeaders = headers.all
    }
    let client = try client(transport)
    let server = identity?.serverURL ?? options.serverURL
    let director = options.directorURL ?? server?.appending("director")
    let image =
      try settings.imageURL.map { (text) throws(UpdaterError) in
        try GatewayOptions.url(text)
      } ?? server?.appending("repo")
    guard let image else { throw .notConfigured(missing: [.serverURL]) }
    if settings.mode == .uptane, director == nil { throw .notConfigured(missing: [.serverURL]) }
    return (
      .server(client, director: director, image: image),
      TargetOrigin(kind: .server(client, outside: outside, images: image))
    )
  }

  private func client(_ options: TransportOptions) throws(UpdaterError) -> HTTPClient {
    do throws(TransportError) { return try HTTPClient(options) } catch {
      throw .metadata(.transfer(error))
    }
  }

  /// The configured remote, which may demand signatures of commits besides; else the gateway's.
  private func remote(_ identity: DeviceIdentity?) throws(UpdaterError) -> RemoteConfig {
    let (sysroot, folder) = (sysroot, remotesFolder)
    if let name = settings.remote {
      return try inRepo { () throws(OSTreeError) in
        try sysroot.repo.remote(name, folder: folder)
      }
    }
    guard let server = identity?.serverURL ?? options.serverURL else {
      throw .notConfigured(missing: [.serverURL])
    }
    return try inRepo { () throws(OSTreeError) in
      try ServerOffer.remote(url: server.appending(ServerOffer.remoteName).text)
    }
  }

  private func access(_ identity: DeviceIdentity?) -> ServerOptions {
    var access = PullOptions(settings, repoPath: sysroot.repo.path, readBack: .none).server
    guard let identity else { return access }
    access.authoritiesPath = identity.authorityFile
    access.certificatePath = identity.certificateFile
    access.privateKeyPath = identity.keyFile
    return access
  }
}
