// SPDX-License-Identifier: Apache-2.0
import Codec
import Cryptography

/// One of the two lists of a dirtree, as it lies in the object's bytes: entries, one behind the
/// other, and then where each of them ends.
///
/// What failing media give in place of bytes that were checked must not trap: such entries have
/// no name, and a checksum that no object has.
struct DirTreeList: Sendable {
  let count: Int
  private let type: GVariantType
  private let checksumCount: Int
  /// Of the entries, and of the table of their ends.
  private let start: Int
  private let end: Int
  private let width: Int

  /// No file system of Linux holds a longer name: `NAME_MAX` of limits.h.
  static let nameBytesMax = 255

  /// Where the parts of one entry lie.
  struct Entry {
    var name: Range<Int>
    /// One or two, without a gap.
    var checksums: Int
  }

  /// Files and directories of the dirtree in `bytes`; their entries are not yet checked.
  static func both(
    in bytes: Span<UInt8>
  ) throws(FormatError) -> (files: DirTreeList, directories: DirTreeList) {
    let width = GVariantFraming.width(ofContainer: bytes.count)
    let body = bytes.count - width
    guard width > 0, body >= 0, GVariantFraming.width(ofBody: body, offsets: 1) == width else {
      throw .gvariant(.framing(at: 0))
    }
    guard let middle = GVariantFraming.offset(bytes, at: body, width: width), middle <= body else {
      throw .gvariant(.offset(at: body))
    }
    return (
      try DirTreeList(bytes, 0..<middle, FormatType.treeFile, checksums: 1),
      try DirTreeList(bytes, middle..<body, FormatType.treeDirectory, checksums: 2)
    )
  }

  private init(
    _ bytes: Span<UInt8>, _ range: Range<Int>, _ type: GVariantType, checksums: Int
  ) throws(FormatError) {
    guard let (count, body, width) = GVariantFraming.arrayTable(bytes, range),
      count == 0 || GVariantFraming.width(ofBody: body, offsets: count) == width
    else { throw .gvariant(.framing(at: range.lowerBound)) }
    self.count = count
    self.type = type
    self.width = width
    checksumCount = checksums
    start = range.lowerBound
    end = range.lowerBound + body
  }

  /// Where the entry at `index` lies: from the end of the one before it to its own.
  private func range(at index: Int, in bytes: Span<UInt8>) -> Range<Int>? {
    guard let from = index == 0 ? 0 : offset(at: index - 1, in: bytes),
      let to = offset(at: index, in: bytes), from <= to, to <= end - start
    else { return nil }
    return start + from..<start + to
  }

  private func offset(at index: Int, in bytes: Span<UInt8>) -> Int? {
    GVariantFraming.offset(bytes, at: end + index * width, width: width)
  }

  /// The entry at `index`, which was checked.
  func entry(at index: Int, in bytes: Span<UInt8>) -> Entry {
    precondition(index >= 0 && index < count, "index out of range")
    guard let range = range(at: index, in: bytes) else { return Entry(name: 0..<0, checksums: 0) }
    let width = GVariantFraming.width(ofContainer: range.count)
    // Checksums end where the framing begins, and the name's NUL stands before them.
    let checksums =
      range.upperBound - width * checksumCount - Checksum.byteCount * checksumCount
    guard checksums > range.lowerBound else { return Entry(name: 0..<0, checksums: 0) }
    return Entry(name: range.lowerBound..<checksums - 1, checksums: checksums)
  }

  /// Throws for the first entry that is no such value in normal form or has a bad name, is out of
  /// order, or has a checksum that is none.
  func check(_ object: ObjectBytes) throws(FormatError) {
    var previous: [UInt8] = []
    for index in 0..<count {
      try object.look { (bytes) throws(FormatError) in
        try check(index, bytes, previous: &previous)
      }
    }
  }

