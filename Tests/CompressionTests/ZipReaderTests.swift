// SPDX-License-Identifier: Apache-2.0
import Compression
import Foundation
import Support
import Testing

@Suite struct ZipReaderTests {
  /// An archive by Python's `zipfile`; `script` has it as `z`.
  static func archive(_ script: String) throws -> [UInt8] {
    let directory = try TemporaryDirectory()
    let program = """
      import zipfile
      from zipfile import ZIP_STORED, ZIP_DEFLATED, ZIP_BZIP2
      with zipfile.ZipFile('a.zip', 'w') as z:
        \(script.replacingOccurrences(of: "\n", with: "\n  "))
      """
    try mustRun("python3", "-c", program, in: directory.path)
    return try [UInt8](Data(contentsOf: URL(fileURLWithPath: directory.file("a.zip"))))
  }

  static let sample = """
    z.writestr('autoprov.url', 'https://example.com\\n', ZIP_STORED)
    z.writestr('folder/', '')
    z.writestr('big', 'hello ' * 20000, ZIP_DEFLATED)
    z.writestr('empty', '', ZIP_DEFLATED)
    z.writestr('none', '', ZIP_STORED)
    z.writestr('f\\u00fcr', bytes(range(256)) * 3, ZIP_DEFLATED)
    """

  static func failure(_ body: () throws -> Void) -> CompressionError? {
    do {
      try body()
      return nil
    } catch { return error as? CompressionError }
  }

  @Test func `members are read, stored and deflated`() throws {
    let zip = try ZipReader(Self.archive(Self.sample))
    #expect(
      zip.entries.map(\.name) == ["autoprov.url", "folder/", "big", "empty", "none", "für"])
    func content(_ name: String) throws -> [UInt8] {
      try zip.read(#require(zip.entry(name)), limit: 1 << 20)
    }
    #expect(try content("autoprov.url") == Array("https://example.com\n".utf8))
    #expect(try content("big") == Array(String(repeating: "hello ", count: 20000).utf8))
    #expect(try content("empty").isEmpty && content("none").isEmpty && content("folder/").isEmpty)
    #expect(try content("für") == (0..<768).map { UInt8($0 % 256) })
    #expect(zip.entry("Big") == nil && zip.entry("") == nil)
    let big = try #require(zip.entry("big"))
    #expect(Self.failure { _ = try zip.read(big, limit: 119_999) } == .tooLarge)
    #expect(try zip.read(big, limit: 120_000).count == 120_000)
  }

  @Test func `an archive that was written as a stream is read, with a comment behind it`() throws {
    let bytes = try Self.archive(
      "z.comment = b'PK\\x05\\x06' + b'x' * 40\nz.writestr('a', 'abc' * 9, ZIP_DEFLATED)")
    let zip = try ZipReader(bytes)
    #expect(try zip.read(#require(zip.entry("a")), limit: 99).count == 27)
    // zip(1) by a pipe puts lengths behind the data; Python does where it cannot seek.
    let directory = try TemporaryDirectory()
    let program = """
      import sys, zipfile
      class Pipe:
        def write(self, b): return sys.stdout.buffer.write(b)
        def flush(self): pass
      with zipfile.ZipFile(Pipe(), 'w', zipfile.ZIP_DEFLATED) as z:
        z.writestr('a', 'abc' * 1000)
        z.writestr('b', 'x')
      """
    try mustRun("sh", "-ec", "python3 -c \"$0\" > a.zip", program, in: directory.path)
    let streamed = try ZipReader(
      [UInt8](Data(contentsOf: URL(fileURLWithPath: directory.file("a.zip")))))
    #expect(try streamed.read(#require(streamed.entry("a")), limit: 9999).count == 3000)
    #expect(try streamed.read(#require(streamed.entry("b")), limit: 9) == [0x78])
    // What is left of it is whole also for who reads from the front.
    let first = streamed.without(["b"])
    let mark = try #require(Self.find([0x50, 0x4B, 7, 8], in: first))
    #expect(first[(mark + 16)...].starts(with: [0x50, 0x4B, 1, 2]))
  }

