// SPDX-License-Identifier: Apache-2.0
import Foundation
import Support
import Testing

@testable import Compression

/// Files packed by the real gzip and xz.
@Suite struct CompressedFileTests {
  static let packers: [(CompressedFile, [String])] = [
    (.gzip, ["gzip", "-9", "-n"]), (.gzip, ["gzip", "-1"]), (.xz, ["xz", "-0"]),
    (.xz, ["xz", "-6"]),
    (.xz, ["xz", "--check=crc32", "--lzma2=dict=1MiB"]),
    (.xz, ["xz", "--check=sha256", "--x86", "--lzma2=dict=1MiB"]),
  ]
  static let memory: UInt64 = 72 << 20

  /// Text that packs well, and bytes that do not.
  static let content: [UInt8] = {
    var bytes = Array(repeating: Array("the quick brown fox \n".utf8), count: 30_000).flatMap { $0 }
    var state: UInt32 = 1
    for _ in 0..<200_000 {
      state = state &* 1_664_525 &+ 1_013_904_223
      bytes.append(UInt8(truncatingIfNeeded: state >> 24))
    }
    return bytes
  }()

  static func pack(_ content: [UInt8], _ words: [String]) throws -> [UInt8] {
    let folder = try TemporaryDirectory("packed")
    try folder.write(content, to: "file")
    try mustRun("sh", "-c", "\(words.joined(separator: " ")) -c file > packed", in: folder.path)
    return try folder.read("packed")
  }

  static func unpack(_ format: CompressedFile, _ bytes: [UInt8], limit: Int = 8 << 20) -> Result<
    [UInt8], CompressionError
  > {
    Result { () throws(CompressionError) in
      try format.unpack(bytes, limit: limit, memoryBytesMax: memory)
    }
  }

  @Test(arguments: packers)
  func `what was packed comes out`(_ format: CompressedFile, _ words: [String]) throws {
    for content in [Self.content, [], [7]] {
      let packed = try Self.pack(content, words)
      #expect(Self.unpack(format, packed) == .success(content))
      #expect(Self.unpack(format, packed, limit: content.count) == .success(content))
    }
  }

  @Test(arguments: packers)
  func `more than was asked for is refused`(_ format: CompressedFile, _ words: [String]) throws {
    let packed = try Self.pack(Self.content, words)
    #expect(Self.unpack(format, packed, limit: Self.content.count - 1) == .failure(.tooLarge))
    #expect(Self.unpack(format, packed, limit: 0) == .failure(.tooLarge))
  }

  @Test(arguments: packers)
  func `a file that was cut, lengthened or changed is refused`(
    _ format: CompressedFile, _ words: [String]
  ) throws {
    let packed = try Self.pack(Self.content, words)
    for count in [0, 1, 17, packed.count / 2, packed.count - 1] {
      #expect(Self.unpack(format, Array(packed.prefix(count))) == .failure(.corrupt))
    }
    #expect(Self.unpack(format, packed + [0]) == .failure(.corrupt))
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<40 {
      var changed = packed
      // Behind the header, where gzip has fields that nothing checks.
      changed[Int.random(in: 64..<changed.count, using: &generator)] ^= 0x10
      #expect(Self.unpack(format, changed) != .success(Self.content))
    }
  }

  @Test func `a dictionary that is too large is refused before memory is taken`() throws {
    let packed = try Self.pack(Self.content, ["xz", "--lzma2=dict=64MiB"])
    let result = Result { () throws(CompressionError) in
      try CompressedFile.xz.unpack(packed, limit: 8 << 20, memoryBytesMax: 16 << 20)
    }
    #expect(result == .failure(.outOfMemory))
  }
}
