// SPDX-License-Identifier: Apache-2.0
import Codec
import Cryptography

/// Which two commits a static delta leads between, and where its files are in a repo.
public struct DeltaName: Hashable, Sendable {
  /// Nil for a delta that starts from nothing.
  public let from: Checksum?
  public let to: Checksum

  public init(from: Checksum?, to: Checksum) {
    self.from = from
    self.to = to
  }

  /// From `TO` or `FROM-TO` in hex, as summaries and indexes write it.
  public init?(_ text: String) {
    let parts = text.utf8.split(
      separator: UInt8(ascii: "-"), maxSplits: 1, omittingEmptySubsequences: false)
    guard let last = String(parts[parts.count - 1]), let to = Checksum(hex: last) else {
      return nil
    }
    guard parts.count == 2 else {
      self.init(from: nil, to: to)
      return
    }
    guard let first = String(parts[0]), let from = Checksum(hex: first) else { return nil }
    self.init(from: from, to: to)
  }

  public var text: String { from.map { "\($0.hex)-\(to.hex)" } ?? to.hex }

  /// The delta's folder: `deltas/eo/vNeg…-u9cj…`.
  public var directory: String {
    let to = DeltaName.base64(self.to)
    return "deltas/\(DeltaName.split(from.map { "\(DeltaName.base64($0))-\(to)" } ?? to))"
  }

  public var superblockPath: String { "\(directory)/superblock" }

  /// Also the key of a part that is inside the superblock.
  public func partPath(_ index: Int) -> String { "\(directory)/\(index)" }

  /// Key of the detached metadata inside the superblock.
  public var commitMetaKey: String { "\(directory)/commitmeta" }

  /// Where a repo lists the deltas that lead to `commit`: `delta-indexes/u9/cjWN….index`.
  public static func indexPath(to commit: Checksum) -> String {
    "delta-indexes/\(split(base64(commit))).index"
  }

  /// The checksum in 43 characters that a file name can hold: `_` for `/`, no padding.
  /// ostree: "modified base64".
  private static func base64(_ checksum: Checksum) -> String {
    let text = Base64.encode(checksum.bytes.span).utf8.dropLast()
    return String(
      decoding: text.map { $0 == UInt8(ascii: "/") ? UInt8(ascii: "_") : $0 }, as: UTF8.self)
  }

  /// A folder for the first two characters.
  private static func split(_ name: String) -> String {
    let bytes = name.utf8
    return "\(String(bytes.prefix(2))!)/\(String(bytes.dropFirst(2))!)"
  }
}

/// Names of deltas and the checksums of their superblocks. Shape `a{sv}`: name to `ay`.
public struct DeltaMap: Sendable {
  private let entries: GVariant
  private static let key = "ostree.static-deltas"

  /// From the dictionary of a summary or of an index; nil if there is no such list.
  init?(in dictionary: GVariant) throws(FormatError) {
    guard let found = try dictionary.value(of: DeltaMap.key, type: "a{sv}") else { return nil }
    entries = found
  }

  public var count: Int { entries.count }

  /// Throws `.key` if the entry names no delta or no checksum.
  public func entry(
    at index: Int
  ) throws(FormatError) -> (name: DeltaName, superblock: Checksum) {
    let entry = entries[index]
    let value = entry[1].variant
    guard let name = DeltaName(entry[0].string), value.type.matches("ay"),
      let checksum = Checksum(value.byteString)
    else { throw .key(DeltaMap.key) }
    return (name, checksum)
  }

  /// The checksum of the superblock, nil if there is no such delta.
  public func lookup(_ name: DeltaName) throws(FormatError) -> Checksum? {
    guard let value = entries.lookup(name.text) else { return nil }
    guard value.type.matches("ay"), let checksum = Checksum(value.byteString) else {
      throw .key(DeltaMap.key)
    }
    return checksum
  }
}

/// The deltas that lead to one commit: a file below `delta-indexes`. Shape `a{sv}`.
public struct DeltaIndex: Sendable {
  public let bytes: [UInt8]
  /// `a{sv}`.
  public let dictionary: GVariant
  public let deltas: DeltaMap?

  public init(parsing bytes: [UInt8]) throws(FormatError) {
    self.bytes = bytes
    dictionary = try gvariant(bytes[...], FormatType.dictionary)
    deltas = try DeltaMap(in: dictionary)
  }
}
