// SPDX-License-Identifier: Apache-2.0
import Codec
import Cryptography
import Linux

/// The front of a static delta: from which commit to which, in which parts.
///
/// Shape `(a{sv}tayay(commit)aya(uayttay)a(yaytt))`: metadata, timestamp (big-endian), from, to,
/// the commit itself, a list that is always empty, parts, fallbacks. The integers of parts and
/// fallbacks are in the byte order that the metadata names. It may be inside a frame with
/// signatures, `(taya{sv})`: the bytes `OSTSGNDT`, the superblock, signatures as in detached
/// metadata. A large one stays on the medium. ostree: docs/formats.md, static deltas.
public struct DeltaSuperblock: Sendable {
  /// Seconds since 1970, UTC.
  public let timestamp: UInt64
  public let name: DeltaName
  /// The commit that it leads to; its checksum is `name.to`.
  public let commit: Commit
  public let partCount: Int
  public let fallbackCount: Int
  /// Nil if there is no frame.
  public let signatures: DetachedMetadata?

  private let bytes: ObjectBytes
  private let file: Shared<FileDescriptor>?
  /// What signatures cover.
  private let covered: Range<Int>
  private let metadata: DeltaDictionary
  private let parts: DeltaList
  private let fallbacks: DeltaList
  private let isSwapped: Bool

  /// Below that it is read, and no page of a mapping is held.
  private static let readBytesMax: UInt64 = 64 << 10

  /// Throws `.delta` if the commit is not the one it names.
  public init(parsing bytes: [UInt8]) throws(FormatError) {
    try self.init(ObjectBytes(bytes), nil)
  }

  /// Throws `.superblock` and `.tooLarge`.
  public init(_ file: Shared<FileDescriptor>, path: String) throws(DeltaError) {
    let limit = DeltaLimits.superblockBytesMax
    let bytes: ObjectBytes
    do throws(Errno) {
      bytes = try ObjectBytes(
        of: file.value, readBytesMax: DeltaSuperblock.readBytesMax, limitBytes: limit)
    } catch {
      if error == .overflow {
        throw .unusable(.tooLarge(.superblock, neededBytes: nil, limitBytes: limit))
      }
      throw .ostree(.file(path: path, error))
    }
    defer { bytes.forget() }
    do throws(FormatError) { try self.init(bytes, file) } catch {
      throw .unusable(.superblock(error))
    }
    if bytes.hasFailed { throw .ostree(.file(path: path, .inputOutput)) }
  }

  private init(_ bytes: ObjectBytes, _ file: Shared<FileDescriptor>?) throws(FormatError) {
    let found = try bytes.look { (span) throws(FormatError) in try DeltaLayout(span) }
    self.bytes = bytes
    self.file = file
    covered = found.covered
    signatures = found.signatures
    timestamp = found.timestamp
    name = found.name
    commit = found.commit
    metadata = found.metadata
    (parts, fallbacks) = (found.parts, found.fallbacks)
    (partCount, fallbackCount) = (parts.count, fallbacks.count)
    isSwapped = try DeltaSuperblock.isSwapped(bytes, found)
    for index in 0..<partCount {
      let part = try part(at: index)
      for object in 0..<part.objectCount where !part.isSound(at: object) { throw .delta }
    }
    for index in 0..<fallbackCount { _ = try fallback(at: index) }
  }

  /// What the superblock and its frame have together.
  public func checksum() -> Checksum { bytes.checksum() }

  /// Judges the signatures; a superblock without a frame has none. All of it is looked at at once.
  public func verify(_ policy: SignaturePolicy, keys: TrustedKeys) -> SignatureVerdict {
    defer { bytes.forget() }
    return bytes.look { policy.verify($0.extracting(covered), signatures, keys: keys) }
  }

  public func part(at index: Int) throws(FormatError) -> DeltaPart {
    try bytes.look { (span) throws(FormatError) in
      try DeltaPart(bytes, span, try parts.entry(at: index, in: span), isSwapped)
    }
  }

  public func fallback(at index: Int) throws(FormatError) -> DeltaFallback {
    try bytes.look { (span) throws(FormatError) in
      try DeltaFallback(span, try fallbacks.entry(at: index, in: span), isSwapped)
    }
  }

  /// A part that is inside the superblock: its compression, 0 for none and `x` for xz, and where
  /// its bytes are. Nil if it is a file of its own.
  public func inlinePart(_ index: Int) throws(FormatError) -> DeltaInlinePart? {
    try bytes.look { (span) throws(FormatError) in
      let key = name.partPath(index)
      guard let range = try metadata.lookup(key, type: "(yay)", in: span) else { return nil }
      guard !range.isEmpty else { throw .key(key) }
      return DeltaInlinePart(
        compression: span[range.lowerBound], range: range.dropFirst(), file: file)
    }
  }

  /// The commit's detached metadata, if it came along.
  public func detachedMetadata() throws(FormatError) -> DetachedMetadata? {
    try bytes.look { (span) throws(FormatError) in
      let key = name.commitMetaKey
      guard let range = try metadata.lookup(key, type: "a{sv}", in: span) else { return nil }
      guard range.count <= DeltaLimits.detachedBytesMax else { throw .key(key) }
      return try DetachedMetadata(parsing: span.copy(range))
    }
  }

