// SPDX-License-Identifier: Apache-2.0
import Linux

/// The name by which an operating system calls itself. os-release(5).
public struct OSRelease: Hashable, Sendable {
  /// The largest file that is read: no real one has more than a few kilobytes.
  static let bytesMax = 256 << 10

  /// `PRETTY_NAME`, else `ID`.
  public let name: String

  /// Reads `usr/lib/os-release` of the tree, else `etc/os-release`; `path` names the tree in
  /// errors. Throws `noOSRelease` where neither says a name.
  public static func read(
    in tree: borrowing FileDescriptor, path: String
  ) throws(DeployError) -> OSRelease {
    for name in ["usr/lib/os-release", "etc/os-release"] {
      let found = try at("\(path)/\(name)") { () throws(Errno) -> [UInt8]? in
        do throws(Errno) {
          return try tree.openInRoot(name).readAll(limit: bytesMax)
        } catch {
          if error == .notFound || error == .notDirectory { return nil }
          throw error
        }
      }
      guard let text = found else { continue }
      guard let release = OSRelease(parsing: text) else { break }
      return release
    }
    throw .noOSRelease(tree: path)
  }

  init?(parsing text: [UInt8]) {
    var prettyName: String?
    var identifier: String?
    for line in text.split(separator: UInt8(ascii: "\n")) {
      if let value = OSRelease.value(of: "PRETTY_NAME", in: line) { prettyName = value }
      if let value = OSRelease.value(of: "ID", in: line) { identifier = value }
    }
    guard let name = prettyName ?? identifier, !name.utf8.isEmpty else { return nil }
    self.name = name
  }

  private static func value(of key: String, in line: ArraySlice<UInt8>) -> String? {
    guard line.starts(with: Array("\(key)=".utf8)) else { return nil }
    return String(validating: unquoted(line.dropFirst(key.utf8.count + 1)), as: UTF8.self)
  }

  /// The value as a shell would see it, expansions apart, up to the first blank outside of quotes.
  private static func unquoted(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
    var result: [UInt8] = []
    var quote: UInt8 = 0
    var rest = bytes
    while let byte = rest.popFirst() {
      switch byte {
      case UInt8(ascii: "\\") where quote != UInt8(ascii: "'"):
        if let escaped = rest.popFirst() { result.append(escaped) }
      case UInt8(ascii: "\"") where quote != UInt8(ascii: "'"),
        UInt8(ascii: "'") where quote != UInt8(ascii: "\""):
        quote = quote == 0 ? byte : 0
      case UInt8(ascii: " ") where quote == 0, UInt8(ascii: "\t") where quote == 0,
        UInt8(ascii: "\r") where quote == 0:
        return result
      default:
        result.append(byte)
      }
    }
    return result
  }
}
