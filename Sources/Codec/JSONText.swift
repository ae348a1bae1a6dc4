// SPDX-License-Identifier: Apache-2.0

/// JSON that was checked, and how to walk over it. Positions are those of the first byte of a value
/// or of a member's name; nothing here looks out for faults any more.
struct JSONText: Sendable {
  /// Where a long value begins and ends.
  struct LongValue: Sendable {
    let start: UInt32
    /// Zero while the check is still inside it.
    var end: UInt32
  }

  /// From here on a value's end is kept and not searched for. Small enough that what is searched
  /// again is little; large enough that the table of a hostile document stays below its size: no
  /// byte lies in more than `JSONDocument.depthMax` values.
  static let longByteCount = 512

  let bytes: [UInt8]
  /// In the order of their starts.
  var longValues: [LongValue] = []

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// Behind the value at `start`.
  func end(ofValueAt start: Int) -> Int {
    let limit = min(bytes.count, start + JSONText.longByteCount)
    switch bytes[start] {
    case UInt8(ascii: "\""):
      return endOfString(start, limit) ?? endOfLongValue(start)
    case UInt8(ascii: "{"), UInt8(ascii: "["):
      return endOfContainer(start, limit) ?? endOfLongValue(start)
    default:
      var position = start
      while position < bytes.count, JSONText.isInWord(bytes[position]) { position += 1 }
      return position
    }
  }

  /// Nil if the string goes on at `limit`.
  private func endOfString(_ start: Int, _ limit: Int) -> Int? {
    var position = start + 1
    while position < limit {
      switch bytes[position] {
      case UInt8(ascii: "\""): return position + 1
      case UInt8(ascii: "\\"): position += 2
      default: position += 1
      }
    }
    return nil
  }

  /// Nil if the array or object goes on at `limit`.
  private func endOfContainer(_ start: Int, _ limit: Int) -> Int? {
    var position = start
    var depth = 0
    while position < limit {
      switch bytes[position] {
      case UInt8(ascii: "\""):
        guard let end = endOfString(position, limit) else { return nil }
        position = end
        continue
      case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        depth -= 1
        if depth == 0 { return position + 1 }
      default: break
      }
      position += 1
    }
    return nil
  }

  private func endOfLongValue(_ start: Int) -> Int { Int(longValues[indexOfLongValue(start)].end) }

  private func indexOfLongValue(_ start: Int) -> Int {
    var (low, high) = (0, longValues.count)
    while low < high {
      let middle = low + (high - low) / 2
      if Int(longValues[middle].start) < start { low = middle + 1 } else { high = middle }
    }
    precondition(low < longValues.count && Int(longValues[low].start) == start, "not checked")
    return low
  }

  private static func isInWord(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
      UInt8(ascii: "-"):
      true
    default: false
    }
  }

  /// Notes that the value at `start`, whose place in the table is kept, ends at `end`.
  mutating func noteEnd(of start: Int, _ end: Int) {
    let index = indexOfLongValue(start)
    longValues[index].end = UInt32(end)
  }

  func skipBlanks(from start: Int) -> Int {
    var position = start
    while position < bytes.count, JSONText.isBlank(bytes[position]) { position += 1 }
    return position
  }

  static func isBlank(_ byte: UInt8) -> Bool {
    byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09
  }
}

// MARK: - Arrays and objects
extension JSONText {
  /// The first element, or the first member's name, of the array or object at `start`.
  func firstItem(of start: Int) -> Int? {
    let position = skipBlanks(from: start + 1)
    let byte = bytes[position]
    return byte == UInt8(ascii: "}") || byte == UInt8(ascii: "]") ? nil : position
  }

  /// What follows the element at `value`, or the member that has this value.
  func item(after value: Int) -> Int? { item(behind: end(ofValueAt: value)) }

  /// What follows the element, or the member's value, that ends at `end`.
  func item(behind end: Int) -> Int? {
    let position = skipBlanks(from: end)
    return bytes[position] == UInt8(ascii: ",") ? skipBlanks(from: position + 1) : nil
  }

  /// The value of the member whose name is at `name`.
  func value(of name: Int) -> Int { value(behind: end(ofValueAt: name)) }

  /// The value of the member whose name ends at `end`.
  func value(behind end: Int) -> Int { skipBlanks(from: skipBlanks(from: end) + 1) }

  /// The names of the object at `start`, sorted: 4 bytes for each. Equal names are neighbours.
  func sortedNames(of start: Int, _ order: JSONNameOrder) -> [UInt32] {
    var names: [UInt32] = []
    var next = firstItem(of: start)
    while let name = next {
      names.append(UInt32(name))
      next = item(after: value(of: name))
    }
    names.sort { isName(Int($0), before: Int($1), order) }
    return names
  }

  /// Whether each name of the object at `start` comes behind the one before it.
  func isSorted(_ start: Int, _ order: JSONNameOrder) -> Bool {
    guard var last = firstItem(of: start) else { return true }
    while let name = item(after: value(of: last)) {
      guard isName(last, before: name, order) else { return false }
      last = name
    }
    return true
  }
}
