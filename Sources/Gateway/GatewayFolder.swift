// SPDX-License-Identifier: Apache-2.0
import Codec
import Linux

/// What the device must remember of its dealings with the gateway, as plain files:
/// ```
/// /var/lib/coppice/gateway/          0700, as all below it is for nobody else
///   lock                             held by whoever changes anything here
///   device                           which device this is, and on which server
///   identity.pem                     its key, its certificate, and the chain above it
///   authority.pem                    who vouches for the server
///   shared.pem                       the fleet's credential, while it is in use
///   ecu-key.pem                      what the primary ECU signs by
///   registration                     the ECUs that the director was told of
///   manifest                         how many manifests there were
///   report                           an installation report that nobody has taken yet
///   images                           which target a commit is
///   information                      what was told of the device, by checksum
///   events/0000000001                one event each, until it is sent
///   first-root.director.json, first-root.image.json
/// ```
/// Each is replaced in one step and durable before anything builds on it.
struct GatewayFolder: Sendable {
  /// Far above what any of these files has.
  static let byteCountMax = 1 << 20

  /// The folder of coppice's state.
  private let state: String
  var path: String { "\(state)/gateway" }

  init(state: String) { self.state = state }

  func file(_ name: String) -> String { "\(path)/\(name)" }

  /// The folder, made if it is missing.
  func open() throws(GatewayError) -> FileDescriptor {
    try at(path) { () throws(Errno) in
      do throws(Errno) { return try FileDescriptor.openDirectory(path) } catch {
        guard error == .notFound else { throw error }
      }
      let here = try FileDescriptor.openDirectory(".")
      try here.makeDirectories(state, mode: 0o755)
      do throws(Errno) { try here.makeDirectory(path, mode: 0o700) } catch {
        if error != .exists { throw error }
      }
      let folder = try FileDescriptor.openDirectory(path)
      // That of coppice's state may be new as well.
      try folder.openDirectory("..").sync()
      try folder.openDirectory("../..").sync()
      return folder
    }
  }

  /// Nil if there is no such file.
  func read(_ name: String) throws(GatewayError) -> [UInt8]? {
    do throws(Errno) {
      return try FileDescriptor.open(file(name)).readAll(limit: GatewayFolder.byteCountMax)
    } catch {
      if error == .notFound { return nil }
      throw .file(path: file(name), error)
    }
  }

  /// Durable when it returns; for nobody but the owner.
  func write(_ name: String, _ bytes: [UInt8]) throws(GatewayError) {
    let folder = try open()
    try at(file(name)) { () throws(Errno) in
      try folder.replaceFile(name, with: bytes, mode: 0o600)
    }
  }

  /// Durable when it returns.
  func remove(_ name: String) throws(GatewayError) {
    let folder = try open()
    try at(file(name)) { () throws(Errno) in
      if try folder.unlinkIfPresent(name) { try folder.sync() }
    }
  }

  func contains(_ name: String) -> Bool { (try? FileDescriptor.status(of: file(name))) != nil }
}

// MARK: - Keyfiles
extension GatewayFolder {
  /// What an older coppice would misread is written under another number.
  private static let version: Int64 = 1
  private static let heading = "file"

  /// Nil if there is no such file. Throws `.damaged`.
  func readKeyfile(_ name: String) throws(GatewayError) -> Keyfile? {
    guard let bytes = try read(name) else { return nil }
    guard let file = try? Keyfile(parsing: bytes),
      (try? file.integer(GatewayFolder.heading, "version")) == GatewayFolder.version
    else { throw .damaged(path: self.file(name)) }
    return file
  }

  /// As `readKeyfile`; what cannot be read counts as nothing. For what can be made anew.
  func readKeyfileIfSound(_ name: String) -> Keyfile? { (try? readKeyfile(name)) ?? nil }

  static func newKeyfile() -> Keyfile {
    var file = Keyfile()
    file.set(heading, "version", to: String(version))
    return file
  }

  func write(_ name: String, _ file: Keyfile) throws(GatewayError) {
    try write(name, file.serialized())
  }
}
