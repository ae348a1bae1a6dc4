// SPDX-License-Identifier: Apache-2.0
import Codec
import Cryptography

/// One part of a static delta: what its file must be, and which objects come out of it.
public struct DeltaPart: Sendable {
  /// Of the file as it is stored.
  public let checksum: Checksum
  public let storedBytes: UInt64
  /// Of the objects that come out of it, together.
  public let unpackedBytes: UInt64
  /// One byte of type and 32 of checksum for each object.
  private let objects: ArraySlice<UInt8>

  private static let entryBytes = 1 + Checksum.byteCount

  fileprivate init(_ entry: GVariant, swapped: Bool) throws(FormatError) {
    guard entry[0].uint32 == 0 else { throw .delta }
    checksum = try entry[1].checksum()
    storedBytes = entry[2].uint64(swapped: swapped)
    unpackedBytes = entry[3].uint64(swapped: swapped)
    objects = entry[4].byteString
    guard objects.count % DeltaPart.entryBytes == 0 else { throw .delta }
    for index in 0..<objectCount where type(at: index) == nil { throw .delta }
  }

  public var objectCount: Int { objects.count / DeltaPart.entryBytes }

  public func object(at index: Int) -> ObjectName {
    let start = objects.startIndex + index * DeltaPart.entryBytes
    // Both were checked when the part was read.
    return ObjectName(
      Checksum(objects[start + 1..<start + DeltaPart.entryBytes])!, type(at: index)!)
  }

  /// Only objects that are named for their bytes travel in deltas.
  private func type(at index: Int) -> ObjectType? {
    let type = ObjectType(rawValue: objects[objects.startIndex + index * DeltaPart.entryBytes])
    return type?.isContentAddressed == true ? type : nil
  }
}

/// An object that a delta leaves to be fetched for itself.
public struct DeltaFallback: Hashable, Sendable {
  public let name: ObjectName
  public let archivedBytes: UInt64
  public let unpackedBytes: UInt64
}

/// The front of a static delta: from which commit to which, in which parts.
///
/// Shape `(a{sv}tayay(commit)aya(uayttay)a(yaytt))`: metadata, timestamp (big-endian), from, to,
/// the commit itself, a list that is always empty, parts, fallbacks. The integers of parts and
/// fallbacks are in the byte order that the metadata names.
public struct DeltaSuperblock: Sendable {
  public let bytes: [UInt8]
  /// `a{sv}`.
  public let metadata: GVariant
  /// Seconds since 1970, UTC.
  public let timestamp: UInt64
  public let name: DeltaName
  /// The commit that it leads to; its checksum is `name.to`.
  public let commit: Commit
  public let parts: [DeltaPart]
  public let fallbacks: [DeltaFallback]

  /// Reads a superblock that is not signed. Throws `.delta` if the commit is not the one it names.
  public init(parsing bytes: [UInt8]) throws(FormatError) {
    self.bytes = bytes
    let fields = try gvariant(bytes[...], FormatType.deltaSuperblock)
    metadata = fields[0]
    try metadata.checkKeys()
    timestamp = fields[1].bigEndianUInt64
    name = DeltaName(from: try fields[2].optionalChecksum(), to: try fields[3].checksum())
    commit = try Commit(parsing: Array(fields[4].bytes))
    guard commit.checksum == name.to, fields[5].byteString.isEmpty else { throw .delta }
    let swapped = try DeltaSuperblock.isSwapped(metadata, parts: fields[6])
    var parts: [DeltaPart] = []
    for index in 0..<fields[6].count {
      parts.append(try DeltaPart(fields[6][index], swapped: swapped))
    }
    self.parts = parts
    var fallbacks: [DeltaFallback] = []
    for index in 0..<fields[7].count {
      fallbacks.append(try DeltaFallback(fields[7][index], swapped: swapped))
    }
    self.fallbacks = fallbacks
  }

  /// A part that is inside the superblock: its compression, 0 for none and `x` for xz, and its
  /// bytes. Nil if it is a file of its own.
  public func inlinePart(
    _ index: Int
  ) throws(FormatError) -> (compression: UInt8, bytes: ArraySlice<UInt8>)? {
    guard let part = try metadata.value(of: name.partPath(index), type: "(yay)") else {
      return nil
    }
    return (part[0].byte, part[1].byteString)
  }

  /// The commit's detached metadata, if it came along.
  public func detachedMetadata() throws(FormatError) -> DetachedMetadata? {
    guard let found = try metadata.value(of: name.commitMetaKey, type: "a{sv}") else { return nil }
    return try DetachedMetadata(parsing: Array(found.bytes))
  }

  /// Whether integers are big-endian. Very old generators wrote their own byte order and did not
  /// say which: sizes that cannot be are then taken for swapped, as libostree does.
  private static func isSwapped(
    _ metadata: GVariant, parts: GVariant
  ) throws(FormatError) -> Bool {
    let key = "ostree.endianness"
    if let order = try metadata.value(of: key, type: "y") {
      switch order.byte {
      case UInt8(ascii: "l"): return false
      case UInt8(ascii: "B"): return true
      default: throw .key(key)
      }
    }
    var (unpacked, objects): (UInt64, UInt64) = (0, 0)
    for index in 0..<parts.count {
      let part = parts[index]
      // Packing does not make anything larger by a fifth.
      if part[2].uint64 / 6 > part[3].uint64 / 5 { return true }
      let (sum, overflow) = unpacked.addingReportingOverflow(part[3].uint64)
      unpacked = overflow ? .max : sum
      objects += UInt64(part[4].bytes.count / 33)
    }
    return objects > 0 && unpacked / objects > UInt64(UInt32.max)
  }
}

extension DeltaFallback {
  fileprivate init(_ entry: GVariant, swapped: Bool) throws(FormatError) {
    guard let type = ObjectType(rawValue: entry[0].byte), type.isContentAddressed else {
      throw .delta
    }
    self.init(
      name: ObjectName(try entry[1].checksum(), type),
      archivedBytes: entry[2].uint64(swapped: swapped),
      unpackedBytes: entry[3].uint64(swapped: swapped))
  }
}

extension GVariant {
  fileprivate func uint64(swapped: Bool) -> UInt64 { swapped ? bigEndianUInt64 : uint64 }
}

/// A superblock inside the frame that its signatures are made for. Shape `(taya{sv})`: the bytes
/// `OSTSGNDT`, the superblock, signatures as in detached metadata.
public struct SignedDelta: Sendable {
  public let bytes: [UInt8]
  /// What the signatures cover.
  public let superblockBytes: [UInt8]
  public let signatures: DetachedMetadata

  private static let magic = Array("OSTSGNDT".utf8)

  /// Whether these bytes are such a frame, and not a plain superblock.
  public static func isSigned(_ bytes: [UInt8]) -> Bool { bytes.starts(with: magic) }

  public init(parsing bytes: [UInt8]) throws(FormatError) {
    self.bytes = bytes
    let fields = try gvariant(bytes[...], FormatType.signedDelta)
    guard fields[0].bytes.elementsEqual(SignedDelta.magic) else { throw .header }
    superblockBytes = Array(fields[1].byteString)
    signatures = try DetachedMetadata(parsing: Array(fields[2].bytes))
  }
}
