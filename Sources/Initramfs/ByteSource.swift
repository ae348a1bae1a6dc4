// SPDX-License-Identifier: Apache-2.0
import Linux

/// A block device, or an image of one, from which a few blocks are read.
protocol ByteSource {
  var sizeBytes: UInt64 { get }
  /// Of one logical block: the unit of partition tables.
  var sectorBytes: UInt64 { get }
  /// Gives fewer bytes only at the end.
  func read(_ count: Int, at offset: UInt64) throws(Errno) -> [UInt8]
}

extension ByteSource {
  /// Nil if it does not lie within the device.
  func readWhole(_ count: Int, at offset: UInt64) throws(Errno) -> [UInt8]? {
    let (end, overflow) = offset.addingReportingOverflow(UInt64(count))
    if overflow || end > sizeBytes { return nil }
    let bytes = try read(count, at: offset)
    return bytes.count == count ? bytes : nil
  }

  /// One logical block, by its number.
  func sector(_ number: UInt64) throws(Errno) -> [UInt8]? {
    let (offset, overflow) = number.multipliedReportingOverflow(by: sectorBytes)
    return overflow ? nil : try readWhole(Int(sectorBytes), at: offset)
  }
}

/// One that is open. A class, so that it can be lent to generic code.
final class DeviceSource: ByteSource {
  let sizeBytes: UInt64
  let sectorBytes: UInt64
  private let file: FileDescriptor

  /// What sizes of logical blocks the kernel knows.
  static let sectorBytesAllowed: ClosedRange<UInt64> = 512...65536

  init(_ path: String, sizeBytes: UInt64, sectorBytes: UInt64) throws(Errno) {
    file = try FileDescriptor.open(path, [.readOnly, .nonBlocking])
    self.sizeBytes = sizeBytes
    self.sectorBytes =
      DeviceSource.sectorBytesAllowed.contains(sectorBytes) ? sectorBytes : 512
  }

  func read(_ count: Int, at offset: UInt64) throws(Errno) -> [UInt8] {
    guard var position = Int64(exactly: offset) else { return [] }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count)
    var buffer = [UInt8](repeating: 0, count: count)
    while bytes.count < count {
      let found = try file.read(into: &buffer, count: count - bytes.count, offset: position)
      if found == 0 { break }
      bytes += buffer[..<found]
      position += Int64(found)
    }
    return bytes
  }
}

/// Numbers and texts in a block that was read as a whole. Places are constants, or were held
/// against its size by the caller.
extension [UInt8] {
  func little16(_ offset: Int) -> UInt16 { UInt16(self[offset]) | UInt16(self[offset + 1]) << 8 }

  func little32(_ offset: Int) -> UInt32 {
    UInt32(little16(offset)) | UInt32(little16(offset + 2)) << 16
  }

  func little64(_ offset: Int) -> UInt64 {
    UInt64(little32(offset)) | UInt64(little32(offset + 4)) << 32
  }

  func big16(_ offset: Int) -> UInt16 { little16(offset).byteSwapped }
  func big32(_ offset: Int) -> UInt32 { little32(offset).byteSwapped }

  func holds(_ text: String, at offset: Int) -> Bool {
    self[offset...].starts(with: text.utf8)
  }

  /// 16 bytes in the order of their digits.
  func uuid(_ offset: Int) -> String { UUIDText.text(self[offset..<offset + 16]) }

  /// Text up to its first zero byte; nil if it is empty.
  func text(_ offset: Int, _ count: Int) -> String? {
    let bytes = self[offset..<offset + count].prefix { $0 != 0 }
    return bytes.isEmpty ? nil : String(decoding: bytes, as: UTF8.self)
  }

  /// UTF-16, little-endian, up to its first zero; nil if it is empty.
  func text16(_ offset: Int, _ count: Int) -> String? {
    var units: [UInt16] = []
    for index in stride(from: offset, to: offset + count - 1, by: 2) {
      let unit = little16(index)
      if unit == 0 { break }
      units.append(unit)
    }
    return units.isEmpty ? nil : String(decoding: units, as: UTF16.self)
  }
}

/// UUIDs in the form of RFC 4122, lower case.
enum UUIDText {
  /// `bytes` are 16. Nil's form, all zeros, is a text like any other.
  static func text(_ bytes: ArraySlice<UInt8>) -> String {
    var text: [UInt8] = []
    for (index, byte) in bytes.enumerated() {
      if [4, 6, 8, 10].contains(index) { text.append(UInt8(ascii: "-")) }
      text.append(digit(byte >> 4))
      text.append(digit(byte & 15))
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// As GPT stores them: the first three fields are little-endian. UEFI 2.10, appendix A.
  static func mixed(_ bytes: ArraySlice<UInt8>) -> String {
    let first = bytes.startIndex
    let order = [3, 2, 1, 0, 5, 4, 7, 6] + Array(8..<16)
    return text(order.map { bytes[first + $0] }[...])
  }

  /// The lowest `count` digits of a number.
  static func digits(_ number: UInt32, _ count: Int) -> String {
    var text: [UInt8] = []
    for place in (0..<count).reversed() {
      text.append(digit(UInt8(truncatingIfNeeded: number >> UInt32(place * 4)) & 15))
    }
    return String(decoding: text, as: UTF8.self)
  }

  private static func digit(_ value: UInt8) -> UInt8 {
    value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
  }
}
