// SPDX-License-Identifier: Apache-2.0
import Codec
import Cryptography
import OSTree
import Testing

@Suite struct DirTreeTests {
  static let a = Checksum([UInt8](repeating: 0xaa, count: 32))!
  static let b = Checksum([UInt8](repeating: 0xbb, count: 32))!
  static let c = Checksum([UInt8](repeating: 0xcc, count: 32))!

  /// The bytes of a tree with these names, whatever they are.
  static func bytes(files: [String], directories: [String] = [], sum: [UInt8]? = nil) -> [UInt8] {
    let sum = sum ?? a.bytes
    return GVariantValue.tuple([
      .array(elementType: "(say)", files.map { .tuple([.string($0), .bytes(sum)]) }),
      .array(
        elementType: "(sayay)",
        directories.map { .tuple([.string($0), .bytes(b.bytes), .bytes(sum)]) }),
    ]).serialized()
  }

  static func refusal(_ bytes: [UInt8]) -> FormatError? {
    do throws(FormatError) {
      _ = try DirTree(parsing: bytes)
      return nil
    } catch { return error }
  }

  @Test func `the empty tree is one zero byte`() throws {
    let tree = try DirTree(parsing: [0])
    #expect(tree.fileCount == 0 && tree.directoryCount == 0)
    #expect(try DirTree(files: [], directories: []).bytes == [0])
    #expect(tree.findFile("") == nil && tree.findDirectory("a") == nil)
  }

  @Test func `entries are found by position and by name`() throws {
    let files = (0..<100).map { "f\($0)" }
    let tree = try DirTree(
      files: files.map { .init(name: $0, checksum: SHA256.hash(Array($0.utf8))) },
      directories: [
        .init(name: "ünï", tree: Self.b, meta: Self.c),
        .init(name: "f", tree: Self.c, meta: Self.b),
      ])
    #expect(tree.fileCount == 100)
    #expect(
      (0..<100).map { tree.file(at: $0).name }
        == files.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) })
    for name in files {
      #expect(tree.findFile(name) == SHA256.hash(Array(name.utf8)))
    }
    for name in ["", "f", "f100", "f999", "g", "F1", "ünï"] { #expect(tree.findFile(name) == nil) }
    #expect(tree.findDirectory("ünï") == .init(name: "ünï", tree: Self.b, meta: Self.c))
    #expect(tree.directory(at: 0) == .init(name: "f", tree: Self.c, meta: Self.b))
    #expect(tree.findDirectory("f1") == nil)
    #expect(tree.fileChecksum(at: 0) == tree.file(at: 0).checksum)
  }

  @Test(arguments: ["", ".", "..", "/", "a/b", "/a", "a/", "../../etc"])
  func `names that lead elsewhere are refused`(name: String) {
    #expect(Self.refusal(Self.bytes(files: [name])) == .name(name, at: 0))
    #expect(Self.refusal(Self.bytes(files: [], directories: [name])) == .name(name, at: 0))
    #expect(Self.refusal(Self.bytes(files: [name, "zz"])) == .name(name, at: 0))
  }

  @Test(arguments: [
    "...", "..a", ".a", " ", "-rf", "a\nb", "\u{7f}", "é", String(repeating: "a", count: 255),
  ])
  func `odd names are still names`(name: String) {
    #expect(Self.refusal(Self.bytes(files: [name])) == nil)
    #expect(Self.refusal(Self.bytes(files: [], directories: [name])) == nil)
  }

  @Test func `names out of order are refused`() {
    #expect(Self.refusal(Self.bytes(files: ["b", "a"])) == .unsorted("a", at: 1))
    #expect(Self.refusal(Self.bytes(files: ["a", "c", "b"])) == .unsorted("b", at: 2))
    #expect(Self.refusal(Self.bytes(files: [], directories: ["b", "a"])) == .unsorted("a", at: 1))
    // By bytes, not by letters.
    #expect(Self.refusal(Self.bytes(files: ["Z", "a", "é"])) == nil)
    #expect(Self.refusal(Self.bytes(files: ["a", "Z"])) == .unsorted("Z", at: 1))
  }

  @Test func `a name that is there twice is refused`() {
    #expect(Self.refusal(Self.bytes(files: ["a", "a"])) == .duplicate("a", at: 1))
    #expect(Self.refusal(Self.bytes(files: [], directories: ["a", "a"])) == .duplicate("a", at: 1))
    #expect(
      Self.refusal(Self.bytes(files: ["a", "c", "d"], directories: ["b", "d"]))
        == .duplicate("d", at: 1))
    #expect(Self.refusal(Self.bytes(files: ["a", "c"], directories: ["b", "d"])) == nil)
  }

  @Test(arguments: [0, 31, 33]) func `checksums of another length are refused`(count: Int) {
    let sum = [UInt8](repeating: 1, count: count)
    #expect(Self.refusal(Self.bytes(files: ["a"], sum: sum)) == .checksumLength(count))
    #expect(
      Self.refusal(Self.bytes(files: [], directories: ["a"], sum: sum)) == .checksumLength(count))
  }

  @Test func `a NUL and bytes that are no UTF-8 cannot be in a name`() throws {
    var bytes = Self.bytes(files: ["abc"])
    bytes[1] = 0
    #expect(Self.refusal(bytes) == .gvariant(.string(at: 0)))
    bytes[1] = 0xff
    #expect(Self.refusal(bytes) == .gvariant(.string(at: 0)))
  }

  @Test func `no tree is written that could not be read`() {
    let file = DirTree.File(name: "..", checksum: Self.a)
    let result = Result { () throws(FormatError) in
      try DirTree(files: [file], directories: []).bytes
    }
    #expect(result == .failure(.name("..", at: 0)))
  }
}