  private func check(
    _ index: Int, _ bytes: Span<UInt8>, previous: inout [UInt8]
  ) throws(FormatError) {
    guard let range = range(at: index, in: bytes) else {
      throw .gvariant(.offset(at: end + index * width))
    }
    do throws(GVariantError) { try GVariant.check(bytes, range, type: type) } catch {
      throw .gvariant(error)
    }
    let name = try self.name(in: range, bytes)
    guard DirTreeList.isValidName(bytes.extracting(name)) else {
      throw .name(DirTreeList.text(bytes, name.prefix(DirTreeList.nameBytesMax)), at: index)
    }
    let order =
      index == 0
      ? -1 : DirTreeList.compare(previous.span, 0..<previous.count, bytes, name)
    if order >= 0 {
      let text = DirTreeList.text(bytes, name)
      throw order == 0 ? .duplicate(text, at: index) : .unsorted(text, at: index)
    }
    previous.removeAll(keepingCapacity: true)
    for position in name { previous.append(bytes[position]) }
  }

  /// Where the name lies in a value in normal form. Throws if the checksums are not as long as
  /// they must be.
  private func name(in range: Range<Int>, _ bytes: Span<UInt8>) throws(FormatError) -> Range<Int> {
    let width = GVariantFraming.width(ofContainer: range.count)
    var end = range.upperBound - width * checksumCount
    // The ends of the members stand in reverse, so the name's is the last.
    for member in (1...checksumCount).reversed() {
      let position = range.upperBound - width * member
      guard let before = GVariantFraming.offset(bytes, at: position, width: width) else {
        throw .gvariant(.offset(at: position))
      }
      let start = range.lowerBound + before
      guard end - start == Checksum.byteCount else { throw .checksumLength(end - start) }
      end = start
    }
    return range.lowerBound..<end - 1
  }

  /// A binary search.
  func find(_ name: String, _ object: ObjectBytes) -> Int? {
    let wanted = Array(name.utf8)
    var (low, high) = (0, count)
    while low < high {
      let middle = low + (high - low) / 2
      let order = object.look { bytes in
        DirTreeList.compare(
          bytes, entry(at: middle, in: bytes).name, wanted.span, 0..<wanted.count)
      }
      if order == 0 { return middle }
      if order < 0 { low = middle + 1 } else { high = middle }
    }
    return nil
  }
}

extension DirTreeList {
  /// Whether a file system can hold an entry of this name. ostree: `ot_util_filename_validate`.
  static func isValidName(_ name: Span<UInt8>) -> Bool {
    let dot = UInt8(ascii: ".")
    switch name.count {
    case 0: return false
    case 1 where name[0] == dot: return false
    case 2 where name[0] == dot && name[1] == dot: return false
    case ...nameBytesMax:
      for index in name.indices where name[index] == UInt8(ascii: "/") { return false }
      return true
    default: return false
    }
  }

  /// Below 0, 0 or above it, as the first stands before, is, or stands behind the second.
  static func compare(
    _ left: Span<UInt8>, _ first: Range<Int>, _ right: Span<UInt8>, _ second: Range<Int>
  ) -> Int {
    for offset in 0..<min(first.count, second.count) {
      let (a, b) = (left[first.lowerBound + offset], right[second.lowerBound + offset])
      if a != b { return a < b ? -1 : 1 }
    }
    return first.count - second.count
  }

  static func copy(_ bytes: Span<UInt8>, _ range: Range<Int>) -> [UInt8] {
    var copy: [UInt8] = []
    copy.reserveCapacity(range.count)
    for index in range { copy.append(bytes[index]) }
    return copy
  }

  static func text(_ bytes: Span<UInt8>, _ range: Range<Int>) -> String {
    String(decoding: copy(bytes, range), as: UTF8.self)
  }

  static func checksum(_ bytes: Span<UInt8>, _ start: Int) -> Checksum {
    let found = start > 0 ? Checksum(bytes.extracting(start..<start + Checksum.byteCount)) : nil
    return found ?? none
  }

  private static let none = Checksum([UInt8](repeating: 0, count: Checksum.byteCount))!
}
