// SPDX-License-Identifier: Apache-2.0
import Configuration
import Gateway
import Linux
import Transport
import Uptane

/// The trusted metadata of this device: `metadata/director` and `metadata/image` in the folder of
/// coppice's state.
struct DeviceMetadata {
  /// Where new metadata come from.
  enum Place {
    case server(HTTPClient, director: HTTPURL?, image: HTTPURL)
    /// With the folders `metadata/director` and `metadata/image`.
    case folder(String)

    /// As `HTTPClient.youngestCertificate`.
    var youngestCertificate: Int64? {
      switch self {
      case .server(let client, _, _): client.youngestCertificate
      case .folder: nil
      }
    }
  }

  let settings: Settings
  /// Of coppice's state.
  let folder: String
  /// Seconds since 1970.
  let now: Int64
  let place: Place

  /// What the ECUs of the device shall run.
  struct Verdict {
    /// What the primary shall run; nil for nothing new.
    var system: VerifiedTarget?
    /// The rest, of which each is for one ECU.
    var handled: [(ecu: ECU, target: VerifiedTarget)] = []
    /// What the director calls all that.
    var correlationID: String?
  }

  /// Brings the metadata up to date. `ecus` begin with the primary; `image` gives what each of them
  /// runs, nil where that is not known.
  func verdict(
    for ecus: [ECU], running image: (ECU) -> InstalledImage?
  ) throws(UpdaterError) -> Verdict {
    var installed: [(serial: String, image: InstalledImage)] = []
    for ecu in ecus {
      if let image = image(ecu) { installed.append((ecu.serial, image)) }
    }
    let device = Inventory(
      primary: ecus[0], secondaries: Array(ecus.dropFirst()), installed: installed)
    let refresh = UptaneRefresh(director: try refresh(.director), image: try refresh(.image))
    let verdict = try inMetadata { () throws(MetadataError) in try refresh.run(for: device) }
    switch verdict {
    case .noUpdate(let correlationID): return Verdict(correlationID: correlationID)
    case .update(_, let correlationID):
      var wanted = Verdict(system: verdict.target(of: ecus[0]), correlationID: correlationID)
      for ecu in ecus.dropFirst() {
        if let target = verdict.target(of: ecu) { wanted.handled.append((ecu, target)) }
      }
      return wanted
    }
  }

  /// The same where there is no director: the newest targets for these ECUs that `isDeclined` does
  /// not exclude. `running` gives path and version of what each of them runs.
  func newest(
    for ecus: [ECU], running: (ECU) -> (path: String, version: String?)?,
    declining isDeclined: (ECU, VerifiedTarget) -> Bool
  ) throws(UpdaterError) -> Verdict {
    let images = try refresh(.image)
    let targets = try inMetadata { () throws(MetadataError) in try images.run() }
    var wanted = Verdict()
    for ecu in ecus {
      let choice = TargetChoice(hardwareID: ecu.hardwareID, tags: settings.tags)
      let (isPrimary, now) = (ecu == ecus[0], running(ecu))
      let newest = targets.newest(
        choice, isOSTree: isPrimary, after: now?.path ?? "", version: now?.version,
        declining: { isDeclined(ecu, $0) })
      guard let newest else { continue }
      if isPrimary { wanted.system = newest } else { wanted.handled.append((ecu, newest)) }
    }
    return wanted
  }

  private func refresh(
    _ repository: Repository
  ) throws(UpdaterError) -> MetadataRefresh<MetadataPlace, MetadataStore> {
    let policy = VerificationPolicy(repository)
    let store = MetadataStore(folder: "\(folder)/metadata/\(repository.name)")
    let source: MetadataPlace
    switch place {
    case .folder(let path): source = .folder(FolderMetadata("\(path)/metadata/\(repository.name)"))
    case .server(let client, let director, let image):
      let base = repository == .image ? image : director ?? image
      source = .server(ServerMetadata(client, base))
    }
    try trustFirstRoot(store, policy, source)
    return MetadataRefresh(policy, source, store, now: now)
  }

  // MARK: The first root

  /// Where no root is trusted yet: the configured one, that of the credentials, or, where the
  /// configuration allows it, the first one that the server has.
  private func trustFirstRoot(
    _ store: MetadataStore, _ policy: VerificationPolicy, _ source: MetadataPlace
  ) throws(UpdaterError) {
    let known = try inMetadata { () throws(MetadataError) in try store.load(.root) }
    if known != nil { return }
    guard let root = try firstRoot(policy.repository, source) else {
      throw .metadata(.noRoot)
    }
    try inMetadata { () throws(MetadataError) in try store.trust(root: root, policy) }
  }

  private func firstRoot(
    _ repository: Repository, _ source: MetadataPlace
  ) throws(UpdaterError) -> [UInt8]? {
    let path = repository == .image ? settings.imageRoot : settings.directorRoot
    if let path {
      return try at(path) { () throws(Errno) in
        try FileDescriptor.open(path).readAll(limit: DeviceMetadata.rootBytesMax)
      }
    }
    let folder = folder
    let brought = try inGateway { () throws(GatewayError) in try FirstRoots(stateFolder: folder) }
    if let root = repository == .image ? brought.imageRoot : brought.directorRoot { return root }
    guard settings.trustFirstRoot == .yes, case .server(let server) = source else { return nil }
    let request = MetadataRequest.firstRoot()
    do throws(FetchFailure) { return try server.fetch(request) } catch {
      throw .metadata(.fetch(error, repository, .root))
    }
  }

  private static let rootBytesMax = 64 << 10
}

/// A server or a folder.
enum MetadataPlace: MetadataSource {
  case server(ServerMetadata)
  case folder(FolderMetadata)

  func fetch(_ request: MetadataRequest) throws(FetchFailure) -> [UInt8] {
    switch self {
    case .server(let server): try server.fetch(request)
    case .folder(let folder): try folder.fetch(request)
    }
  }
}

/// Held by whoever changes metadata: of two runs at once one could put an older file over a newer
/// one.
enum MetadataLock {
  /// Throws `busy` if another holds it.
  static func holding<R>(
    _ folder: String, _ body: () throws(UpdaterError) -> R
  ) throws(UpdaterError) -> R {
    let path = "\(folder)/metadata/lock"
    let file = try at(path) { () throws(Errno) in
      try FileDescriptor.openDirectory(".").makeDirectories("\(folder)/metadata", mode: 0o755)
      return try FileDescriptor.open(path, [.readWrite, .create], mode: 0o600)
    }
    let isFree = try at(path) { () throws(Errno) in try file.tryLock(.exclusive) }
    guard isFree else { throw .busy(path: path) }
    return try body()
  }
}
