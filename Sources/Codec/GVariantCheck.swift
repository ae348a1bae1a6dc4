// SPDX-License-Identifier: Apache-2.0

/// The rules of normal form, in one pass over the bytes. What passes has exactly one value, and
/// that value exactly these bytes. GVariant Specification 1.0, 3; `g_variant_is_normal_form()`,
/// which is laxer in one thing: it lets a tuple of no bytes pass that needs framing offsets.
enum GVariantCheck {
  /// Throws for the first rule that the value in `range` breaks.
  static func check(
    _ bytes: Span<UInt8>, _ range: Range<Int>, _ table: GVariantTypeTable, _ index: Int, level: Int
  ) throws(GVariantError) {
    let node = table.nodes[index]
    if node.fixedSize > 0 {
      guard range.count == node.fixedSize else { throw .size(at: range.lowerBound) }
      if node.isPlain { return }
    }
    switch node.kind {
    case UInt8(ascii: "b"):
      guard bytes[range.lowerBound] <= 1 else { throw .boolean(at: range.lowerBound) }
    case UInt8(ascii: "s"): try checkString(bytes, range)
    case UInt8(ascii: "o"):
      try checkString(bytes, range)
      guard isObjectPath(bytes.extracting(range.dropLast())) else {
        throw .objectPath(at: range.lowerBound)
      }
    case UInt8(ascii: "g"):
      try checkString(bytes, range)
      guard isSignature(bytes.extracting(range.dropLast())) else {
        throw .signature(at: range.lowerBound)
      }
    case UInt8(ascii: "v"): try checkVariant(bytes, range, level: level)
    case UInt8(ascii: "m"): try checkMaybe(bytes, range, table, index + 1, level: level)
    case UInt8(ascii: "a"): try checkArray(bytes, range, table, index + 1, level: level)
    default: try checkTuple(bytes, range, table, index, level: level)
    }
  }

  private static func checkString(
    _ bytes: Span<UInt8>, _ range: Range<Int>
  ) throws(GVariantError) {
    guard !range.isEmpty, bytes[range.upperBound - 1] == 0,
      UTF8Check.isText(bytes, range.dropLast())
    else { throw .string(at: range.lowerBound) }
  }

  /// Child, zero, type string.
  private static func checkVariant(
    _ bytes: Span<UInt8>, _ range: Range<Int>, level: Int
  ) throws(GVariantError) {
    guard let separator = variantSeparator(bytes, range),
      let type = GVariantTypeTable(copy(bytes, separator + 1..<range.upperBound))
    else { throw .variantType(at: range.lowerBound) }
    guard level + 1 + type.nodes[0].depth <= GVariant.depthMax else {
      throw .depth(at: range.lowerBound)
    }
    try check(bytes, range.lowerBound..<separator, type, 0, level: level + 1)
  }

