// SPDX-License-Identifier: Apache-2.0
import Codec
import Cryptography

/// An array of a superblock: entries that begin at multiples of eight and then where each ends.
struct DeltaList: Sendable {
  let count: Int
  private let start: Int
  private let end: Int
  private let width: Int

  /// The array at `range`, which begins at a multiple of eight.
  init(_ bytes: Span<UInt8>, _ range: Range<Int>) throws(FormatError) {
    guard let (count, body, width) = GVariantFraming.arrayTable(bytes, range) else {
      throw .gvariant(.framing(at: range.lowerBound))
    }
    self.count = count
    self.width = width
    start = range.lowerBound
    end = start + body
  }

  /// Where the entry at `index` lies.
  func entry(at index: Int, in bytes: Span<UInt8>) throws(FormatError) -> Range<Int> {
    precondition(index >= 0 && index < count, "index out of range")
    let before = index == 0 ? 0 : GVariantFraming.offset(bytes, at: place(index - 1), width: width)
    guard let before, let after = GVariantFraming.offset(bytes, at: place(index), width: width),
      before <= end - start, after <= end - start, aligned(before) <= after
    else { throw .gvariant(.offset(at: place(index))) }
    return start + aligned(before)..<start + after
  }

  private func place(_ index: Int) -> Int { end + index * width }
}

/// The next multiple of eight.
func aligned(_ position: Int) -> Int { (position + 7) & ~7 }

extension Span<UInt8> {
  /// Up to eight bytes from `position` as a number, the lowest first.
  func littleEndian(at position: Int, count: Int) -> UInt64 {
    var value: UInt64 = 0
    for index in (0..<count).reversed() { value = value << 8 | UInt64(self[position + index]) }
    return value
  }

  func copy(_ range: Range<Int>) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(range.count)
    for index in range { bytes.append(self[index]) }
    return bytes
  }
}

/// The dictionary of a superblock, `a{sv}`, of which some values are parts of the delta.
struct DeltaDictionary: Sendable {
  private let list: DeltaList

  init(_ list: DeltaList) { self.list = list }

  var count: Int { list.count }

  /// Where the value of `key` lies. Throws `.key` if it is of another type.
  func lookup(
    _ key: String, type: String, in bytes: Span<UInt8>
  ) throws(FormatError) -> Range<Int>? {
    for index in 0..<list.count {
      let entry = try list.entry(at: index, in: bytes)
      let width = GVariantFraming.width(ofContainer: entry.count)
      guard width > 0, entry.count > width,
        let keyEnd = GVariantFraming.offset(bytes, at: entry.upperBound - width, width: width),
        keyEnd > 0, keyEnd <= entry.count - width
      else { throw .gvariant(.framing(at: entry.lowerBound)) }
      guard equals(bytes, entry.lowerBound..<entry.lowerBound + keyEnd - 1, key) else { continue }
      let start = entry.lowerBound + aligned(keyEnd)
      // Value, zero, type.
      let separator = entry.upperBound - width - type.utf8.count - 1
      guard separator >= start, bytes[separator] == 0,
        equals(bytes, separator + 1..<entry.upperBound - width, type)
      else { throw .key(key) }
      return start..<separator
    }
    return nil
  }

  private func equals(_ bytes: Span<UInt8>, _ range: Range<Int>, _ text: String) -> Bool {
    let text = text.utf8
    guard range.count == text.count else { return false }
    var index = range.lowerBound
    for byte in text {
      if bytes[index] != byte { return false }
      index += 1
    }
    return true
  }
}
