// SPDX-License-Identifier: Apache-2.0
import Codec
import Cryptography
import Updater
import Uptane

/// A repository in memory that signs what it is told to, good or bad, and counts what is asked for.
final class SimulatedRepository: MetadataSource {
  struct Signers {
    var keys: [PrivateKey] = [.makeEd25519()]
    var threshold = 1
  }

  struct Delegation {
    var name: String
    var paths = ["*"]
    var isTerminating = false
  }

  /// A targets file, top-level or delegated.
  struct Targets {
    var version: Int64 = 1
    var expires = SimulatedRepository.farAway
    var targets: [(path: String, entry: JSONValue)] = []
    var delegations: [Delegation] = []
    var custom: JSONValue?
  }

  static let now: Int64 = 1_800_000_000
  static let farAway = now + 86_400 * 365

  /// By role; delegated roles get theirs when they are first published.
  var signers: [String: Signers] = [:]
  var rootVersion: Int64 = 1
  var timestampVersion: Int64 = 1
  var snapshotVersion: Int64 = 1
  var expires: [String: Int64] = [:]
  /// By role: `targets` and the names of delegated roles.
  var targets: [String: Targets] = ["targets": Targets()]
  var listsHashes = true
  /// Roles that the snapshot leaves out.
  var unlisted: Set<String> = []

  /// What is served, by path.
  var files: [String: [UInt8]] = [:]
  private(set) var requests: [String] = []
  /// Called before an answer, with the path: a server that acts on what it is asked.
  var onRequest: (String) -> Void = { _ in }
  /// What is answered instead, if anything.
  var failure: FetchFailure?

  init() {
    for role in ["root", "timestamp", "snapshot", "targets"] { signers[role] = Signers() }
    publishRoot()
    publish()
  }

  var firstRoot: [UInt8] { files["1.root.json"]! }

  func fetch(_ request: MetadataRequest) throws(FetchFailure) -> [UInt8] {
    requests.append(request.path)
    onRequest(request.path)
    if let failure { throw failure }
    guard let bytes = files[request.path] else { throw .missing(path: request.path) }
    guard UInt64(bytes.count) <= request.bytesMax else { throw .oversized }
    return bytes
  }

  /// The requests since the last call.
  func takeRequests() -> [String] {
    defer { requests = [] }
    return requests
  }
}

// MARK: - Publishing
extension SimulatedRepository {
  /// Signs a root with the keys that it names, and with those in `also`.
  func publishRoot(also: [PrivateKey] = []) {
    publishRoot(signedBy: (signers["root"]?.keys ?? []) + also)
  }

  func publishRoot(signedBy signing: [PrivateKey]) {
    var keys: [(String, JSONValue)] = []
    var roles: [(String, JSONValue)] = []
    for role in ["root", "timestamp", "snapshot", "targets"] {
      guard let signers = signers[role] else { continue }
      keys += signers.keys.map { (label($0), object($0)) }
      roles.append((role, roleObject(signers)))
    }
    let signed =
      common("root", rootVersion, expires["root"]) + [
        ("keys", .object(withoutDoubles(keys))), ("roles", .object(roles)),
      ]
    files["\(rootVersion).root.json"] = sign(signed, signing)
  }

  /// Makes the next root, signed by the keys of the last one as well.
  func rotate(_ change: () -> Void) {
    let before = signers["root"]?.keys ?? []
    change()
    rootVersion += 1
    publishRoot(also: before)
  }

  /// Signs everything below the root, as it is.
  func publish() {
    var meta: [(String, JSONValue)] = []
    for role in targets.keys.sorted() {
      let bytes = targetsFile(role)
      files["\(PercentEncoding.component(role)).json"] = bytes
      if unlisted.contains(role) { continue }
      meta.append(("\(role).json", listing(targets[role]!.version, bytes)))
    }
    let snapshot = sign(
      common("snapshot", snapshotVersion, expires["snapshot"]) + [("meta", .object(meta))],
      signers["snapshot"]!.keys)
    files["snapshot.json"] = snapshot
    files["timestamp.json"] = sign(
      common("timestamp", timestampVersion, expires["timestamp"]) + [
        ("meta", .object([("snapshot.json", listing(snapshotVersion, snapshot))]))
      ], signers["timestamp"]!.keys)
  }

