// SPDX-License-Identifier: Apache-2.0
import Codec

/// The directory at the end of a zip archive, and what it points at. All numbers are
/// little-endian. APPNOTE.TXT 4.3.7, 4.3.12, 4.3.16.
/// ```
/// end     0 'PK56'   8 entries here   10 entries   12 directory's length   16 its start
///         20 comment
/// entry   0 'PK12'   8 flags   10 method   16 CRC-32   20 packed   24 length   28 name   30 extra
///         32 comment   42 local header
/// local   0 'PK34'   6 flags    8 method   26 name   28 extra
/// ```
struct ZipDirectory {
  private static let endMark: UInt64 = 0x0605_4B50
  private static let entryMark: UInt64 = 0x0201_4B50
  private static let localMark: UInt64 = 0x0403_4B50
  private static let lengthsMark: UInt64 = 0x0807_4B50
  private static let endByteCount = 22
  private static let entryByteCount = 46
  private static let localByteCount = 30
  /// What stands for a number that a 64-bit record holds.
  private static let elsewhere16 = 0xFFFF
  private static let elsewhere32: UInt64 = 0xFFFF_FFFF

  private let start: Int
  private let end: Int
  private let entryCount: Int

  /// Looks for the end record from the end: a comment of up to 64 KiB may follow it.
  init(_ bytes: [UInt8]) throws(CompressionError) {
    guard bytes.count <= ZipReader.byteCountMax else { throw .tooLarge }
    guard let end = ZipDirectory.findEnd(bytes) else { throw .corrupt }
    let count = ZipDirectory.number16(bytes, end + 10)
    let byteCount = ZipDirectory.number32(bytes, end + 12)
    let start = ZipDirectory.number32(bytes, end + 16)
    guard count != ZipDirectory.elsewhere16, byteCount != ZipDirectory.elsewhere32,
      start != ZipDirectory.elsewhere32, ZipDirectory.number32(bytes, end + 4) == 0
    else { throw .unsupported }
    guard count == ZipDirectory.number16(bytes, end + 8), start <= UInt64(end),
      byteCount == UInt64(end) - start
    else { throw .corrupt }
    guard count <= ZipReader.entryCountMax else { throw .tooLarge }
    self.start = Int(start)
    self.end = end
    entryCount = count
  }

  private static func findEnd(_ bytes: [UInt8]) -> Int? {
    let last = bytes.count - endByteCount
    guard last >= 0 else { return nil }
    for position in stride(from: last, through: max(0, last - 0xFFFF), by: -1)
    where number32(bytes, position) == endMark
      && number16(bytes, position + 20) == last - position
    {
      return position
    }
    return nil
  }

  func entries(_ bytes: [UInt8]) throws(CompressionError) -> [ZipReader.Entry] {
    var entries: [ZipReader.Entry] = []
    var position = start
    for _ in 0..<entryCount {
      let entry = try entry(bytes, position)
      guard !entries.contains(where: { ZipDirectory.collide($0, entry) }) else { throw .corrupt }
      position = entry.directoryRange.upperBound
      entries.append(entry)
    }
    guard position == end else { throw .corrupt }
    return entries
  }

  /// Two of the same name, or one over the other.
  private static func collide(_ one: ZipReader.Entry, _ other: ZipReader.Entry) -> Bool {
    one.range.overlaps(other.range) || one.name.utf8.elementsEqual(other.name.utf8)
  }

