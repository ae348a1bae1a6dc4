// SPDX-License-Identifier: Apache-2.0
import Codec
import Cryptography
import Linux
import Transport

/// Gets the device its identity, once. May be cut off anywhere and run again: the id is stored
/// before a server hears of it, the identity in one step, and what was secret goes last.
struct Provisioning {
  /// What the fleet shares, while it is in use.
  static let sharedFile = "shared.pem"
  /// Two devices draw the same name once in an age of the world; a run that was cut off between the
  /// server's answer and our storing it finds its name taken.
  private static let drawsMax = 3

  let options: GatewayOptions
  let folder: GatewayFolder
  /// Why the shared credential is still in its archive.
  private(set) var leftover: GatewayError?

  init(_ options: GatewayOptions, _ folder: GatewayFolder) {
    (self.options, self.folder) = (options, folder)
  }

  /// The identity that is there, or a new one.
  mutating func run() throws(GatewayError) -> DeviceIdentity {
    switch options.provisioning {
    case .none: if !folder.contains(DeviceIdentity.file) { throw .noProvisioning }
    case .device: try adoptOwn()
    case .shared: try register()
    }
    guard let identity = try DeviceIdentity.stored(options, folder) else {
      throw .notProvisioned(path: folder.path)
    }
    return identity
  }

  // MARK: Its own from the start

  /// The device id is the certificate's name unless it is configured.
  private func adoptOwn() throws(GatewayError) {
    guard let certificateFile = options.certificateFile else { throw .missing(.certificate) }
    guard let keyFile = options.privateKeyFile else { throw .missing(.privateKey) }
    let certificate = try Provisioning.text(of: certificateFile)
    let key = try Provisioning.text(of: keyFile)
    guard let leaf = Certificate(pem: certificate) else {
      throw .identity(path: certificateFile, .malformed)
    }
    guard leaf.fits(key: key) else { throw .identity(path: keyFile, .mismatch) }
    guard let id = options.deviceID ?? leaf.commonName else {
      throw .identity(path: certificateFile, .noName)
    }
    let archive = try options.credentials.map { (path) throws(GatewayError) in
      try ServerCredentials(path)
    }
    let url = try serverURL(archive)
    if let archive { try FirstRoots.adopt(from: archive, folder) }
    try keep(DeviceRecord(id: try Provisioning.valid(id), isDrawn: false, url: url.text))
  }

  /// The configured one, else what the archive names.
  private func serverURL(_ archive: ServerCredentials?) throws(GatewayError) -> HTTPURL {
    if let url = options.serverURL { return url }
    guard let archive, let url = try archive.url() else { throw .noServer }
    return url
  }

  private static func text(of path: String) throws(GatewayError) -> String {
    do throws(Errno) {
      let bytes = try FileDescriptor.open(path).readAll(limit: GatewayFolder.byteCountMax)
      return String(decoding: bytes, as: UTF8.self)
    } catch { throw .noCredentials(path: path, error) }
  }

  // MARK: By the fleet's

  private mutating func register() throws(GatewayError) {
    if !folder.contains(DeviceIdentity.file) {
      guard let path = options.credentials else { throw .missing(.credentials) }
      let archive = try ServerCredentials(path)
      try FirstRoots.adopt(from: archive, folder)
      try obtain(archive)
    }
    try folder.remove(Provisioning.sharedFile)
    if !options.keepsCredentials, let path = options.credentials { forgetSecrets(of: path) }
  }

  /// An archive that cannot be written to, or is gone, is no reason to be without an identity.
  private mutating func forgetSecrets(of path: String) {
    do throws(GatewayError) { try ServerCredentials(path).removeSecrets() } catch {
      if case .noCredentials(_, .notFound) = error { return }
      leftover = error
    }
  }

  /// Asks for an identity until there is one, or it is clear that there will be none.
  private func obtain(_ archive: ServerCredentials) throws(GatewayError) {
    let url = try serverURL(archive)
    let server = try connect(archive, to: url)
    var record = try chosen(url)
    for draw in 1...Provisioning.drawsMax {
      try keep(record)
      if let identity = try ask(server, for: record.id) { return try store(identity) }
      guard record.isDrawn, draw < Provisioning.drawsMax else { break }
      record.id = DeviceName.draw()
    }
    throw .deviceTaken(url: url.text, id: record.id)
  }

  private func connect(
    _ archive: ServerCredentials, to url: HTTPURL
  ) throws(GatewayError) -> GatewayServer {
    let shared = try archive.identity()
    try folder.write(Provisioning.sharedFile, shared.file)
    let own = Array(shared.authorities.utf8)
    let authority =
      own.isEmpty ? try archive.member(ServerCredentials.authorityMember) ?? [] : own
    if authority.isEmpty {
      try folder.remove(DeviceIdentity.authority)
    } else {
      try folder.write(DeviceIdentity.authority, authority)
    }
    let file = folder.file(Provisioning.sharedFile)
    return try GatewayServer(
      url, certificate: file, key: file,
      authority: options.authorityFile
        ?? (authority.isEmpty ? nil : folder.file(DeviceIdentity.authority)), options)
  }

  /// The configured id, else the one of an earlier run, else a new one.
  private func chosen(_ url: HTTPURL) throws(GatewayError) -> DeviceRecord {
    if let id = options.deviceID {
      return DeviceRecord(id: try Provisioning.valid(id), isDrawn: false, url: url.text)
    }
    if var earlier = try DeviceRecord(in: folder), earlier.isDrawn {
      earlier.url = url.text
      return earlier
    }
    return DeviceRecord(id: DeviceName.draw(), isDrawn: true, url: url.text)
  }

  private static func valid(_ id: String) throws(GatewayError) -> String {
    guard DeviceName.isValid(id) else { throw .badName(.deviceID, id) }
    return id
  }

  private func keep(_ record: DeviceRecord) throws(GatewayError) {
    if let stored = try? DeviceRecord(in: folder), stored == record { return }
    try record.write(to: folder)
  }

  /// Nil if the id is taken. Asking twice harms nobody: the second time the server says just that.
  private func ask(_ server: GatewayServer, for id: String) throws(GatewayError) -> ClientIdentity?
  {
    let url = server.base.appending("devices")
    let wanted = JSONValue.object([("deviceId", .string(id)), ("ttl", .string("36000"))])
    let answer = try server.post(wanted.canonicalBytes, to: url, isIdempotent: true)
    guard answer.isSuccess else {
      if answer.status == 409 || answer.hasCode("device_already_registered") { return nil }
      throw answer.refusal(url)
    }
    let identity = try ClientIdentity(pkcs12: answer.bytes, from: url.text)
    try identity.verify(isOf: id, from: url.text)
    return identity
  }

  /// Durable when it returns. From the second write on the device has an identity.
  private func store(_ identity: ClientIdentity) throws(GatewayError) {
    let authorities = Array(identity.authorities.utf8)
    if !authorities.isEmpty { try folder.write(DeviceIdentity.authority, authorities) }
    try folder.write(DeviceIdentity.file, identity.file)
  }
}

extension DeviceRecord: Equatable {
  static func == (one: DeviceRecord, other: DeviceRecord) -> Bool {
    same(one.id, other.id) && one.isDrawn == other.isDrawn && same(one.url ?? "", other.url ?? "")
  }
}
