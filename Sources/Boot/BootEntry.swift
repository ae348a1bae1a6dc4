// SPDX-License-Identifier: Apache-2.0

/// One choice of the boot menu: a file of lines `key value`.
///
/// Boot Loader Specification, "Type #1 Boot Loader Specification Entries". Keys that coppice does
/// not know are kept, in their order, after the ones it knows; comments are not kept.
public struct BootEntry: Hashable, Sendable {
  public struct Line: Hashable, Sendable {
    public var key: String
    public var value: String

    public init(_ key: String, _ value: String) {
      self.key = key
      self.value = value
    }
  }

  public var title = ""
  /// What entries are sorted by, the highest first.
  public var version = ""
  /// The kernel arguments. Several `options` lines are read as one.
  public var options = ""
  /// A device tree, of one file.
  public var deviceTree: String?
  /// The kernel. Like all paths here as seen from the root of the file system that holds `/boot`.
  public var kernel = ""
  /// In the order in which the boot loader joins them.
  public var initrds: [String] = []
  /// Every other line.
  public var others: [Line] = []

  public init() {}

  /// The value of a key that is not among the named ones.
  public func other(_ key: String) -> String? {
    others.first { $0.key.utf8.elementsEqual(key.utf8) }?.value
  }

  /// The directory of device trees, `fdtdir`.
  public var deviceTreeDirectory: String? { other("fdtdir") }

  /// Reads an entry; `path` is for errors. Throws `malformedEntry` for text that is not UTF-8.
  public init(parsing text: [UInt8], path: String) throws(BootError) {
    var number = 0
    for bytes in text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
      number += 1
      let line = BootEntry.trimmed(bytes)
      if line.isEmpty || line.first == UInt8(ascii: "#") { continue }
      let keyEnd = line.firstIndex(where: BootEntry.isBlank) ?? line.endIndex
      guard let key = String(validating: line[..<keyEnd], as: UTF8.self),
        let value = String(validating: BootEntry.trimmed(line[keyEnd...]), as: UTF8.self),
        !line.contains(0)
      else { throw .malformedEntry(path: path, line: number) }
      take(Line(key, value))
    }
    if kernel.utf8.isEmpty { throw .missingKey(path: path, key: "linux") }
  }

  private mutating func take(_ line: Line) {
    switch line.key {
    case "title": title = line.value
    case "version": version = line.value
    case "options": options = options.utf8.isEmpty ? line.value : "\(options) \(line.value)"
    case "devicetree": deviceTree = line.value
    case "linux": kernel = line.value
    case "initrd": initrds.append(line.value)
    default: others.append(line)
    }
  }

  /// All lines, in the order in which libostree writes them.
  public var lines: [Line] {
    var lines = [Line("title", title), Line("version", version), Line("options", options)]
    if let deviceTree { lines.append(Line("devicetree", deviceTree)) }
    lines.append(Line("linux", kernel))
    lines += initrds.map { Line("initrd", $0) }
    return lines + others
  }

  /// The text of the file; `path` is for errors. Throws `unwritable` for a value with a line break.
  public func serialized(path: String) throws(BootError) -> String {
    var text = ""
    for line in lines {
      let breaks = line.value.utf8.contains { $0 == UInt8(ascii: "\n") || $0 == 0 }
      if breaks { throw .unwritable(path: path, key: line.key, value: line.value) }
      text += line.value.utf8.isEmpty ? "\(line.key)\n" : "\(line.key) \(line.value)\n"
    }
    return text
  }

  private static func isBlank(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") || byte == UInt8(ascii: "\r")
  }

  private static func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    var bytes = bytes.drop(while: isBlank)
    while let last = bytes.last, isBlank(last) { bytes.removeLast() }
    return bytes
  }
}