  private func entry(
    _ bytes: [UInt8], _ position: Int
  ) throws(CompressionError) -> ZipReader.Entry {
    guard end - position >= ZipDirectory.entryByteCount,
      ZipDirectory.number32(bytes, position) == ZipDirectory.entryMark
    else { throw .corrupt }
    let nameCount = ZipDirectory.number16(bytes, position + 28)
    let nameStart = position + ZipDirectory.entryByteCount
    let next =
      nameStart + nameCount + ZipDirectory.number16(bytes, position + 30)
      + ZipDirectory.number16(bytes, position + 32)
    let local = ZipDirectory.number32(bytes, position + 42)
    let packed = ZipDirectory.number32(bytes, position + 20)
    let byteCount = ZipDirectory.number32(bytes, position + 24)
    guard local != ZipDirectory.elsewhere32, packed != ZipDirectory.elsewhere32,
      byteCount != ZipDirectory.elsewhere32
    else { throw .unsupported }
    guard next <= end, byteCount <= Int32.max,
      let name = String(validating: bytes[nameStart..<nameStart + nameCount], as: UTF8.self)
    else { throw .corrupt }
    let method = ZipDirectory.number16(bytes, position + 10)
    guard method == 0 || method == 8 else { throw .unsupported }
    let dataStart = try dataStart(bytes, local, bytes[nameStart..<nameStart + nameCount], method)
    guard packed <= UInt64(start - dataStart) else { throw .corrupt }
    let flags = ZipDirectory.number16(bytes, position + 8)
    let dataEnd = dataStart + Int(packed)
    let memberEnd = flags & 8 == 0 ? dataEnd : try endOfLengths(bytes, dataEnd)
    return ZipReader.Entry(
      name: name, byteCount: Int(byteCount), isDeflated: method == 8, isEncrypted: flags & 1 != 0,
      checksum: UInt32(ZipDirectory.number32(bytes, position + 16)),
      range: Int(local)..<memberEnd, dataRange: dataStart..<dataEnd,
      directoryRange: position..<next)
  }

  /// A writer that cannot go back puts checksum and lengths behind the data, marked or not.
  private func endOfLengths(_ bytes: [UInt8], _ dataEnd: Int) throws(CompressionError) -> Int {
    guard start - dataEnd >= 12 else { throw .corrupt }
    let isMarked = ZipDirectory.number32(bytes, dataEnd) == ZipDirectory.lengthsMark
    guard start - dataEnd >= (isMarked ? 16 : 12) else { throw .corrupt }
    return dataEnd + (isMarked ? 16 : 12)
  }

  /// Behind the local header, which must speak of the same member: whoever reads archives from the
  /// front must not see another one.
  private func dataStart(
    _ bytes: [UInt8], _ local: UInt64, _ name: ArraySlice<UInt8>, _ method: Int
  ) throws(CompressionError) -> Int {
    guard local <= UInt64(start), start - Int(local) >= ZipDirectory.localByteCount,
      ZipDirectory.number32(bytes, Int(local)) == ZipDirectory.localMark,
      ZipDirectory.number16(bytes, Int(local) + 8) == method,
      ZipDirectory.number16(bytes, Int(local) + 26) == name.count
    else { throw .corrupt }
    let nameStart = Int(local) + ZipDirectory.localByteCount
    let dataStart = nameStart + name.count + ZipDirectory.number16(bytes, Int(local) + 28)
    guard dataStart <= start, bytes[nameStart..<nameStart + name.count].elementsEqual(name) else {
      throw .corrupt
    }
    return dataStart
  }

  private static func number16(_ bytes: [UInt8], _ position: Int) -> Int {
    Int(bytes[position]) | Int(bytes[position + 1]) << 8
  }

  private static func number32(_ bytes: [UInt8], _ position: Int) -> UInt64 {
    UInt64(number16(bytes, position)) | UInt64(number16(bytes, position + 2)) << 16
  }
}

// MARK: - Writing
extension ZipDirectory {
  /// Lets the `entry` of a directory point at another place.
  static func setOffset(_ offset: UInt32, in entry: inout [UInt8]) {
    entry.replaceSubrange(42..<46, with: littleEndian(offset))
  }

  /// The record behind a directory, without a comment.
  static func end(entryCount: UInt16, start: Int, byteCount: Int) -> [UInt8] {
    let count = Array(littleEndian(UInt32(entryCount))[..<2])
    return littleEndian(UInt32(endMark)) + [0, 0, 0, 0] + count + count
      + littleEndian(UInt32(byteCount)) + littleEndian(UInt32(start)) + [0, 0]
  }

  private static func littleEndian(_ number: UInt32) -> [UInt8] {
    (0..<4).map { UInt8(truncatingIfNeeded: number >> (8 * UInt32($0))) }
  }
}
