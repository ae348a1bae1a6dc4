// SPDX-License-Identifier: Apache-2.0
public import Codec

/// A target file as one metadata file describes it. TUF specification, 4.5: TARGETS.
public struct Target: Sendable {
  public let path: String
  /// Zero for an image of OSTree, which has no size of its own.
  public let length: UInt64
  public let hashes: Hashes
  /// What is said beyond length and hashes; a document of its own.
  public let custom: JSONNode?

  /// `node` must have the right shape; nil else.
  init?(_ path: String, _ node: JSONNode) {
    guard let length = node["length"]?.integer, length >= 0,
      let hashes = node["hashes"].flatMap({ Hashes($0) })
    else { return nil }
    self.path = path
    self.length = UInt64(length)
    self.hashes = hashes
    custom = node["custom"].flatMap(Target.copy)
  }

  /// A copy, so that a large file need not be kept for a part of it.
  private static func copy(_ node: JSONNode) -> JSONNode? {
    if node.isNull { return nil }
    do throws(JSONError) {
      return try JSONDocument(parsing: node.canonical(.otaUTF8)).root
    } catch { return nil }
  }

  /// Throws `malformed`.
  static func checkShape(_ path: String, _ node: JSONNode, _ place: Place) throws(UptaneError) {
    guard isPath(path) else { throw place.malformed(.targetPath(path)) }
    guard let length = node["length"]?.integer, length >= 0, let hashes = node["hashes"],
      Hashes(hashes) != nil, !hashes.isEmptyObject
    else { throw place.malformed(.target(path: path)) }
    if let custom = node["custom"], custom.kind != .object, !custom.isNull {
      throw place.malformed(.target(path: path))
    }
  }

  /// A path below some folder: not empty, not absolute, nothing that leads out of it.
  static func isPath(_ path: String) -> Bool {
    let bytes = path.utf8
    guard !bytes.isEmpty, bytes.count <= FixedLimits.targetPathByteCount,
      bytes.first != UInt8(ascii: "/"), !bytes.contains(0)
    else { return false }
    return !bytes.split(separator: UInt8(ascii: "/")).contains { $0.elementsEqual("..".utf8) }
  }

  /// Where it is to be fetched from, if `custom` says so. Old tools wrote `https://example.com/`
  /// where they had nothing to say.
  var uri: String? {
    guard let uri = custom?["uri"]?.string, !uri.utf8.isEmpty,
      !same(uri, "https://example.com/")
    else { return nil }
    return uri
  }
}

extension JSONNode {
  var isEmptyObject: Bool {
    var members = members
    return kind == .object && members.next() == nil
  }
}
