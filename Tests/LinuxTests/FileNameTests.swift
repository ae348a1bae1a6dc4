// SPDX-License-Identifier: Apache-2.0
import Support
import Testing

@testable import Linux

@Suite struct FileNameTests {
  static let names: [[UInt8]] = [
    Array("plain".utf8), Array("ünï".utf8), [0x80], [0xFF, 0xFE], [0x61, 0xC3], [0xC3, 0x28],
    [0xF4, 0x8F, 0xBE, 0x80], [0xED, 0xA0, 0x80], Array("\u{10FF80}".utf8),
    Array("a\u{10FFFF}b".utf8), [0xF0, 0x9F, 0x98, 0x80], [0xF4, 0x8F], [0xC0, 0x80],
  ]

  @Test(arguments: names)
  func `every name goes to a string and back without loss`(bytes: [UInt8]) {
    let name = unsafe bytes.withUnsafeBufferPointer { unsafe FileName.decode($0) }
    let back = FileName.encode(name)?.dropLast().map { UInt8(bitPattern: $0) } ?? Array(name.utf8)
    #expect(back == bytes)
  }

  @Test func `a name that is not UTF-8 is made, listed and removed`() throws {
    let folder = try TemporaryDirectory("names")
    let directory = try FileDescriptor.openDirectory(folder.path)
    let name = unsafe [0x63, 0x61, 0x66, 0xE9].withUnsafeBufferPointer {
      unsafe FileName.decode($0)
    }
    _ = try directory.open(name, [.writeOnly, .create])
    #expect(try directory.entries().map { $0.name } == [name])
    try directory.unlink(name)
    #expect(try directory.entries().isEmpty)
  }
}
