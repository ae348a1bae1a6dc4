// SPDX-License-Identifier: Apache-2.0

/// A keyfile as GLib reads and writes it: `[group]`, `key=value`, `#` comments.
///
/// Every line stays as it was found, comments, blank lines and unknown groups included, until its
/// key is set or removed. A group that comes twice is one group; of a key that comes twice the
/// last value holds. `key[locale]` is a key like any other. Source: GLib, `gkeyfile.c`.
public struct Keyfile: Sendable {
  var lines: [KeyfileLine] = []
  /// Whether the last line had its line end, so that an unchanged file is written as it was.
  private var isLastLineEnded = true

  public init() {}

  /// Reads `text`, which is UTF-8 but for comments, where any byte may stand.
  public init(parsing text: [UInt8]) throws(KeyfileError) {
    var hasGroup = false
    var start = 0
    while start < text.count {
      let end = text[start...].firstIndex(of: UInt8(ascii: "\n")) ?? text.count
      let line = try KeyfileLine(text[start..<end], number: lines.count + 1)
      if case .pair = line.content, !hasGroup { throw .beforeFirstGroup(line: lines.count + 1) }
      if case .group = line.content { hasGroup = true }
      lines.append(line)
      isLastLineEnded = end < text.count
      start = end + 1
    }
  }

  /// Each name once, in the order of first appearance.
  public var groups: [String] {
    var groups: [String] = []
    for line in lines {
      if case .group(let name) = line.content, !groups.contains(where: { $0.isSame(as: name) }) {
        groups.append(name)
      }
    }
    return groups
  }

  public func contains(group: String) -> Bool { groups.contains { $0.isSame(as: group) } }

  /// Each key of `group` once, in the order of first appearance.
  public func keys(in group: String) -> [String] {
    var keys: [String] = []
    forEachPair(in: group) { _, key, _ in
      if !keys.contains(where: { $0.isSame(as: key) }) { keys.append(key) }
    }
    return keys
  }

  /// The line of the value that holds, counted from 1. Nil if there is none.
  public func line(of group: String, _ key: String) -> Int? {
    index(of: group, key).map { $0 + 1 }
  }

  /// The line of the first header of `group`, counted from 1.
  public func line(of group: String) -> Int? {
    lines.firstIndex { $0.isHeader(of: group) }.map { $0 + 1 }
  }

  /// The file as text. Unchanged lines are the bytes that were read.
  public func serialized() -> [UInt8] {
    var text: [UInt8] = []
    for line in lines {
      text.append(contentsOf: line.raw)
      text.append(UInt8(ascii: "\n"))
    }
    if !isLastLineEnded, !text.isEmpty { text.removeLast() }
    return text
  }
}

// MARK: - Values
extension Keyfile {
  /// The value as it stands in the file, from its first character that is not blank to the end of
  /// the line.
  public func rawValue(_ group: String, _ key: String) -> String? {
    guard let index = index(of: group, key), case .pair(_, let value) = lines[index].content else {
      return nil
    }
    return value
  }

  /// The value with its escapes `\s \n \t \r \\` replaced; a backslash before anything else
  /// stays, as GLib leaves it.
  public func string(_ group: String, _ key: String) -> String? {
    rawValue(group, key).map { KeyfileEscape.remove($0) }
  }

  /// `true`, `false`, `1` or `0`, blanks behind it ignored.
  public func boolean(_ group: String, _ key: String) throws(KeyfileError) -> Bool? {
    guard let (value, line) = trimmed(group, key) else { return nil }
    if value.isSame(as: "true") || value.isSame(as: "1") { return true }
    if value.isSame(as: "false") || value.isSame(as: "0") { return false }
    throw .notBoolean(line: line, value: value)
  }

  /// A decimal number with an optional sign, blanks behind it ignored.
  public func integer(_ group: String, _ key: String) throws(KeyfileError) -> Int64? {
    guard let (value, line) = trimmed(group, key) else { return nil }
    guard let number = Int64(value) else { throw .notInteger(line: line, value: value) }
    return number
  }