  /// Whether integers are big-endian. Very old generators wrote their own byte order and did not
  /// say which: sizes that cannot be are then taken for swapped, as libostree does.
  private static func isSwapped(
    _ bytes: ObjectBytes, _ layout: DeltaLayout
  ) throws(FormatError) -> Bool {
    let key = "ostree.endianness"
    let order = try bytes.look { (span) throws(FormatError) -> UInt8? in
      guard let range = try layout.metadata.lookup(key, type: "y", in: span) else { return nil }
      guard range.count == 1 else { throw .key(key) }
      return span[range.lowerBound]
    }
    switch order {
    case UInt8(ascii: "l"): return false
    case UInt8(ascii: "B"): return true
    case .some: throw .key(key)
    case nil: break
    }
    var (unpacked, objects): (UInt64, UInt64) = (0, 0)
    for index in 0..<layout.parts.count {
      let part = try bytes.look { (span) throws(FormatError) in
        try DeltaPart(bytes, span, try layout.parts.entry(at: index, in: span), false)
      }
      // Packing does not make anything larger by a fifth.
      if part.storedBytes / 6 > part.unpackedBytes / 5 { return true }
      let (sum, overflow) = unpacked.addingReportingOverflow(part.unpackedBytes)
      unpacked = overflow ? .max : sum
      objects += UInt64(part.objectCount)
    }
    return objects > 0 && unpacked / objects > UInt64(UInt32.max)
  }
}

/// Where the fields of a superblock lie.
private struct DeltaLayout {
  let covered: Range<Int>
  let signatures: DetachedMetadata?
  let timestamp: UInt64
  let name: DeltaName
  let commit: Commit
  let metadata: DeltaDictionary
  let parts: DeltaList
  let fallbacks: DeltaList

  private static let magic = Array("OSTSGNDT".utf8)
  /// Fields whose ends are written down: all but the timestamp and the last.
  private static let framed = 6
  private static let commitBytesMax = 8 << 20

  init(_ bytes: Span<UInt8>) throws(FormatError) {
    (covered, signatures) = try DeltaLayout.unframed(bytes)
    let base = covered.lowerBound
    let width = GVariantFraming.width(ofContainer: covered.count)
    let body = covered.count - DeltaLayout.framed * width
    guard body >= 0 else { throw .gvariant(.size(at: base)) }
    var ends = [0]
    for index in 1...DeltaLayout.framed {
      let place = covered.upperBound - index * width
      guard let end = GVariantFraming.offset(bytes, at: place, width: width),
        end >= ends[index - 1], end <= body
      else { throw .gvariant(.offset(at: place)) }
      ends.append(end)
    }
    ends.append(body)
    // From, to and the empty list have no alignment; what follows them begins at an eighth byte.
    let time = aligned(ends[1])
    let starts = [
      0, time + 8, ends[2], aligned(ends[3]), ends[4], aligned(ends[5]), aligned(ends[6]),
    ]
    for index in 0..<7 where starts[index] > ends[index + 1] {
      throw .gvariant(.offset(at: base + starts[index]))
    }
    func field(_ index: Int) -> Range<Int> { base + starts[index]..<base + ends[index + 1] }
    metadata = DeltaDictionary(try DeltaList(bytes, field(0)))
    timestamp = bytes.littleEndian(at: base + time, count: 8).byteSwapped
    let from = field(1).isEmpty ? nil : try DeltaLayout.checksum(bytes, field(1))
    name = DeltaName(from: from, to: try DeltaLayout.checksum(bytes, field(2)))
    guard field(3).count <= DeltaLayout.commitBytesMax else { throw .delta }
    commit = try Commit(parsing: bytes.copy(field(3)))
    guard commit.checksum == name.to, field(4).isEmpty else { throw .delta }
    parts = try DeltaList(bytes, field(5))
    guard parts.count <= DeltaLimits.partsMax, metadata.count <= DeltaLimits.partsMax + 16 else {
      throw .delta
    }
    fallbacks = try DeltaList(bytes, field(6))
  }

  /// What is inside the frame, or all if there is none.
  private static func unframed(
    _ bytes: Span<UInt8>
  ) throws(FormatError) -> (Range<Int>, DetachedMetadata?) {
    guard bytes.count > magic.count, bytes.copy(0..<magic.count) == magic else {
      return (0..<bytes.count, nil)
    }
    let width = GVariantFraming.width(ofContainer: bytes.count)
    let body = bytes.count - width
    guard let end = GVariantFraming.offset(bytes, at: body, width: width), end >= magic.count,
      aligned(end) <= body, body - aligned(end) <= DeltaLimits.detachedBytesMax
    else { throw .gvariant(.offset(at: body)) }
    return (magic.count..<end, try DetachedMetadata(parsing: bytes.copy(aligned(end)..<body)))
  }

  private static func checksum(
    _ bytes: Span<UInt8>, _ range: Range<Int>
  ) throws(FormatError) -> Checksum {
    guard let checksum = range.count == Checksum.byteCount ? Checksum(bytes.copy(range)) : nil
    else { throw .checksumLength(range.count) }
    return checksum
  }
}
