// SPDX-License-Identifier: Apache-2.0
import Linux

/// What a system mounts by itself. fstab(5).
enum FileSystemTable {
  private static let bytesMax = 1 << 20

  /// Whether a line of `etc/fstab` of the system in `root` mounts something on `place`. One that
  /// cannot be read has no such line.
  static func names(_ place: String, in root: String) -> Bool {
    do throws(Errno) {
      let file = try FileDescriptor.openDirectory(root).openInRoot("etc/fstab")
      return names(place, in: try file.readAll(limit: bytesMax))
    } catch { return false }
  }

  static func names(_ place: String, in text: [UInt8]) -> Bool {
    text.split(separator: UInt8(ascii: "\n")).contains { line in
      let fields = line.split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
      guard fields.count >= 2, fields[0].first != UInt8(ascii: "#") else { return false }
      var field = fields[1]
      while field.count > 1, field.last == UInt8(ascii: "/") { field.removeLast() }
      return field.elementsEqual(place.utf8)
    }
  }
}