  /// Where the zero between child and type stands. A type holds no zero.
  static func variantSeparator(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Int? {
    var position = range.upperBound - 1
    let end = max(range.lowerBound, range.upperBound - 1 - GVariantType.textCountMax)
    while position >= end {
      if bytes[position] == 0 { return position }
      position -= 1
    }
    return nil
  }

  static func copy(_ bytes: Span<UInt8>, _ range: Range<Int>) -> [UInt8] {
    var text: [UInt8] = []
    text.reserveCapacity(range.count)
    for index in range { text.append(bytes[index]) }
    return text
  }

  private static func checkMaybe(
    _ bytes: Span<UInt8>, _ range: Range<Int>, _ table: GVariantTypeTable, _ element: Int,
    level: Int
  ) throws(GVariantError) {
    if range.isEmpty { return }
    var child = range
    if table.nodes[element].fixedSize == 0 {
      child = range.lowerBound..<range.upperBound - 1
      try checkZero(bytes, child.upperBound..<range.upperBound)
    }
    try check(bytes, child, table, element, level: level + 1)
  }

  private static func checkArray(
    _ bytes: Span<UInt8>, _ range: Range<Int>, _ table: GVariantTypeTable, _ element: Int,
    level: Int
  ) throws(GVariantError) {
    let node = table.nodes[element]
    if node.fixedSize > 0 {
      guard range.count % node.fixedSize == 0 else { throw .size(at: range.lowerBound) }
      if node.isPlain { return }
      var start = range.lowerBound
      while start < range.upperBound {
        try check(bytes, start..<start + node.fixedSize, table, element, level: level + 1)
        start += node.fixedSize
      }
      return
    }
    if range.isEmpty { return }
    guard let (count, body, width) = GVariantFraming.arrayTable(bytes, range),
      GVariantFraming.width(ofBody: body, offsets: count) == width
    else { throw .framing(at: range.lowerBound) }
    var position = 0
    for index in 0..<count {
      let start = (position + node.alignmentMask) & ~node.alignmentMask
      let offset = range.lowerBound + body + index * width
      guard let end = GVariantFraming.offset(bytes, at: offset, width: width),
        end >= start, end <= body
      else { throw .offset(at: offset) }
      try checkZero(bytes, range.lowerBound + position..<range.lowerBound + start)
      let child = range.lowerBound + start..<range.lowerBound + end
      try check(bytes, child, table, element, level: level + 1)
      position = end
    }
  }

  private static func checkTuple(
    _ bytes: Span<UInt8>, _ range: Range<Int>, _ table: GVariantTypeTable, _ index: Int,
    level: Int
  ) throws(GVariantError) {
    let node = table.nodes[index]
    let width = GVariantFraming.width(ofContainer: range.count)
    let body = range.count - node.framingCount * width
    if node.framingCount > 0 {
      guard body >= 0, width > 0,
        GVariantFraming.width(ofBody: body, offsets: node.framingCount) == width
      else { throw .framing(at: range.lowerBound) }
    }
    var (position, framed, child) = (0, 0, index + 1)
    for member in 0..<node.memberCount {
      let found = table.nodes[child]
      let start = (position + found.alignmentMask) & ~found.alignmentMask
      var end = body
      if found.fixedSize > 0 {
        end = start + found.fixedSize
      } else if member < node.memberCount - 1 {
        framed += 1
        let offset = range.upperBound - framed * width
        guard let read = GVariantFraming.offset(bytes, at: offset, width: width) else {
          throw .offset(at: offset)
        }
        end = read
      }
      guard start <= end, end <= body else { throw .offset(at: range.lowerBound) }
      try checkZero(bytes, range.lowerBound + position..<range.lowerBound + start)
      let part = range.lowerBound + start..<range.lowerBound + end
      try check(bytes, part, table, child, level: level + 1)
      (position, child) = (end, found.next)
    }
    if node.fixedSize > 0 {
      try checkZero(bytes, range.lowerBound + position..<range.upperBound)
    } else if position != body {
      throw .size(at: range.lowerBound)
    }
  }

  private static func checkZero(_ bytes: Span<UInt8>, _ range: Range<Int>) throws(GVariantError) {
    for index in range where bytes[index] != 0 { throw .padding(at: index) }
  }

  /// `/`, or parts of letters, digits and `_`, each after a `/`. D-Bus Specification, object paths.
  static func isObjectPath(_ text: Span<UInt8>) -> Bool {
    guard text.count > 0, text[0] == UInt8(ascii: "/") else { return false }
    if text.count == 1 { return true }
    var previous: UInt8 = 0
    for index in text.indices {
      switch text[index] {
      case UInt8(ascii: "/"):
        if previous == UInt8(ascii: "/") { return false }
      case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"),
        UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"):
        break
      default: return false
      }
      previous = text[index]
    }
    return previous != UInt8(ascii: "/")
  }

  /// Any number of complete types, without maybes, which D-Bus does not know.
  static func isSignature(_ text: Span<UInt8>) -> Bool {
    guard text.count <= GVariantType.textCountMax else { return false }
    var parser = GVariantTypeParser(text: copy(text, 0..<text.count))
    if parser.text.contains(UInt8(ascii: "m")) { return false }
    while parser.position < parser.text.count {
      guard parser.parseType(room: GVariant.depthMax) else { return false }
    }
    return true
  }
}
