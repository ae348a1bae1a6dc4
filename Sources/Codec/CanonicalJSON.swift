// SPDX-License-Identifier: Apache-2.0

/// How signers spell a JSON document, so that two of them sign the same bytes: no blanks, members
/// sorted by name, whole numbers in shortest decimal.
public enum CanonicalForm: Hashable, Sendable, CaseIterable {
  /// TUF's: only `"` and `\` are escaped. Everything else stands as it is, line feeds too, so that
  /// what comes out need not be JSON.
  case olpc
  /// aktualizr's spelling of the `ota` dialect: what is not ASCII becomes `\uXXXX`.
  case otaASCII
  /// ota-tuf's spelling of it: UTF-8, but control characters up to U+009F become `\uXXXX`, and
  /// members are sorted by UTF-16 code units.
  case otaUTF8
}

extension JSONNode {
  /// This value in canonical form. Takes the memory of the result; no more than once where the
  /// document is plain ASCII, since then it cannot be longer than the document.
  public func canonical(_ form: CanonicalForm) -> [UInt8] {
    var writer = CanonicalWriter(document, form)
    writer.pending.reserveCapacity(document.text.end(ofValueAt: position) - position)
    writer.write(position) { _ in }
    return writer.pending
  }

  /// The same in pieces of a few KiB, for a hash: takes no memory in proportion to the value, but 4
  /// bytes for each member of an object that is not sorted.
  public func canonical(_ form: CanonicalForm, _ take: (Span<UInt8>) -> Void) {
    var writer = CanonicalWriter(document, form)
    writer.write(position) { pending in
      guard pending.count >= CanonicalWriter.pieceByteCount else { return }
      take(pending.span)
      pending.removeAll(keepingCapacity: true)
    }
    take(writer.pending.span)
  }
}

extension JSONValue {
  /// This value in canonical form. Throws where the value is none that we would read: a decimal, a
  /// name that comes twice in an object, too deep.
  public func canonical(_ form: CanonicalForm) throws(JSONError) -> [UInt8] {
    try JSONDocument(parsing: Array(serialized().utf8)).root.canonical(form)
  }
}

/// Writes values of a checked document in canonical form.
private struct CanonicalWriter {
  static let pieceByteCount = 4096

  private let text: JSONText
  private let form: CanonicalForm
  private let order: JSONNameOrder
  /// What was written and not yet taken.
  var pending: [UInt8] = []

  init(_ document: JSONDocument, _ form: CanonicalForm) {
    text = document.text
    self.form = form
    order = form == .otaUTF8 && !document.isPlainASCII ? .utf16 : .codePoints
  }

  /// Writes the value at `start` and gives where it ends. `drain` may empty what is pending and is
  /// called now and then.
  @discardableResult
  mutating func write(_ start: Int, _ drain: (inout [UInt8]) -> Void) -> Int {
    switch text.bytes[start] {
    case UInt8(ascii: "{"):
      return text.isSorted(start, order)
        ? writeSortedObject(start, drain) : writeUnsortedObject(start, drain)
    case UInt8(ascii: "["): return writeArray(start, drain)
    case UInt8(ascii: "\""): return writeString(start, drain)
    default: return writeWord(start, drain)
    }
  }

  private mutating func writeSortedObject(
    _ start: Int, _ drain: (inout [UInt8]) -> Void
  ) -> Int {
    pending.append(UInt8(ascii: "{"))
    var next = text.firstItem(of: start)
    var end = start + 1
    while let name = next {
      end = writeMember(name, drain)
      next = text.item(behind: end)
      if next != nil { pending.append(UInt8(ascii: ",")) }
    }
    pending.append(UInt8(ascii: "}"))
    drain(&pending)
    return text.skipBlanks(from: end) + 1
  }

  private mutating func writeUnsortedObject(
    _ start: Int, _ drain: (inout [UInt8]) -> Void
  ) -> Int {
    var end = start + 1
    for (index, name) in text.sortedNames(of: start, order).enumerated() {
      pending.append(UInt8(ascii: index == 0 ? "{" : ","))
      end = max(end, writeMember(Int(name), drain))
    }
    pending.append(UInt8(ascii: "}"))
    drain(&pending)
    return text.skipBlanks(from: end) + 1
  }

