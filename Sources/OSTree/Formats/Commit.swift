// SPDX-License-Identifier: Apache-2.0
import Codec
import Cryptography

/// A commit: one version of a file system tree and what is said about it.
///
/// Shape `(a{sv}aya(say)sstayay)`: metadata, parent, related objects, subject, body, timestamp
/// (big-endian), root dirtree, root dirmeta.
public struct Commit: Sendable {
  /// The bytes of the object, whose SHA-256 is its name and which signatures cover.
  public let bytes: [UInt8]
  /// `a{sv}`.
  public let metadata: GVariant
  public let parent: Checksum?
  public let subject: String
  public let body: String
  /// Seconds since 1970, UTC.
  public let timestamp: UInt64
  public let rootTree: Checksum
  public let rootMeta: Checksum
  /// The refs by which this commit may be reached; nil if it does not say.
  public let refBindings: [String]?
  /// The collection that this commit belongs to.
  public let collectionBinding: String?
  /// Sizes of the objects of this commit, if whoever made it added them.
  public let sizes: ObjectSizes?

  /// Reads the bytes of a commit object.
  public init(parsing bytes: [UInt8]) throws(FormatError) {
    self.bytes = bytes
    let fields = try gvariant(bytes[...], FormatType.commit)
    metadata = fields[0]
    try metadata.checkKeys()
    parent = try fields[1].optionalChecksum()
    subject = fields[3].string
    body = fields[4].string
    timestamp = fields[5].bigEndianUInt64
    rootTree = try fields[6].checksum()
    rootMeta = try fields[7].checksum()
    // What decides whether a commit is the right one must not be missed for its type.
    refBindings = try metadata.value(of: "ostree.ref-binding", type: "as")?.strings
    collectionBinding = try metadata.value(of: "ostree.collection-binding", type: "s")?.string
    sizes = try metadata.value(of: "ostree.sizes", type: "aay").map { ObjectSizes($0) }
  }

  /// Writes a commit.
  public init(
    metadata: [(key: String, value: GVariantValue)], parent: Checksum?, subject: String,
    body: String, timestamp: UInt64, rootTree: Checksum, rootMeta: Checksum
  ) throws(FormatError) {
    let value = GVariantValue.tuple([
      .dictionary(metadata.map { ($0.key, $0.value) }),
      .bytes(parent?.bytes ?? []), .array(elementType: "(say)", []), .string(subject),
      .string(body), .bigEndian(timestamp), .bytes(rootTree.bytes), .bytes(rootMeta.bytes),
    ])
    try self.init(parsing: value.serialized())
  }

  public var checksum: Checksum { SHA256.hash(bytes) }

  /// Names the tree alone, whatever the commit says about it: SHA-256 of the two root checksums.
  public var contentChecksum: Checksum { SHA256.hash(rootTree.bytes + rootMeta.bytes) }
}

// What the metadata says. A value of another type than the documented one counts as absent, as
// in libostree: nothing is decided by these.
extension Commit {
  public var version: String? { text("version") }
  public var architecture: String? { text("ostree.architecture") }
  /// Of the kernel in `usr/lib/modules`.
  public var linuxVersion: String? { text("ostree.linux") }
  public var sourceTitle: String? { text("ostree.source-title") }
  public var isBootable: Bool { metadata.lookup("ostree.bootable", type: "b")?.boolean ?? false }
  /// Why this branch gets no more updates.
  public var endOfLife: String? { text("ostree.endoflife") }
  /// The ref to follow instead.
  public var endOfLifeRebase: String? { text("ostree.endoflife-rebase") }
  /// fs-verity digest of the composefs image of this tree.
  public var composefsDigest: Checksum? {
    metadata.lookup("ostree.composefs.digest.v0", type: "ay").flatMap { Checksum($0.byteString) }
  }

  private func text(_ key: String) -> String? { metadata.lookup(key, type: "s")?.string }
}

/// What one object costs.
public struct ObjectSize: Hashable, Sendable {
  public let name: ObjectName
  /// On the wire, as an archive repo stores it.
  public let archivedBytes: UInt64
  public let unpackedBytes: UInt64
}

/// `ostree.sizes` of a commit, read entry by entry: for each object its checksum, the two sizes as
/// varints, and one byte for its type, which old commits lack. Shape `aay`, sorted by checksum.
public struct ObjectSizes: Sendable {
  private let entries: GVariant

  init(_ entries: GVariant) { self.entries = entries }

  public var count: Int { entries.count }

  /// The entry at `index`. Throws `.key` if it cannot be read.
  public func size(at index: Int) throws(FormatError) -> ObjectSize {
    let entry = entries[index].byteString
    let malformed = FormatError.key("ostree.sizes")
    guard let checksum = Checksum(entry.prefix(Checksum.byteCount)) else { throw malformed }
    var position = entry.startIndex + Checksum.byteCount
    guard let archived = Varint.read(entry, at: &position),
      let unpacked = Varint.read(entry, at: &position)
    else { throw malformed }
    var type = ObjectType.file
    if position < entry.endIndex {
      guard position + 1 == entry.endIndex, let found = ObjectType(rawValue: entry[position]) else {
        throw malformed
      }
      type = found
    }
    return ObjectSize(
      name: ObjectName(checksum, type), archivedBytes: archived, unpackedBytes: unpacked)
  }
}
