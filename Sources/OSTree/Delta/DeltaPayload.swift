// SPDX-License-Identifier: Apache-2.0
import Codec
import Linux

/// A part that was unpacked: tables, bytes and operations, looked at where they lie. Shape
/// `(a(uuu)aa(ayay)ayay)`: owners and modes (big-endian), sets of extended attributes, bytes to
/// take from, operations.
struct DeltaPayload {
  private let modes: DeltaSlice
  private let attributes: DeltaSlice
  let content: DeltaSlice
  let operations: DeltaSlice
  private let attributeSets: (count: UInt64, body: UInt64, width: Int)

  private static let modeBytes: UInt64 = 12
  /// More no file of an archive can have either.
  private static let setBytesMax = UInt64(FileHeader.archiveHeaderLimitBytes)

  /// Throws `.layout`.
  init(_ slice: DeltaSlice) throws(DeltaError) {
    let width = DeltaPayload.width(slice.count)
    let table = UInt64(3 * width)
    guard slice.count > table else { throw .unusable(.layout) }
    let body = slice.count - table
    var ends: [UInt64] = []
    for index in 1...3 {
      let place = slice.count - UInt64(index * width)
      ends.append(try DeltaPayload.number(slice, at: place, count: width))
    }
    guard ends[0] <= ends[1], ends[1] <= ends[2], ends[2] <= body,
      ends[0] % DeltaPayload.modeBytes == 0,
      let modes = slice.part(0, count: ends[0]),
      let attributes = slice.part(ends[0], count: ends[1] - ends[0]),
      let content = slice.part(ends[1], count: ends[2] - ends[1]),
      let operations = slice.part(ends[2], count: body - ends[2])
    else { throw .unusable(.layout) }
    self.modes = modes
    self.attributes = attributes
    self.content = content
    self.operations = operations
    attributeSets = try DeltaPayload.table(of: attributes)
  }

  /// The width of the offsets in a container of so many bytes.
  private static func width(_ count: UInt64) -> Int {
    GVariantFraming.width(ofContainer: Int(clamping: count))
  }

  /// How many entries an array has, where they end, and how wide the table of their ends is.
  private static func table(
    of array: DeltaSlice
  ) throws(DeltaError) -> (count: UInt64, body: UInt64, width: Int) {
    let width = width(array.count)
    if width == 0 { return (0, 0, 0) }
    guard array.count >= UInt64(width) else { throw .unusable(.layout) }
    let body = try number(array, at: array.count - UInt64(width), count: width)
    guard body < array.count, (array.count - body) % UInt64(width) == 0 else {
      throw .unusable(.layout)
    }
    return ((array.count - body) / UInt64(width), body, width)
  }

  /// Throws `.layout` where the slice does not have that.
  private static func read(
    _ slice: DeltaSlice, at offset: UInt64, count: Int
  ) throws(DeltaError) -> [UInt8] {
    guard slice.part(offset, count: UInt64(count)) != nil else { throw .unusable(.layout) }
    var bytes = [UInt8](repeating: 0, count: count)
    do throws(Errno) {
      let got = try slice.file.value.read(
        into: &bytes, count: count, offset: Int64(clamping: slice.offset + offset))
      if got != count { throw .inputOutput }
    } catch { throw .scratch(error) }
    return bytes
  }

  private static func number(
    _ slice: DeltaSlice, at offset: UInt64, count: Int
  ) throws(DeltaError) -> UInt64 {
    let bytes = try read(slice, at: offset, count: count)
    return bytes.span.littleEndian(at: 0, count: count)
  }

  private static func bigEndian(_ bytes: [UInt8], _ start: Int) -> UInt32 {
    UInt32(bytes.span.littleEndian(at: start, count: 4)).byteSwapped
  }

  /// Owner and mode, nil if the table is shorter.
  func mode(
    at index: UInt64
  ) throws(DeltaError) -> (uid: UInt32, gid: UInt32, mode: UInt32)? {
    guard index < modes.count / DeltaPayload.modeBytes else { return nil }
    let bytes = try DeltaPayload.read(
      modes, at: index * DeltaPayload.modeBytes, count: Int(DeltaPayload.modeBytes))
    return (
      DeltaPayload.bigEndian(bytes, 0), DeltaPayload.bigEndian(bytes, 4),
      DeltaPayload.bigEndian(bytes, 8)
    )
  }

  /// Where a set of extended attributes ends.
  private func attributesEnd(_ index: UInt64) throws(DeltaError) -> UInt64 {
    let width = attributeSets.width
    return try DeltaPayload.number(
      attributes, at: attributeSets.body + index * UInt64(width), count: width)
  }

  /// A set of extended attributes, nil if the table is shorter.
  func attributes(at index: UInt64) throws(DeltaError) -> [ExtendedAttribute]? {
    guard index < attributeSets.count else { return nil }
    var start: UInt64 = 0
    if index > 0 { start = try attributesEnd(index - 1) }
    let end = try attributesEnd(index)
    guard start <= end, end <= attributeSets.body, end - start <= DeltaPayload.setBytesMax else {
      throw .unusable(.layout)
    }
    let bytes = try DeltaPayload.read(attributes, at: start, count: Int(end - start))
    do throws(FormatError) {
      return try ExtendedAttribute.parse(try gvariant(bytes[...], FormatType.attributes))
    } catch { throw .unusable(.layout) }
  }
}

extension DeltaError {
  /// Scratch files have no name.
  static func scratch(_ errno: Errno) -> DeltaError {
    errno == .noSpace
      ? .unusable(.room) : .ostree(.file(path: "the scratch file of a static delta", errno))
  }
}
