// SPDX-License-Identifier: Apache-2.0
import Cryptography
import Linux
import Testing

@Suite struct FileHashTests {
  static func file(_ bytes: [UInt8]) throws -> FileDescriptor {
    let file = try FileDescriptor.openDirectory("/tmp").openTemporary()
    try file.write(bytes)
    return file
  }

  /// Bytes that differ from page to page and window to window.
  static let pattern: [UInt8] = {
    let page = (0..<4099).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
    return Array(repeatElement(page, count: 800).joined())
  }()

  static let edges = [
    0, 1, Int(FileHash.readBytesMax), Int(FileHash.readBytesMax) + 1, Int(FileHash.windowBytes),
    Int(FileHash.windowBytes) + 1, 3 * Int(FileHash.windowBytes) + 12_345,
  ]

  @Test(arguments: edges, [0, 1, 4097, 1 << 20])
  func `a file is hashed whole or from an offset, read or mapped`(count: Int, offset: Int) throws {
    let bytes = Array(Self.pattern.prefix(count))
    #expect(bytes.count == count)
    let file = try Self.file(bytes)
    let expected = SHA256.hash(Array(bytes.dropFirst(offset)))
    for dropBehind in [false, true] {
      var mapping = FileHash()
      var hash = SHA256()
      let hashed = try mapping.update(
        &hash, with: file, from: Int64(offset), dropBehind: dropBehind)
      #expect(hashed == UInt64(max(0, count - offset)))
      #expect(hash.finish() == expected)
    }
    var reading = FileHash(mapping: false)
    var hash = SHA256()
    let hashed = try reading.update(&hash, with: file, from: Int64(offset))
    #expect(hashed == UInt64(max(0, count - offset)))
    #expect(hash.finish() == expected)
  }

  @Test func `offsets beyond 4 GiB are followed`() throws {
    let file = try FileDescriptor.openDirectory("/tmp").openTemporary()
    let size: Int64 = 5 << 30
    try file.write([1, 2, 3].span, offset: size - 3)
    var files = FileHash()
    var hash = SHA256()
    let hashed = try files.update(&hash, with: file, from: size - (8 << 20) - 5)
    #expect(hashed == (8 << 20) + 5)
    #expect(hash.finish() == SHA256.hash([UInt8](repeating: 0, count: (8 << 20) + 2) + [1, 2, 3]))
  }

  @Test func `a file that is cut shorter under the mapping is an error and not the end`() throws {
    // The bus error itself: the window is mapped, then the file loses its pages.
    let file = try Self.file([UInt8](repeating: 7, count: 3 << 20))
    _ = FileHash()
    let window = try Mapping(file, count: 3 << 20)
    try file.truncate(to: 0)
    let last = window.withBytes { $0[(3 << 20) - 1] }
    #expect(last == 0)
    #expect(BusError.take())
    #expect(!BusError.take())
  }
}
