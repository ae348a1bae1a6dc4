// SPDX-License-Identifier: Apache-2.0

/// The front of a block: how it is packed. The .xz file format 1.1.0, 3.1.
struct XZBlockHeader {
  /// As the header says, if it does.
  private(set) var packedBytes: UInt64?
  private(set) var unpackedBytes: UInt64?
  let dictionaryBytes: UInt64
  /// Whether jumps of x86 code were made absolute.
  let isX86: Bool

  /// Reads all of the header, its size byte and its CRC32 included. Throws `.corrupt`, and
  /// `.unsupported` for filters that are not read.
  init(_ bytes: [UInt8]) throws(CompressionError) {
    let end = bytes.count - 4
    guard CRC.ieee(bytes[..<end]) == littleEndian(bytes[end...]) else { throw .corrupt }
    let flags = bytes[1]
    if flags & 0x3C != 0 { throw .unsupported }
    var rest = bytes[2..<end]
    if flags & 0x40 != 0 { packedBytes = try XZVarint.take(&rest) }
    if flags & 0x80 != 0 { unpackedBytes = try XZVarint.take(&rest) }
    var isX86 = false
    if flags & 3 == 1 {
      // The first filter of two; the second must be LZMA2.
      let (kind, properties) = try XZBlockHeader.takeFilter(&rest)
      guard kind == 4, properties.allSatisfy({ $0 == 0 }) else { throw .unsupported }
      isX86 = true
    } else if flags & 3 != 0 {
      throw .unsupported
    }
    let (kind, properties) = try XZBlockHeader.takeFilter(&rest)
    guard kind == 0x21, let bits = properties.first else { throw .unsupported }
    guard properties.count == 1, bits <= 40, rest.allSatisfy({ $0 == 0 }) else { throw .corrupt }
    self.isX86 = isX86
    // The largest is 4 GiB less one.
    dictionaryBytes = bits == 40 ? 0xFFFF_FFFF : UInt64(2 | bits & 1) << (UInt64(bits) / 2 + 11)
  }

  private static func takeFilter(
    _ rest: inout ArraySlice<UInt8>
  ) throws(CompressionError) -> (kind: UInt64, properties: ArraySlice<UInt8>) {
    let kind = try XZVarint.take(&rest)
    let count = try XZVarint.take(&rest)
    guard count <= UInt64(rest.count) else { throw .corrupt }
    let properties = rest.prefix(Int(count))
    rest = rest.dropFirst(Int(count))
    return (kind, properties)
  }
}

/// Numbers of up to 63 bits, seven in a byte, the lowest first, in the shortest form.
/// The .xz file format 1.1.0, 1.2.
struct XZVarint {
  private var value: UInt64 = 0
  private var count = 0

  private static let byteCountMax = 9

  /// The number, if it ends with `byte`.
  mutating func add(_ byte: UInt8) throws(CompressionError) -> UInt64? {
    if count == XZVarint.byteCountMax || byte == 0 && count > 0 { throw .corrupt }
    value |= UInt64(byte & 0x7F) << UInt64(7 * count)
    count += 1
    if byte & 0x80 != 0 { return nil }
    defer { self = XZVarint() }
    return value
  }

  static func take(_ bytes: inout ArraySlice<UInt8>) throws(CompressionError) -> UInt64 {
    var number = XZVarint()
    while let byte = bytes.popFirst() {
      if let value = try number.add(byte) { return value }
    }
    throw .corrupt
  }
}

/// The sizes of blocks, as they went by and as the index at the end has them, without a list.
struct XZBlockSizes {
  private(set) var count: UInt64 = 0
  private var crc = CRC.ecma

  mutating func add(unpadded: UInt64, unpacked: UInt64) {
    count += 1
    for value in [unpadded, unpacked] {
      var bytes: [UInt8] = []
      for shift in 0..<UInt64(8) { bytes.append(UInt8(truncatingIfNeeded: value >> (8 * shift))) }
      crc.update(bytes)
    }
  }

  func matches(_ other: XZBlockSizes) -> Bool {
    count == other.count && crc.value == other.crc.value
  }
}

/// Reads the index, byte by byte: how many blocks, their sizes, padding, CRC32.
/// The .xz file format 1.1.0, 4.
struct XZIndexReader {
  private enum Field { case count, unpadded, unpacked, padding, checksum }
  private var field = Field.count
  private var number = XZVarint()
  private var unpadded: UInt64 = 0
  private var blocks: UInt64 = 0
  private var sizes = XZBlockSizes()
  private var crc = CRC.ieee
  private var stored: [UInt8] = []
  private(set) var byteCount: UInt64 = 0

  init() { hash(0) }

  private mutating func hash(_ byte: UInt8) {
    crc.update([byte])
    byteCount += 1
  }

  /// True when the index is complete and says what `expected` does.
  mutating func add(_ byte: UInt8, expected: XZBlockSizes) throws(CompressionError) -> Bool {
    switch field {
    case .count:
      hash(byte)
      guard let value = try number.add(byte) else { return false }
      guard value == expected.count else { throw .corrupt }
      blocks = value
      field = blocks == 0 ? .padding : .unpadded
    case .unpadded:
      hash(byte)
      guard let value = try number.add(byte) else { return false }
      unpadded = value
      field = .unpacked
    case .unpacked:
      hash(byte)
      guard let value = try number.add(byte) else { return false }
      sizes.add(unpadded: unpadded, unpacked: value)
      field = sizes.count == blocks ? .padding : .unpadded
    case .padding:
      if byteCount % 4 != 0 {
        if byte != 0 { throw .corrupt }
        hash(byte)
        return false
      }
      field = .checksum
      return try add(byte, expected: expected)
    case .checksum:
      stored.append(byte)
      byteCount += 1
      guard stored.count == 4 else { return false }
      guard littleEndian(stored[...]) == crc.value, sizes.matches(expected) else {
        throw .corrupt
      }
      return true
    }
    return false
  }
}
