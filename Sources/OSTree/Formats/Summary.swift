// SPDX-License-Identifier: Apache-2.0
import Codec
import Cryptography

/// One ref as a summary names it.
public struct SummaryRef: Hashable, Sendable {
  public let name: String
  /// Of the commit object.
  public let sizeBytes: UInt64
  public let checksum: Checksum
  /// Seconds since 1970, UTC, of the commit.
  public let timestamp: UInt64?
  /// What the commit calls its version.
  public let version: String?

  public init(
    name: String, sizeBytes: UInt64, checksum: Checksum, timestamp: UInt64?, version: String?
  ) {
    self.name = name
    self.sizeBytes = sizeBytes
    self.checksum = checksum
    self.timestamp = timestamp
    self.version = version
  }
}

/// Refs sorted by name, read when asked for. Shape `a(s(taya{sv}))`; the size of a commit is the
/// one integer that OSTree leaves in little-endian.
public struct SummaryRefs: Sendable {
  private let list: GVariant

  /// Throws if names are out of order or doubled, or a checksum is none.
  init(_ list: GVariant) throws(FormatError) {
    self.list = list
    var previous: ArraySlice<UInt8>?
    for index in 0..<list.count {
      let name = list[index][0].textBytes
      if let previous, !previous.lexicographicallyPrecedes(name) {
        let text = list[index][0].string
        throw previous == name ? .duplicate(text, at: index) : .unsorted(text, at: index)
      }
      previous = name
      let count = list[index][1][1].bytes.count
      if count != Checksum.byteCount { throw .checksumLength(count) }
    }
  }

  public var count: Int { list.count }

  public func ref(at index: Int) -> SummaryRef {
    let entry = list[index]
    let target = entry[1]
    let metadata = target[2]
    return SummaryRef(
      name: entry[0].string, sizeBytes: target[0].uint64,
      // The length was checked when the summary was read.
      checksum: Checksum(target[1].byteString)!,
      timestamp: metadata.lookup("ostree.commit.timestamp", type: "t")?.bigEndianUInt64,
      version: metadata.lookup("ostree.commit.version", type: "s")?.string)
  }

  /// The ref of this name. A binary search.
  public func lookup(_ name: String) -> SummaryRef? {
    let wanted = Array(name.utf8)
    var (low, high) = (0, count)
    while low < high {
      let middle = low + (high - low) / 2
      if list[middle][0].textBytes.lexicographicallyPrecedes(wanted) {
        low = middle + 1
      } else {
        high = middle
      }
    }
    guard low < count, list[low][0].textBytes.elementsEqual(wanted) else { return nil }
    return ref(at: low)
  }

  /// What the list is written from again.
  public var value: GVariantValue { list.value }
}

/// What a repo offers: its refs, and what it says about itself. Shape `(a(s(taya{sv}))a{sv})`.
public struct Summary: Sendable {
  public let bytes: [UInt8]
  public let refs: SummaryRefs
  /// `a{sv}`.
  public let metadata: GVariant
  /// The collection that `refs` belong to.
  public let collectionID: String?
  /// Refs of other collections.
  public let collections: [(id: String, refs: SummaryRefs)]
  /// The static deltas that the repo offers; nil also where they are in indexes of their own.
  public let deltas: DeltaMap?

  /// Reads the file `summary`.
  public init(parsing bytes: [UInt8]) throws(FormatError) {
    self.bytes = bytes
    let fields = try gvariant(bytes[...], FormatType.summary)
    refs = try SummaryRefs(fields[0])
    metadata = fields[1]
    try metadata.checkKeys()
    collectionID = try metadata.value(of: "ostree.summary.collection-id", type: "s")?.string
    deltas = try DeltaMap(in: metadata)
    var collections: [(id: String, refs: SummaryRefs)] = []
    let key = "ostree.summary.collection-map"
    if let map = try metadata.value(of: key, type: "a{sa(s(taya{sv}))}") {
      for index in 0..<map.count {
        collections.append((map[index][0].string, try SummaryRefs(map[index][1])))
      }
    }
    self.collections = collections
  }

  /// The ref of this name; with a collection, the one of that collection and no other.
  public func lookup(_ name: String, collectionID: String? = nil) -> SummaryRef? {
    guard let collectionID, collectionID != self.collectionID else { return refs.lookup(name) }
    return collections.first { $0.id == collectionID }?.refs.lookup(name)
  }

  /// Seconds since 1970, UTC.
  public var lastModified: UInt64? { time("ostree.summary.last-modified") }
  /// Seconds since 1970, UTC; for information.
  public var expires: UInt64? { time("ostree.summary.expires") }
  /// `core.mode` of the repo.
  public var mode: String? { metadata.lookup("ostree.summary.mode", type: "s")?.string }
  /// Deltas are listed in an index for each commit, and only there.
  public var hasIndexedDeltas: Bool { flag("ostree.summary.indexed-deltas") }
  public var hasTombstones: Bool { flag("ostree.summary.tombstone-commits") }

  private func time(_ key: String) -> UInt64? {
    metadata.lookup(key, type: "t")?.bigEndianUInt64
  }

  private func flag(_ key: String) -> Bool { metadata.lookup(key, type: "b")?.boolean ?? false }
}
