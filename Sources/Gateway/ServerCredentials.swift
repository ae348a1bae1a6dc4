// SPDX-License-Identifier: Apache-2.0
import Codec
import Compression
import Linux
import Transport

/// An archive `credentials.zip`, as a server hands it out for a fleet. What is in it:
/// ```
/// autoprov.url                the gateway
/// autoprov_credentials.p12    the credential that the fleet shares, with the gateway's authority
/// server_ca.pem               that authority, where it is not in the one above
/// root.json                   the first root of the image repository
/// director_root.json          the first root of the director repository; ours alone
/// treehub.json and others     for the tools that publish: not for devices
/// ```
struct ServerCredentials {
  static let urlMember = "autoprov.url"
  static let identityMember = "autoprov_credentials.p12"
  static let authorityMember = "server_ca.pem"
  static let imageRootMember = "root.json"
  static let directorRootMember = "director_root.json"
  /// What gives power over the fleet, or over what is published to it.
  static let secretMembers = [identityMember, "treehub.json"]

  private static let archiveBytesMax = 4 << 20
  private static let memberBytesMax = 1 << 20

  let path: String
  private let archive: ZipReader

  /// Throws `.noCredentials` if the file cannot be read, `.archive` if it is no zip.
  init(_ path: String) throws(GatewayError) {
    let bytes: [UInt8]
    do throws(Errno) {
      bytes = try FileDescriptor.open(path).readAll(limit: ServerCredentials.archiveBytesMax)
    } catch { throw .noCredentials(path: path, error) }
    try self.init(path, archive: bytes)
  }

  /// From the bytes of such an archive; `path` is what to call it. Throws `.archive`.
  init(_ path: String, archive bytes: [UInt8]) throws(GatewayError) {
    self.path = path
    do throws(CompressionError) { archive = try ZipReader(bytes) } catch {
      throw .archive(path: path, .malformed)
    }
  }

  /// Nil if there is no such member.
  func member(_ name: String) throws(GatewayError) -> [UInt8]? {
    guard let entry = archive.entry(name) else { return nil }
    do throws(CompressionError) {
      return try archive.read(entry, limit: ServerCredentials.memberBytesMax)
    } catch { throw .archive(path: path, .badMember(name)) }
  }

  /// The gateway.
  func url() throws(GatewayError) -> HTTPURL? {
    guard let bytes = try member(ServerCredentials.urlMember) else { return nil }
    guard let url = SystemFiles.text(bytes[...]).flatMap({ HTTPURL($0) }) else {
      throw .archive(path: path, .badMember(ServerCredentials.urlMember))
    }
    return url
  }

  /// The shared credential.
  func identity() throws(GatewayError) -> ClientIdentity {
    guard let bytes = try member(ServerCredentials.identityMember) else {
      throw .archive(path: path, .missingMember(ServerCredentials.identityMember))
    }
    return try ClientIdentity(pkcs12: bytes, from: "\(path)/\(ServerCredentials.identityMember)")
  }

  /// A first root, if there is one. It is only looked at as far as it must be a document of JSON:
  /// who trusts it judges it.
  func root(_ name: String) throws(GatewayError) -> [UInt8]? {
    guard let bytes = try member(name) else { return nil }
    guard let document = try? JSONDocument(parsing: bytes), document.root["signed"] != nil else {
      throw .archive(path: path, .badMember(name))
    }
    return bytes
  }

  /// Takes the secrets out of the archive, if there are any; what else is in it stays as it is.
  /// Atomic, and durable when it returns.
  func removeSecrets() throws(GatewayError) {
    let secrets = ServerCredentials.secretMembers
    guard secrets.contains(where: { archive.entry($0) != nil }) else { return }
    let rest = archive.without(secrets)
    try at(path) { () throws(Errno) in
      let slash = path.utf8.lastIndex(of: UInt8(ascii: "/"))
      let folder = slash.map { String(decoding: path.utf8[..<$0], as: UTF8.self) + "/" } ?? "."
      let start = slash.map { path.utf8.index(after: $0) } ?? path.startIndex
      let name = String(decoding: path.utf8[start...], as: UTF8.self)
      let mode = try FileDescriptor.status(of: path).permissions
      try FileDescriptor.openDirectory(folder).replaceFile(name, with: rest, mode: mode)
    }
  }
}
