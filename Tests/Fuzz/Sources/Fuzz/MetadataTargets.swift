// SPDX-License-Identifier: Apache-2.0
import Codec
import Cryptography
import Foundation

@testable import Uptane

// What a server calls metadata, and what is made of it. The bytes are taken as a whole file, and
// once more as its `signed`, below a good signature: what nobody has signed is never judged.
extension FuzzTarget {
  static let metadataTargets = [
    FuzzTarget(name: "metadata-root") { bytes in
      _ = try? RootChain(trusting: bytes, SignedMetadata.image)
      guard let file = SignedMetadata(bytes) else { return }
      if let chain = try? RootChain(trusting: file.bytes, SignedMetadata.director) {
        _ = (chain.version, chain.next.path, chain.freshnessKeys)
      }
      guard var chain = try? file.chain(SignedMetadata.image) else { return }
      try? chain.accept(file.bytes)
      require((1...2).contains(chain.version), "a root follows its predecessor")
      _ = try? chain.finish(at: SignedMetadata.now)
    },
    FuzzTarget(name: "metadata-timestamp") { bytes in
      guard let file = SignedMetadata(bytes), let root = try? file.root(SignedMetadata.image) else {
        return
      }
      _ = try? root.accept(timestamp: bytes, stored: bytes)
      _ = try? root.accept(timestamp: file.timestamp, stored: file.bytes)
      guard let timestamp = try? root.accept(timestamp: file.bytes, stored: file.timestamp) else {
        return
      }
      _ = timestamp.snapshot.path
    },
    FuzzTarget(name: "metadata-snapshot") { bytes in
      guard let file = SignedMetadata(bytes), let root = try? file.root(SignedMetadata.image),
        let timestamp = try? root.accept(timestamp: file.timestamp, stored: nil)
      else { return }
      _ = try? timestamp.accept(snapshot: bytes, stored: bytes)
      _ = try? timestamp.accept(snapshot: file.snapshot, stored: file.bytes)
      _ = try? timestamp.accept(snapshot: file.bytes, stored: file.snapshot)
      guard let found = try? timestamp.accept(snapshot: file.bytes, stored: file.bytes) else {
        return
      }
      require(found.version > 0, "a version is positive")
      _ = try? found.targets().path
    },
    FuzzTarget(name: "metadata-targets") { bytes in
      guard let file = SignedMetadata(bytes) else { return }
      for policy in [SignedMetadata.director, SignedMetadata.image] {
        file.judgeTargets(policy)
      }
    },
  ]
}

/// `signed`, and files that name its version: all signed by one key that may sign for every role.
struct SignedMetadata {
  /// Within the dates of the samples.
  static let now: Int64 = 1_803_900_000
  static let image = VerificationPolicy(.image)
  static let director = VerificationPolicy(.director)

  let bytes: [UInt8]
  private let dialect: Dialect
  private let version: Int64
  private let names: [String]

  private static let key = PrivateKey(ed25519Hex: String(repeating: "07", count: 32))!

  /// Nil for what is no object of JSON.
  init?(_ signed: [UInt8]) {
    guard let root = try? JSONDocument(parsing: signed).root, root.kind == .object,
      signed.count < 32 << 10
    else { return nil }
    dialect = Dialect(of: root)
    version = root["version"]?.integer ?? 1
    names = (root["targets"]?.members).map { Array($0.prefix(4)).map { $0.0 } } ?? []
    bytes = Self.file(signed, root)
  }

  private static func file(_ signed: [UInt8], _ root: JSONNode) -> [UInt8] {
    let isTUF = Dialect(of: root) == .tuf
    let signature = key.sign(root.canonical(isTUF ? .olpc : .otaASCII).span)
    let text = isTUF ? Hex.encode(signature.span) : Base64.encode(signature.span)
    let entry = "{\"keyid\":\"k\",\"method\":\"ed25519\",\"sig\":\"\(text)\"}"
    return Array("{\"signatures\":[\(entry)],\"signed\":".utf8) + signed + Array("}".utf8)
  }

  /// One of ours, in the dialect of the bytes.
  private func made(_ type: String, _ version: Int64, _ rest: String) -> [UInt8] {
    let name = dialect == .tuf ? type : type.prefix(1).uppercased() + type.dropFirst()
    let specification = dialect == .tuf ? "\"spec_version\":\"1.0.31\"," : ""
    let signed = """
      {"_type":"\(name)",\(specification)"version":\(version),\
      "expires":"2126-01-01T00:00:00Z",\(rest)}
      """
    let text = Array(signed.utf8)
    return (try? JSONDocument(parsing: text)).map { Self.file(text, $0.root) } ?? []
  }

  var timestamp: [UInt8] {
    made("timestamp", 1, "\"meta\":{\"snapshot.json\":{\"version\":\(version)}}")
  }

  var snapshot: [UInt8] {
    let roles = ["targets", "apps", "vendor", "vendor-sub", "a", "b"]
    let listed = roles.map { "\"\($0).json\":{\"version\":\(version)}" }
    return made("snapshot", version, "\"meta\":{\(listed.joined(separator: ","))}")
  }

  func chain(_ policy: VerificationPolicy) throws(UptaneError) -> RootChain {
    let material = Self.key.publicKey.text
    let roles = ["root", "timestamp", "snapshot", "targets"].map {
      "\"\($0)\":{\"keyids\":[\"k\"],\"threshold\":1}"
    }
    let key = """
      {"keytype":"ed25519","scheme":"ed25519","keyval":{"public":"\(material)"}}
      """
    return try RootChain(
      trusting: made(
        "root", 1,
        "\"keys\":{\"k\":\(key)},\"roles\":{\(roles.joined(separator: ","))}"), policy)
  }

  func root(_ policy: VerificationPolicy) throws(UptaneError) -> TrustedRoot {
    try chain(policy).finish(at: Self.now)
  }

  func judgeTargets(_ policy: VerificationPolicy) {
    // With a stored version of its own no rollback is seen.
    guard version > 0, let root = try? root(policy),
      let timestamp = try? root.accept(timestamp: timestamp, stored: nil),
      let snapshot = try? timestamp.accept(snapshot: snapshot, stored: nil),
      let accepted = try? snapshot.accept(targets: bytes, storedVersion: version),
      let targets = try? accepted.settle()
    else { return }
    if policy.repository == .director {
      let ecu = ECU(serial: "gw-0001-primary", hardwareID: "edge-gw-v2")
      guard let found = try? targets.assignments(for: Inventory(primary: ecu)) else { return }
      for assignment in found.pending {
        let device = Inventory(primary: ecu)
        _ = try? VerifiedTarget(assignment, assignment.target, for: device)
      }
      return
    }
    _ = targets.newest(TargetChoice(hardwareID: "edge-gw-v2"), after: "x") { _ in false }
    for path in names + ["apps/sensor-fw-7.bin", "vendor/sub/x", "nowhere"] {
      var search = targets.search(for: path)
      var visited = 0
      // The same file for every role that is asked for.
      while let sought = try? search.next() {
        visited += 1
        require(visited <= policy.limits.delegatedRoles, "a search ends")
        _ = search.version(stored: bytes, sought)
        guard (try? search.accept(bytes, for: sought, storedVersion: nil)) != nil else { break }
      }
      if let target = search.found {
        require(target.path.utf8.elementsEqual(path.utf8), "what is found is what was sought")
      }
    }
  }
}