  /// Values separated by `;`, one behind the last allowed; `\;` is a `;` inside a value.
  public func list(_ group: String, _ key: String) -> [String]? {
    rawValue(group, key).map { KeyfileEscape.split($0) }
  }

  private func trimmed(_ group: String, _ key: String) -> (String, Int)? {
    guard let index = index(of: group, key), case .pair(_, let value) = lines[index].content else {
      return nil
    }
    var bytes = value.utf8[...]
    while let last = bytes.last, KeyfileLine.isBlank(last) { bytes.removeLast() }
    return (String(decoding: bytes, as: UTF8.self), index + 1)
  }
}

// MARK: - Changes
extension Keyfile {
  /// Sets a value, escaped as GLib does. A new key goes to the end of its group, a new group to
  /// the end of the file. A name that no keyfile can hold is a mistake of the caller and traps.
  public mutating func set(_ group: String, _ key: String, to value: String) {
    setRaw(group, key, to: KeyfileEscape.add(value))
  }

  /// Sets a list, a `;` behind each value.
  public mutating func set(_ group: String, _ key: String, to values: [String]) {
    setRaw(group, key, to: values.reduce("") { $0 + KeyfileEscape.add($1, inList: true) + ";" })
  }

  public mutating func set(_ group: String, _ key: String, to value: Bool) {
    setRaw(group, key, to: value ? "true" : "false")
  }

  private mutating func setRaw(_ group: String, _ key: String, to value: String) {
    let line = KeyfileLine(key: key, value: value)
    if let index = index(of: group, key) {
      lines[index] = line
    } else if let end = endOfGroup(group) {
      if end == lines.count { isLastLineEnded = true }
      lines.insert(line, at: end)
    } else {
      if let last = lines.last, !last.raw.isEmpty { lines.append(KeyfileLine.blank) }
      lines.append(KeyfileLine(group: group))
      lines.append(line)
      isLastLineEnded = true
    }
  }

  /// Removes a key, every time that it comes.
  public mutating func remove(_ group: String, _ key: String) {
    var indices: [Int] = []
    forEachPair(in: group) { index, found, _ in
      if found.isSame(as: key) { indices.append(index) }
    }
    for index in indices.reversed() { lines.remove(at: index) }
    if !indices.isEmpty { isLastLineEnded = true }
  }

  /// Removes a group with all its keys and the comments between them. Comments behind the last
  /// key stay: they speak of what comes next.
  public mutating func remove(group: String) {
    while let header = lines.lastIndex(where: { $0.isHeader(of: group) }) {
      var end = endOfGroup(group) ?? header + 1
      while end < lines.count, lines[end].raw.isEmpty { end += 1 }
      lines.removeSubrange(header..<end)
      isLastLineEnded = true
    }
    while let last = lines.last, last.raw.isEmpty { lines.removeLast() }
  }

  /// Behind the last line of the last appearance of `group` that is not blank.
  private func endOfGroup(_ group: String) -> Int? {
    guard let header = lines.lastIndex(where: { $0.isHeader(of: group) }) else { return nil }
    var end = header + 1
    var index = end
    while index < lines.count {
      if case .group = lines[index].content { break }
      if case .pair = lines[index].content { end = index + 1 }
      index += 1
    }
    return end
  }

  /// Where the value that holds stands.
  private func index(of group: String, _ key: String) -> Int? {
    var result: Int?
    forEachPair(in: group) { index, found, _ in
      if found.isSame(as: key) { result = index }
    }
    return result
  }

  private func forEachPair(in group: String, _ body: (Int, String, String) -> Void) {
    var isInside = false
    for (index, line) in lines.enumerated() {
      switch line.content {
      case .group(let name): isInside = name.isSame(as: group)
      case .pair(let key, let value): if isInside { body(index, key, value) }
      case .other: break
      }
    }
  }
}

extension String {
  /// Names are bytes: no Unicode equivalence.
  fileprivate func isSame(as other: String) -> Bool { utf8.elementsEqual(other.utf8) }
}