  @Test func `members go, and others read it without them`() throws {
    let bytes = try Self.archive(Self.sample)
    let rest = try ZipReader(bytes).without(["big", "autoprov.url", "absent"])
    #expect(try ZipReader(rest).entries.map(\.name) == ["folder/", "empty", "none", "für"])
    #expect(rest.count < bytes.count)
    let directory = try TemporaryDirectory()
    try directory.write(rest, to: "b.zip")
    let listed = try mustRun(
      "python3", "-c",
      "import zipfile; z=zipfile.ZipFile('b.zip'); print(z.testzip(), z.namelist(),"
        + " len(z.read('f\\u00fcr')))", in: directory.path)
    #expect(listed == "None ['folder/', 'empty', 'none', 'für'] 768")
    #expect(
      try ZipReader(ZipReader(rest).without(["folder/", "empty", "none", "für"]))
        .entries.isEmpty)
  }

  @Test func `kinds that are not read are said to be so`() throws {
    #expect(
      Self.failure {
        _ = try ZipReader(Self.archive("z.writestr('a', 'x' * 99, ZIP_BZIP2)"))
      } == .unsupported)
    var encrypted = try Self.archive("z.writestr('a', 'abc')")
    let entry = try #require(Self.find([0x50, 0x4B, 1, 2], in: encrypted))
    encrypted[entry + 8] |= 1
    let zip = try ZipReader(encrypted)
    #expect(Self.failure { _ = try zip.read(zip.entries[0], limit: 9) } == .unsupported)
    var large = encrypted
    large.replaceSubrange(entry + 20..<entry + 24, with: [0xFF, 0xFF, 0xFF, 0xFF])
    #expect(Self.failure { _ = try ZipReader(large) } == .unsupported)
    #expect(
      Self.failure {
        _ = try ZipReader(
          Self.archive("for i in range(1025): z.writestr(str(i), '')"))
      } == .tooLarge)
  }

  static func find(_ mark: [UInt8], in bytes: [UInt8]) -> Int? {
    bytes.indices.first { bytes[$0...].starts(with: mark) }
  }

  @Test func `what is no archive, or lies about itself, is corrupt`() throws {
    for bytes in [[], [0x50, 0x4B], Array("PK\u{5}\u{6}".utf8), [UInt8](repeating: 0, count: 99)] {
      #expect(Self.failure { _ = try ZipReader(bytes) } == .corrupt)
    }
    let twice = try Self.archive(
      """
      import warnings; warnings.simplefilter('ignore')
      z.writestr('a', '1')
      z.writestr('a', '2')
      """)
    #expect(Self.failure { _ = try ZipReader(twice) } == .corrupt)
    let good = try Self.archive("z.writestr('aa', '1')\nz.writestr('bb', '2')")
    let entry = try #require(Self.find([0x50, 0x4B, 1, 2], in: good))
    // The first member's entry: wrong checksum, length, place, name.
    for (offset, isListed) in [(16, true), (24, true), (42, false), (46, false), (20, true)] {
      var bad = good
      bad[entry + offset] ^= 1
      let failure = Self.failure {
        let zip = try ZipReader(bad)
        #expect(isListed, "byte \(offset)")
        _ = try zip.read(zip.entries[0], limit: 99)
      }
      #expect(failure == .corrupt, "byte \(offset)")
    }
    // Both members in the same place.
    var overlaid = good
    let second = try #require(Self.find([0x50, 0x4B, 1, 2], in: Array(good[(entry + 4)...])))
    overlaid[entry + 4 + second + 42] = 0
    #expect(Self.failure { _ = try ZipReader(overlaid) } == .corrupt)
    for count in 0..<good.count {
      #expect(Self.failure { _ = try ZipReader(Array(good[..<count])) } != nil)
    }
  }

  @Test func `hostile archives are members or an error`() throws {
    let good = try Self.archive(Self.sample)
    var state: UInt64 = 5
    func next() -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return state >> 33
    }
    var refused = 0
    for round in 0..<600 {
      var bad = good
      for _ in 0...Int(next() % 3) {
        // Half of the time in the directory, which is small and at the end.
        let range = round % 2 == 0 ? bad.count : min(bad.count, 400)
        let position = bad.count - 1 - Int(next() % UInt64(range))
        bad[position] = [UInt8(truncatingIfNeeded: next()), 0xFF, 0][Int(next() % 3)]
      }
      do {
        let zip = try ZipReader(bad)
        for entry in zip.entries { _ = try zip.read(entry, limit: 200_000) }
        _ = zip.without(["big"])
      } catch { refused += 1 }
    }
    #expect(refused > 300)
  }
}
