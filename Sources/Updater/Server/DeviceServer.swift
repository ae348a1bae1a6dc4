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
    clock = ClockFloor(folder: folder)
    options = try GatewayOptions(settings, stateFolder: folder)
    now = options.now
  }

  /// Whether there is a director, and an identity to speak to it.
  var isReportedTo: Bool { settings.mode == .uptane && settings.provisioning != .none }

  // MARK: Who the device is

  /// The primary ECU: as it was registered, or, where nothing registers it, as it is configured.
  func primary() throws(UpdaterError) -> ECU {
    if isReportedTo {
      let options = options
      return try inGateway { () throws(GatewayError) in try GatewayClient.primary(options) }
    }
    let hardwareID = settings.hardwareID
    guard settings.mode != .uptane || settings.ecuSerial != nil, let hardwareID else {
      // No two array literals: see Tests/DeviceObjects/compare.
      var missing: [Setting] = []
      missing.append(.hardwareID)
      if settings.mode == .uptane { missing.append(.ecuSerial) }
      throw .notConfigured(missing: missing)
    }
    return ECU(serial: settings.ecuSerial ?? "", hardwareID: hardwareID)
  }

  /// What runs, as the director knows it; nil where nothing runs from this sysroot.
  func image(_ state: SysrootState) -> InstalledImage? {
    guard let deployment = state.booted ?? state.deployments.first else { return nil }
    return InstalledImages(stateFolder: folder).image(of: deployment.commit.hex)
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
    let primary = try primary()
    let image = image(state)
    let place = try place(identity, image, from)
    let metadata = DeviceMetadata(
      settings: settings, folder: folder, now: now.seconds, place: place)
    let record = try InstallationRecord(folder: folder)
    let (target, correlationID) = try MetadataLock.holding(folder) { () throws(UpdaterError) in
      try metadata.target(for: primary, running: image) {
        ServerOffer.commit(of: $0).map(record.hasFailed) ?? true
      }
    }
    try clock.raise(now, certificate: place.youngestCertificate)
    return ServerOffer(
      remote: try remote(identity), url: try from.map(UpdateSource.location),
      access: access(identity), target: target, correlationID: correlationID)
  }

  private func place(
    _ identity: DeviceIdentity?, _ image: InstalledImage?, _ from: String?
  ) throws(UpdaterError) -> DeviceMetadata.Place {
    if let from { return .folder(from) }
    var transport = TransportOptions(settings)
    if let identity {
      transport.caFile = identity.authorityFile
      transport.certificateFile = identity.certificateFile
      transport.privateKeyFile = identity.keyFile
    }
    transport.validity = now
    if settings.mode == .tuf {
      transport.extraHeaders = CheckInHeaders(tags: settings.tags, image, stateFolder: folder).all
    }
    let wanted = transport
    let client: HTTPClient
    do throws(TransportError) { client = try HTTPClient(wanted) } catch {
      throw .metadata(.transfer(error))
    }
    let server = identity?.serverURL ?? options.serverURL
    let director = options.directorURL ?? server?.appending("director")
    let image =
      try settings.imageURL.map { (text) throws(UpdaterError) in
        try GatewayOptions.url(text)
      } ?? server?.appending("repo")
    guard let image else { throw .notConfigured(missing: [.serverURL]) }
    if settings.mode == .uptane, director == nil { throw .notConfigured(missing: [.serverURL]) }
    return .server(client, director: director, image: image)
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
