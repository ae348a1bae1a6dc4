// SPDX-License-Identifier: Apache-2.0
import Linux

/// What the kernel tells of the machine in `/proc` and `/sys`: small files, read whole.
struct SystemFiles {
  /// /proc/cpuinfo of a board with hundreds of processors.
  private static let byteCountMax = 1 << 20

  /// Before each path: empty but in tests.
  let root: String

  /// Nil if it is not there, or cannot be read.
  func bytes(_ path: String) -> [UInt8]? {
    try? FileDescriptor.open(root + path).readAll(limit: SystemFiles.byteCountMax)
  }

  /// The file as one value: without the blanks, line ends and zeros around it. Nil if nothing is
  /// left, or if it is not text.
  func text(_ path: String) -> String? { bytes(path).flatMap { SystemFiles.text($0[...]) } }

  func number(_ path: String) -> UInt64? { text(path).flatMap { UInt64($0) } }

  func lines(_ path: String) -> [ArraySlice<UInt8>] {
    (bytes(path) ?? []).split(separator: 10)
  }

  /// The names in a folder, sorted; none if it is not there.
  func names(_ path: String) -> [String] {
    let entries = try? FileDescriptor.openDirectory(root + path).sortedEntries()
    return (entries ?? []).map { $0.name }
  }

  /// Where the link at `path` leads.
  func link(_ path: String) -> String? {
    try? FileDescriptor.openDirectory("/").symbolicLinkTarget(of: root + path)
  }

  static func text(_ bytes: ArraySlice<UInt8>) -> String? {
    var bytes = bytes.drop { $0 <= 0x20 }
    while let last = bytes.last, last <= 0x20 { bytes.removeLast() }
    let text = String(decoding: bytes, as: UTF8.self)
    return bytes.isEmpty || !text.utf8.elementsEqual(bytes) ? nil : text
  }

  /// The value of the first line `name<blanks>: value`.
  func field(_ name: String, of lines: [ArraySlice<UInt8>]) -> String? {
    for line in lines {
      guard let colon = line.firstIndex(of: UInt8(ascii: ":")),
        let found = SystemFiles.text(line[..<colon]), same(found, name)
      else { continue }
      if let value = SystemFiles.text(line[(colon + 1)...]) { return value }
    }
    return nil
  }

  var hostName: String? { text("/proc/sys/kernel/hostname") }
}