  private mutating func writeMember(_ name: Int, _ drain: (inout [UInt8]) -> Void) -> Int {
    let end = writeString(name, drain)
    pending.append(UInt8(ascii: ":"))
    return write(text.value(behind: end), drain)
  }

  private mutating func writeArray(_ start: Int, _ drain: (inout [UInt8]) -> Void) -> Int {
    pending.append(UInt8(ascii: "["))
    var next = text.firstItem(of: start)
    var end = start + 1
    while let element = next {
      end = write(element, drain)
      next = text.item(behind: end)
      if next != nil { pending.append(UInt8(ascii: ",")) }
    }
    pending.append(UInt8(ascii: "]"))
    drain(&pending)
    return text.skipBlanks(from: end) + 1
  }

  /// A number, true, false or null. `-0` is 0.
  private mutating func writeWord(_ start: Int, _ drain: (inout [UInt8]) -> Void) -> Int {
    let end = text.end(ofValueAt: start)
    let isMinusZero =
      end - start == 2 && text.bytes[start] == UInt8(ascii: "-")
      && text.bytes[start + 1] == UInt8(ascii: "0")
    writeBytes(isMinusZero ? start + 1 : start, end, drain)
    return end
  }

  /// The bytes from `start` to `end` as they are, in pieces.
  private mutating func writeBytes(
    _ start: Int, _ end: Int, _ drain: (inout [UInt8]) -> Void
  ) {
    var position = start
    while position < end {
      let next = min(end, position + CanonicalWriter.pieceByteCount)
      pending.append(contentsOf: text.bytes[position..<next])
      position = next
      drain(&pending)
    }
  }
}

// MARK: - Strings
extension CanonicalWriter {
  private mutating func writeString(_ start: Int, _ drain: (inout [UInt8]) -> Void) -> Int {
    pending.append(UInt8(ascii: "\""))
    var position = start + 1
    while true {
      let runStart = position
      while JSONText.isPlain(text.bytes[position]) { position += 1 }
      writeBytes(runStart, position, drain)
      guard let scalar = text.scalar(at: &position) else { break }
      if form == .olpc { writeOLPC(scalar) } else { writeOTA(scalar) }
      drain(&pending)
    }
    pending.append(UInt8(ascii: "\""))
    return position + 1
  }

  private mutating func writeOLPC(_ scalar: UInt32) {
    if scalar == 0x22 || scalar == 0x5C { pending.append(UInt8(ascii: "\\")) }
    JSONText.append(scalar, to: &pending)
  }

  private mutating func writeOTA(_ scalar: UInt32) {
    switch scalar {
    case 0x22, 0x5C: writeEscape(UInt8(scalar))
    case 0x08: writeEscape(UInt8(ascii: "b"))
    case 0x0C: writeEscape(UInt8(ascii: "f"))
    case 0x0A: writeEscape(UInt8(ascii: "n"))
    case 0x0D: writeEscape(UInt8(ascii: "r"))
    case 0x09: writeEscape(UInt8(ascii: "t"))
    case 0..<0x20, 0x80..<0xA0: writeCodeUnit(scalar)
    case 0x7F where form == .otaUTF8: writeCodeUnit(scalar)
    case 0xA0... where form == .otaASCII: writeCodeUnits(scalar)
    default: JSONText.append(scalar, to: &pending)
    }
  }

  private mutating func writeEscape(_ letter: UInt8) {
    pending.append(UInt8(ascii: "\\"))
    pending.append(letter)
  }

  private mutating func writeCodeUnits(_ scalar: UInt32) {
    if scalar < 0x1_0000 { return writeCodeUnit(scalar) }
    writeCodeUnit(0xD800 + (scalar - 0x1_0000) >> 10)
    writeCodeUnit(0xDC00 + (scalar - 0x1_0000) & 0x3FF)
  }

  private mutating func writeCodeUnit(_ unit: UInt32) {
    writeEscape(UInt8(ascii: "u"))
    for digit: UInt32 in 0..<4 { pending.append(Hex.digit(UInt8(unit >> (12 - 4 * digit) & 15))) }
  }
}
