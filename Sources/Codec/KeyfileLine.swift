// SPDX-License-Identifier: Apache-2.0

/// One line of a keyfile: the bytes as they stand there, and what they mean.
struct KeyfileLine: Sendable {
  enum Content: Sendable {
    /// A comment or a blank line.
    case other
    case group(String)
    /// The value still has its escapes.
    case pair(key: String, value: String)
  }

  let raw: [UInt8]
  let content: Content

  static var blank: KeyfileLine { KeyfileLine(raw: [], content: .other) }

  private init(raw: [UInt8], content: Content) {
    self.raw = raw
    self.content = content
  }

  init(group: String) {
    precondition(KeyfileLine.isGroupName(group.utf8[...]), "not a group name")
    self.init(raw: Array("[\(group)]".utf8), content: .group(group))
  }

  init(key: String, value: String) {
    precondition(KeyfileLine.isKeyName(key.utf8[...]), "not a key")
    self.init(raw: Array("\(key)=\(value)".utf8), content: .pair(key: key, value: value))
  }

  /// Reads a line without its `\n`. A `\r` before that belongs to the line end.
  init(_ line: ArraySlice<UInt8>, number: Int) throws(KeyfileError) {
    raw = Array(line)
    var text = line
    if text.last == UInt8(ascii: "\r") { text.removeLast() }
    text = text.drop(while: KeyfileLine.isBlank)
    guard let first = text.first, first != UInt8(ascii: "#") else {
      content = .other
      return
    }
    guard UTF8Check.isText(text.span) else { throw .notText(line: number) }
    if first == UInt8(ascii: "["), let name = KeyfileLine.groupHeader(text) {
      guard KeyfileLine.isGroupName(name) else { throw .groupName(line: number) }
      content = .group(String(decoding: name, as: UTF8.self))
      return
    }
    guard let equals = text.firstIndex(of: UInt8(ascii: "=")), equals > text.startIndex else {
      throw .notALine(line: number)
    }
    var key = text[..<equals]
    while let last = key.last, KeyfileLine.isBlank(last) { key.removeLast() }
    guard KeyfileLine.isKeyName(key) else { throw .keyName(line: number) }
    let value = text[(equals + 1)...].drop(while: KeyfileLine.isBlank)
    content = .pair(
      key: String(decoding: key, as: UTF8.self), value: String(decoding: value, as: UTF8.self))
  }

  func isHeader(of group: String) -> Bool {
    if case .group(let name) = content { return name.utf8.elementsEqual(group.utf8) }
    return false
  }

  /// What stands between `[` and the first `]`, if only blanks follow.
  private static func groupHeader(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
    guard let end = text.firstIndex(of: UInt8(ascii: "]")),
      text[(end + 1)...].allSatisfy({ $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") })
    else { return nil }
    return text[(text.startIndex + 1)..<end]
  }

  /// Not empty, no brackets, no control characters.
  private static func isGroupName<C: Collection<UInt8>>(_ name: C) -> Bool {
    !name.isEmpty
      && name.allSatisfy {
        $0 >= 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "[") && $0 != UInt8(ascii: "]")
      }
  }

  /// Not empty, no `=`, no line end, no blanks around it, and brackets only as a locale at the end.
  private static func isKeyName<C: BidirectionalCollection<UInt8>>(_ name: C) -> Bool {
    guard let first = name.first, let last = name.last, !isBlank(first), !isBlank(last) else {
      return false
    }
    let plain = name.prefix { $0 != UInt8(ascii: "[") && $0 != UInt8(ascii: "]") }
    if plain.isEmpty || plain.contains(where: { $0 == UInt8(ascii: "=") || $0 == 10 || $0 == 0 }) {
      return false
    }
    let locale = name.suffix(from: plain.endIndex)
    if locale.isEmpty { return true }
    return locale.first == UInt8(ascii: "[") && last == UInt8(ascii: "]")
      && locale.dropFirst().dropLast().allSatisfy(isLocaleCharacter)
  }

  private static func isLocaleCharacter(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "-"), UInt8(ascii: "_"),
      UInt8(ascii: "."), UInt8(ascii: "@"):
      true
    default: byte >= 0x80
    }
  }

  /// C's `isspace`.
  static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || (byte >= 9 && byte <= 13) }
}

/// The escapes of a keyfile's values.
enum KeyfileEscape {
  /// Blanks in front, line ends and backslashes are escaped, in a list `;` as well.
  static func add(_ value: String, inList: Bool = false) -> String {
    var text: [UInt8] = []
    var isLeading = true
    for byte in value.utf8 {
      switch byte {
      case UInt8(ascii: " ") where isLeading: text.append(contentsOf: "\\s".utf8)
      case UInt8(ascii: "\t") where isLeading: text.append(contentsOf: "\\t".utf8)
      case UInt8(ascii: "\n"): text.append(contentsOf: "\\n".utf8)
      case UInt8(ascii: "\r"): text.append(contentsOf: "\\r".utf8)
      case UInt8(ascii: "\\"): text.append(contentsOf: "\\\\".utf8)
      case UInt8(ascii: ";") where inList: text.append(contentsOf: "\\;".utf8)
      default: text.append(byte)
      }
      if byte != UInt8(ascii: " "), byte != UInt8(ascii: "\t") { isLeading = false }
    }
    return String(decoding: text, as: UTF8.self)
  }

  static func remove(_ value: String) -> String {
    var text: [UInt8] = []
    var isEscaped = false
    for byte in value.utf8 {
      if isEscaped {
        isEscaped = false
        if let plain = plain(byte) {
          text.append(plain)
        } else {
          text.append(UInt8(ascii: "\\"))
          text.append(byte)
        }
      } else if byte == UInt8(ascii: "\\") {
        isEscaped = true
      } else {
        text.append(byte)
      }
    }
    return String(decoding: text, as: UTF8.self)
  }

  static func split(_ value: String) -> [String] {
    var values: [String] = []
    var piece: [UInt8] = []
    var isEscaped = false
    for byte in value.utf8 {
      if isEscaped {
        isEscaped = false
        if byte == UInt8(ascii: ";") {
          piece.append(byte)
        } else if let plain = plain(byte) {
          piece.append(plain)
        } else {
          piece.append(UInt8(ascii: "\\"))
          piece.append(byte)
        }
      } else if byte == UInt8(ascii: "\\") {
        isEscaped = true
      } else if byte == UInt8(ascii: ";") {
        values.append(String(decoding: piece, as: UTF8.self))
        piece = []
      } else {
        piece.append(byte)
      }
    }
    if !piece.isEmpty { values.append(String(decoding: piece, as: UTF8.self)) }
    return values
  }

  private static func plain(_ escape: UInt8) -> UInt8? {
    switch escape {
    case UInt8(ascii: "s"): 0x20
    case UInt8(ascii: "n"): 10
    case UInt8(ascii: "t"): 9
    case UInt8(ascii: "r"): 13
    case UInt8(ascii: "\\"): UInt8(ascii: "\\")
    default: nil
    }
  }
}
