// SPDX-License-Identifier: Apache-2.0
import Codec

/// What the system is put together from: `/usr/package.manifest`, as the build of the image left
/// it, a name and a version on each line.
enum InstalledPackages {
  private static let file = "/usr/package.manifest"

  /// `[{"name","version"}…]`; nil where the image does not say.
  static func json(_ files: SystemFiles) -> JSONValue? {
    guard let bytes = files.bytes(file) else { return nil }
    var packages: [JSONValue] = []
    for line in bytes.split(separator: 10) {
      let words = line.split { $0 == 9 || $0 == 32 || $0 == 13 }
      guard words.count >= 2, let name = SystemFiles.text(words[0]),
        // Some builds put the architecture between.
        let version = SystemFiles.text(words[words.count - 1])
      else { continue }
      packages.append(.object([("name", .string(name)), ("version", .string(version))]))
    }
    return .array(packages)
  }
}