  /// The next version of everything below the root.
  func publishNext() {
    timestampVersion += 1
    snapshotVersion += 1
    targets["targets"]!.version += 1
    publish()
  }

  func addTarget(_ path: String, _ content: String, to role: String = "targets") {
    addTarget(
      path, to: role, length: content.utf8.count, sha256: SHA256.hash(Array(content.utf8)).hex)
  }

  func addTarget(
    _ path: String, to role: String = "targets", length: Int, sha256: String,
    custom: JSONValue? = nil
  ) {
    var entry: [(String, JSONValue)] = [
      ("length", .integer(Int64(length))), ("hashes", .object([("sha256", .string(sha256))])),
    ]
    if let custom { entry.append(("custom", custom)) }
    targets[role]!.targets.removeAll { $0.path == path }
    targets[role]!.targets.append((path, .object(entry)))
  }

  func delegate(_ from: String, _ delegation: Delegation) {
    if targets[delegation.name] == nil { targets[delegation.name] = Targets() }
    if signers[delegation.name] == nil { signers[delegation.name] = Signers() }
    targets[from]!.delegations.append(delegation)
  }
}

// MARK: - The parts of a file
extension SimulatedRepository {
  private func targetsFile(_ role: String) -> [UInt8] {
    let file = targets[role]!
    var signed = common("targets", file.version, file.expires)
    signed.append(("targets", .object(file.targets.map { ($0.path, $0.entry) })))
    if !file.delegations.isEmpty {
      var keys: [(String, JSONValue)] = []
      var roles: [JSONValue] = []
      for delegation in file.delegations {
        keys += signers[delegation.name]!.keys.map { (label($0), object($0)) }
        guard case .object(let members) = roleObject(signers[delegation.name]!) else { continue }
        roles.append(
          .object(
            members + [
              ("name", .string(delegation.name)),
              ("paths", .array(delegation.paths.map { .string($0) })),
              ("terminating", .boolean(delegation.isTerminating)),
            ]))
      }
      signed.append(
        (
          "delegations",
          .object([("keys", .object(withoutDoubles(keys))), ("roles", .array(roles))])
        ))
    }
    if let custom = file.custom { signed.append(("custom", custom)) }
    return sign(signed, signers[role]!.keys)
  }

  private func common(
    _ type: String, _ version: Int64, _ expires: Int64?
  ) -> [(String, JSONValue)] {
    [
      ("_type", .string(type)), ("spec_version", .string("1.0.31")), ("version", .integer(version)),
      ("expires", .string(Timestamp.text(seconds: expires ?? Self.farAway))),
    ]
  }

  private func listing(_ version: Int64, _ bytes: [UInt8]) -> JSONValue {
    guard listsHashes else { return .object([("version", .integer(version))]) }
    return .object([
      ("version", .integer(version)), ("length", .integer(Int64(bytes.count))),
      ("hashes", .object([("sha256", .string(SHA256.hash(bytes).hex))])),
    ])
  }

  private func roleObject(_ signers: Signers) -> JSONValue {
    .object([
      ("keyids", .array(signers.keys.map { .string(label($0)) })),
      ("threshold", .integer(Int64(signers.threshold))),
    ])
  }

  private func label(_ key: PrivateKey) -> String { SHA256.hash(key.publicKey.material).hex }

  private func object(_ key: PrivateKey) -> JSONValue {
    .object([
      ("keytype", .string("ed25519")), ("scheme", .string("ed25519")),
      (
        "keyval",
        .object([("public", .string(Hex.encode(Array(key.publicKey.material.suffix(32)).span)))])
      ),
    ])
  }

  private func withoutDoubles(_ members: [(String, JSONValue)]) -> [(String, JSONValue)] {
    var seen: Set<String> = []
    return members.filter { seen.insert($0.0).inserted }
  }

  func sign(_ signed: [(String, JSONValue)], _ keys: [PrivateKey]) -> [UInt8] {
    let message = try! JSONValue.object(signed).canonical(.olpc)
    var seen: Set<String> = []
    let signatures = keys.filter { seen.insert(label($0)).inserted }.map { key in
      JSONValue.object([
        ("keyid", .string(label(key))),
        ("sig", .string(Hex.encode(key.sign(message.span).span))),
      ])
    }
    return Array(
      JSONValue.object([("signatures", .array(signatures)), ("signed", .object(signed))])
        .serialized().utf8)
  }
}
