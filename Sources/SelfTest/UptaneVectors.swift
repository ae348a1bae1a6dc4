// SPDX-License-Identifier: Apache-2.0
import Codec
import Linux
public import Updater
public import Uptane

/// A folder of Uptane vectors, which also a device can play:
/// ```
/// FOLDER/
///   index.json      the cases: what is served, what is stored, the clock, what must come of it
///   base/NAME/      director/… and image/…: a pair of repositories
///   state/NAME/     director/… and image/…: what a device has stored
///   cases/ID/       files that are served in place of the base's
/// ```
public struct UptaneVectors: Sendable {
  let folder: String
  private let index: JSONNode

  public enum Failure: Error, Hashable, Sendable {
    case file(path: String, Errno)
    case json(path: String, JSONError)
    /// The index does not say what it must.
    case index(String)
  }

  public init(folder: String) throws(Failure) {
    self.folder = folder
    let path = "\(folder)/index.json"
    let bytes = try UptaneVectors.read(path)
    do throws(JSONError) { index = try JSONDocument(parsing: bytes).root } catch {
      throw .json(path: path, error)
    }
  }

  /// The names of the cases, in their order.
  public var names: [String] { cases.compactMap { $0["id"]?.string } }

  private var cases: JSONElements { index["cases"]?.elements ?? index.elements }

  /// Plays a case; gives what is other than expected, or nil. `makeStorage` gives each repository
  /// an empty place for its metadata.
  public func play<Storage: MetadataStorage>(
    _ name: String, _ makeStorage: (Repository) -> Storage
  ) throws(Failure) -> String? {
    guard let node = cases.first(where: { $0["id"]?.equals(name) ?? false }) else {
      throw .index(name)
    }
    let play = VectorPlay(
      self, node, director: makeStorage(.director), image: makeStorage(.image))
    try play.prepare()
    return try play.difference()
  }

  func device(_ node: JSONNode) throws(Failure) -> Inventory {
    guard let device = node["device"] ?? index["device"],
      let primary = device["primary"].flatMap({ ECU($0) })
    else { throw .index("device") }
    var installed: [(serial: String, image: InstalledImage)] = []
    for (serial, image) in device["installed"]?.members ?? index.members {
      guard let path = image["filepath"]?.string else { continue }
      installed.append(
        (
          serial,
          InstalledImage(
            path: path, hashes: Hashes(sha256: image["sha256"]?.string),
            length: UInt64(clamping: image["length"]?.integer ?? 0),
            releaseCounter: image["release_counter"]?.integer ?? 0)
        ))
    }
    return Inventory(
      primary: primary,
      secondaries: device["secondaries"]?.elements.compactMap { ECU($0) } ?? [],
      primaryIsOSTree: device["ostree"]?.boolean ?? true, installed: installed)
  }

  /// As the case and the head of the index have it.
  func policy(_ repository: Repository, _ node: JSONNode) -> VerificationPolicy {
    var policy = VerificationPolicy(repository)
    let isOptional = node["options"]?["director_snapshot"]?.equals("if-present") ?? false
    policy.requiresTimestamp = !isOptional
    func limit(_ name: String, _ limit: inout UInt64) {
      if let bytes = index["limits"]?[name]?.integer { limit = UInt64(clamping: bytes) }
    }
    limit("root", &policy.limits.rootBytes)
    limit("timestamp", &policy.limits.timestampBytes)
    limit("snapshot", &policy.limits.snapshotBytes)
    limit("director-targets", &policy.limits.directorTargetsBytes)
    limit("image-targets", &policy.limits.imageTargetsBytes)
    return policy
  }

  static func read(_ path: String) throws(Failure) -> [UInt8] {
    do throws(Errno) { return try FileDescriptor.open(path).readAll(limit: 64 << 20) } catch {
      throw .file(path: path, error)
    }
  }
}

extension ECU {
  fileprivate init?(_ node: JSONNode) {
    guard let serial = node["ecu_serial"]?.string, let hardwareID = node["hardware_id"]?.string
    else { return nil }
    self.init(serial: serial, hardwareID: hardwareID)
  }
}
