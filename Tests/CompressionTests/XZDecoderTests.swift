// SPDX-License-Identifier: Apache-2.0
import Foundation
import Linux
import Support
import Testing

@testable import Compression

/// The decoder whose output goes to a file, against files packed by the real xz.
@Suite struct XZDecoderTests {
  static let limit: UInt64 = 64 << 20

  /// What does not pack, then parts of it from far away and from near, and runs.
  static let content: [UInt8] = {
    var bytes: [UInt8] = []
    var state: UInt32 = 7
    func next() -> UInt32 {
      state = state &* 1_664_525 &+ 1_013_904_223
      return state >> 8
    }
    while bytes.count < 1_300_000 { bytes.append(UInt8(truncatingIfNeeded: next() >> 5)) }
    for _ in 0..<300 {
      let start = Int(next()) % (bytes.count - 700)
      bytes += bytes[start..<start + 3 + Int(next() % 600)]
      bytes += Array("line \(next() % 50)\n".utf8)
    }
    bytes += repeatElement(0, count: 300_000)
    bytes += bytes[..<90_000]
    return bytes
  }()

  static func packed(_ words: [String], _ content: [UInt8] = content) throws -> [UInt8] {
    try CompressedFileTests.pack(content, ["xz"] + words)
  }

  /// Unpacks through pieces of `piece` bytes; gives what is in the file then.
  static func unpack(
    _ packed: [UInt8], piece: Int = 10_000, dictionaryBytesMax: UInt64 = limit,
    outputBytesMax: UInt64 = limit
  ) throws -> [UInt8] {
    let folder = try TemporaryDirectory("unpacked")
    let file = try Shared(
      FileDescriptor.open(folder.file("all"), [.readWrite, .create, .exclusive]))
    let decoder = XZDecoder(
      into: file, dictionaryBytesMax: dictionaryBytesMax, outputBytesMax: outputBytesMax)
    var position = 0
    var seen: [UInt8] = []
    while true {
      let end = min(position + piece, packed.count)
      let (consumed, event) = try decoder.step(packed.span.extracting(position..<end))
      position += consumed
      switch event {
      case .inputUsed: if position == packed.count { throw CompressionError.corrupt }
      case .output:
        decoder.withOutput { piece in
          unsafe piece.withUnsafeBufferPointer { unsafe seen.append(contentsOf: $0) }
        }
      case .finished:
        #expect(seen.count == Int(decoder.outputBytes))
        let inFile = try folder.read("all")
        #expect(inFile == seen)
        return seen
      }
    }
  }

  @Test(arguments: [
    ["-0"], ["-3e"], ["-9"], ["--check=none", "-1"], ["--check=sha256", "-1"],
    ["--lzma2=preset=3,lc=0,lp=4,pb=0"], ["--lzma2=preset=3,lc=4,lp=0,pb=4"],
    ["--lzma2=preset=1,lc=1,lp=2,pb=1,dict=4KiB"], ["-T1", "--block-size=400KiB", "-1"],
    ["-T2", "--block-size=1MiB", "-1"],
  ])
  func `what xz has packed comes out, also what refers far back`(_ words: [String]) throws {
    #expect(try Self.unpack(Self.packed(words)) == Self.content)
  }

  @Test func `pieces of any size will do`() throws {
    let packed = try Self.packed(["-6", "--block-size=600KiB"])
    for piece in [1, 7, 65_536, packed.count] {
      #expect(try Self.unpack(packed, piece: piece) == Self.content)
    }
    #expect(try Self.unpack(Self.packed(["-6"], [])) == [])
  }

  @Test func `too large a dictionary and too much output are refused`() throws {
    let packed = try Self.packed(["--lzma2=preset=1,dict=16MiB"])
    #expect(throws: CompressionError.outOfMemory) {
      try Self.unpack(packed, dictionaryBytesMax: 16 << 20 - 1)
    }
    let count = UInt64(Self.content.count)
    #expect(try Self.unpack(packed, outputBytesMax: count) == Self.content)
    #expect(throws: CompressionError.tooLarge) {
      try Self.unpack(packed, outputBytesMax: count - 1)
    }
  }

  @Test func `filters that nobody uses unasked are called unsupported`() throws {
    for words in [["--arm", "--lzma2"], ["--delta=dist=4", "--lzma2"], ["--x86", "--lzma2"]] {
      #expect(throws: CompressionError.unsupported) { try Self.unpack(Self.packed(words)) }
    }
  }

  @Test func `damage ends in an error or in other content, and never in a trap`() throws {
    let content = Array(Self.content[1_290_000..<1_400_000])
    for words in [["-6", "--check=crc32"], ["-1", "--check=none", "--block-size=30KiB"]] {
      let packed = try Self.packed(words, content)
      var generator = SystemRandomNumberGenerator()
      for _ in 0..<150 {
        var damaged = packed
        let changes = Int.random(in: 1...3, using: &generator)
        for _ in 0..<changes {
          // Half of them where the structure is.
          let place =
            Bool.random(using: &generator)
            ? Int.random(in: 0..<min(60, packed.count), using: &generator)
            : Int.random(in: 0..<packed.count, using: &generator)
          damaged[place] = UInt8.random(in: 0...255, using: &generator)
        }
        if Bool.random(using: &generator) {
          damaged.removeLast(Int.random(in: 1..<packed.count, using: &generator))
        }
        guard damaged != packed else { continue }
        let result = Result { try Self.unpack(damaged, outputBytesMax: 1 << 20) }
        if words[1] == "--check=crc32", case .success(let found) = result {
          #expect(found == content)
        }
      }
    }
  }

  @Test func `each part of the container is checked`() throws {
    let packed = try Self.packed(["-1", "--check=crc64", "--block-size=500KiB"])
    // Magic, flags and their checksum; a block header; the index; the footer.
    let places =
      Array(0..<24) + Array(packed.count - 12..<packed.count)
      + Array(packed.count - 24..<packed.count - 12)
    for place in places {
      var damaged = packed
      damaged[place] ^= 1
      #expect(throws: CompressionError.self, "byte \(place)") { try Self.unpack(damaged) }
    }
  }
}
