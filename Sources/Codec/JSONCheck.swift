// SPDX-License-Identifier: Apache-2.0

/// The one pass over a document that decides whether it is JSON.
struct JSONCheck {
  private(set) var text: JSONText
  private(set) var isPlainASCII = true
  private var position = 0

  /// `bytes` are UTF-8 without a NUL.
  init(_ bytes: [UInt8]) { text = JSONText(bytes) }

  /// Checks all of it; gives where the outermost value begins.
  mutating func document() throws(JSONError) -> Int {
    skipBlanks()
    let start = position
    try value(depth: 0)
    skipBlanks()
    guard position == text.bytes.count else { throw .trailing(at: position) }
    return start
  }

  private mutating func value(depth: Int) throws(JSONError) {
    guard let byte else { throw .unexpected(at: position) }
    switch byte {
    case UInt8(ascii: "{"): try object(depth: depth + 1)
    case UInt8(ascii: "["): try array(depth: depth + 1)
    case UInt8(ascii: "\""): try string()
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): try number()
    case UInt8(ascii: "t"): try word("true")
    case UInt8(ascii: "f"): try word("false")
    case UInt8(ascii: "n"): try word("null")
    default: throw .unexpected(at: position)
    }
  }

  private mutating func object(depth: Int) throws(JSONError) {
    let start = position
    try open(depth)
    var last: Int?
    var isSorted = true
    if !take("}") {
      repeat {
        skipBlanks()
        let name = position
        guard byte == UInt8(ascii: "\"") else { throw .unexpected(at: position) }
        try string()
        if isSorted, let last { isSorted = text.isName(last, before: name, .codePoints) }
        last = name
        guard take(":") else { throw .unexpected(at: position) }
        skipBlanks()
        try value(depth: depth)
      } while take(",")
      guard take("}") else { throw .unexpected(at: position) }
    }
    if !isSorted { try refuseDuplicates(start) }
    close(start)
  }

  /// Names in ascending order cannot be equal; others are sorted to find out, which no choice of
  /// names makes slow, as it could make a table of hashes.
  private func refuseDuplicates(_ start: Int) throws(JSONError) {
    let names = text.sortedNames(of: start, .codePoints)
    for index in 1..<max(names.count, 1) {
      let (name, other) = (Int(names[index - 1]), Int(names[index]))
      if !text.isName(name, before: other, .codePoints) {
        throw .duplicateName(at: max(name, other))
      }
    }
  }

  private mutating func array(depth: Int) throws(JSONError) {
    let start = position
    try open(depth)
    if !take("]") {
      repeat {
        skipBlanks()
        try value(depth: depth)
      } while take(",")
      guard take("]") else { throw .unexpected(at: position) }
    }
    close(start)
  }

  private mutating func open(_ depth: Int) throws(JSONError) {
    guard depth <= JSONDocument.depthMax else { throw .depth(at: position) }
    text.longValues.append(JSONText.LongValue(start: UInt32(position), end: 0))
    position += 1
  }

  /// Notes the end of the array or object at `start`, or forgets it where it is short. Then it is
  /// the last that was noted, since a long value inside would make it long.
  private mutating func close(_ start: Int) {
    guard position - start > JSONText.longByteCount else {
      text.longValues.removeLast()
      return
    }
    text.noteEnd(of: start, position)
  }
}

// MARK: - Strings, numbers, words
extension JSONCheck {
  private mutating func string() throws(JSONError) {
    let start = position
    position += 1
    while true {
      guard let byte else { throw .unexpected(at: position) }
      switch byte {
      case UInt8(ascii: "\\"): try escape()
      case 0..<0x20: throw .string(at: position)
      default:
        position += 1
        if byte == UInt8(ascii: "\"") { return noteString(start) }
        if byte >= 0x7F { isPlainASCII = false }
      }
    }
  }

  private mutating func noteString(_ start: Int) {
    guard position - start > JSONText.longByteCount else { return }
    text.longValues.append(JSONText.LongValue(start: UInt32(start), end: UInt32(position)))
  }

  private mutating func escape() throws(JSONError) {
    let start = position
    position += 1
    guard byte == UInt8(ascii: "u") else {
      guard let byte, JSONText.meaning(ofEscape: byte) != nil else { throw .string(at: start) }
      position += 1
      return
    }
    let first = try codeUnit(start)
    if first >= 0x7F { isPlainASCII = false }
    guard 0xD800...0xDFFF ~= first else { return }
    guard first < 0xDC00, byte == UInt8(ascii: "\\") else { throw .surrogate(at: start) }
    position += 1
    guard byte == UInt8(ascii: "u") else { throw .surrogate(at: start) }
    let second = try codeUnit(start)
    guard 0xDC00...0xDFFF ~= second else { throw .surrogate(at: start) }
  }

  /// The four digits behind the `u` at the position.
  private mutating func codeUnit(_ start: Int) throws(JSONError) -> UInt32 {
    position += 1
    var unit: UInt32 = 0
    for _ in 0..<4 {
      guard let byte, let digit = Hex.value(ofEitherCase: byte) else { throw .string(at: start) }
      unit = unit << 4 | UInt32(digit)
      position += 1
    }
    return unit
  }

  private mutating func number() throws(JSONError) {
    let start = position
    if byte == UInt8(ascii: "-") { position += 1 }
    let first = position
    while let byte, UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte { position += 1 }
    let count = position - first
    guard count > 0, count == 1 || text.bytes[first] != UInt8(ascii: "0"),
      byte != UInt8(ascii: "."), byte != UInt8(ascii: "e"), byte != UInt8(ascii: "E")
    else { throw .number(at: start) }
  }

  private mutating func word(_ word: String) throws(JSONError) {
    for expected in word.utf8 {
      guard byte == expected else { throw .unexpected(at: position) }
      position += 1
    }
  }

  /// The byte at the position, nil behind the last.
  private var byte: UInt8? { position < text.bytes.count ? text.bytes[position] : nil }

  private mutating func skipBlanks() { position = text.skipBlanks(from: position) }

  /// Steps over blanks and `expected`, if that is what follows.
  private mutating func take(_ expected: Unicode.Scalar) -> Bool {
    skipBlanks()
    guard byte == UInt8(ascii: expected) else { return false }
    position += 1
    return true
  }
}
