// SPDX-License-Identifier: Apache-2.0
import Cryptography
import Foundation
import Support
import Testing

@testable import OSTree

/// Dirtrees that stay on the medium while they are read.
@Suite struct LargeDirTreeTests {
  private let sample: SampleRepo
  private let tree: DirTree
  private let checksum: Checksum

  init() throws {
    sample = try SampleRepo(.bareUser)
    let folder = SHA256.hash(Array("folder".utf8))
    tree = try DirTree(
      files: (0..<3000).map {
        .init(name: "file \($0)", checksum: SHA256.hash(Array("\($0)".utf8)))
      },
      directories: (0..<1000).map { .init(name: "folder \($0)", tree: folder, meta: folder) })
    checksum = SHA256.hash(tree.bytes)
  }

  private var name: ObjectName { ObjectName(checksum, .dirTree) }
  private var path: String { "\(sample.path)/objects/\(name.loosePath(archive: false))" }

  /// Puts bytes where the object belongs.
  private func store(_ bytes: [UInt8]) throws -> Repo {
    try FileManager.default.createDirectory(
      atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    return try sample.open()
  }

  @Test func `a mapped tree is the same as one in memory`() throws {
    #expect(UInt64(tree.bytes.count) > LooseObjects.treeReadBytesMax)
    let mapped = try store(tree.bytes).loadDirTree(checksum, verifying: true)
    #expect(mapped.bytes == tree.bytes)
    #expect(mapped.fileCount == 3000 && mapped.directoryCount == 1000)
    for index in 0..<3000 { #expect(mapped.file(at: index) == tree.file(at: index)) }
    for index in 0..<1000 { #expect(mapped.directory(at: index) == tree.directory(at: index)) }
    #expect(mapped.findFile("file 2999") == SHA256.hash(Array("2999".utf8)))
    #expect(mapped.findDirectory("folder 7")?.tree == SHA256.hash(Array("folder".utf8)))
    #expect(mapped.findFile("folder 7") == nil && mapped.findDirectory("file") == nil)
  }

  @Test func `one that is damaged is refused as in memory`() throws {
    var random = SeededGenerator(7)
    for _ in 0..<50 {
      var bytes = tree.bytes
      bytes[Int(random.next() % UInt64(bytes.count))] ^= UInt8(1 << (random.next() % 8))
      let repo = try store(bytes)
      let found = SHA256.hash(bytes)
      let verified = Result { () throws(OSTreeError) in
        try repo.loadDirTree(checksum, verifying: true).fileCount
      }
      #expect(verified == .failure(.corrupt(name, found: found)))

      let mapped = Result { () throws(OSTreeError) in try repo.loadDirTree(checksum).bytes }
      let inMemory = Result { () throws(FormatError) in try DirTree(parsing: bytes).bytes }
      switch inMemory {
      case .success(let bytes): #expect(mapped == .success(bytes))
      case .failure(let fault): #expect(mapped == .failure(.malformed(name, fault)))
      }
    }
  }

  @Test func `bytes that the medium no longer gives name nothing, and end nothing`() throws {
    let mapped = try store(tree.bytes).loadDirTree(checksum)
    try mustRun("truncate", "-s", "0", path)
    let none = Checksum([UInt8](repeating: 0, count: 32))
    for index in 0..<3000 {
      #expect(mapped.file(at: index).name == "" && mapped.fileChecksum(at: index) == none)
    }
    #expect(mapped.directory(at: 999) == .init(name: "", tree: none!, meta: none!))
    #expect(mapped.findFile("file 1") == nil)
  }

  @Test func `one beyond the limit is refused before it is read`() throws {
    let repo = try store([])
    try mustRun("truncate", "-s", "129M", path)
    let result = Result { () throws(OSTreeError) in try repo.loadDirTree(checksum).fileCount }
    #expect(
      result == .failure(.tooLarge(name, limitBytes: LooseObjects.metadataLimitBytes)))
  }

  @Test func `an object that comes in pieces is stored if it is what its name says`() throws {
    let staging = try sample.open().stage()
    let bytes = tree.bytes
    var sink = try MetadataSink(name, in: staging)
    for start in stride(from: 0, to: bytes.count, by: 1000) {
      try sink.write(bytes[start..<min(start + 1000, bytes.count)].span)
    }
    try sink.finish()
    #expect(sink.writtenBytes == UInt64(bytes.count))
    #expect(try staging.loadDirTree(checksum).bytes == bytes)

    let other = ObjectName(SHA256.hash([1]), .dirTree)
    let result = Result { () throws(OSTreeError) in
      var sink = try MetadataSink(other, in: staging)
      try sink.write(bytes.span)
      try sink.finish()
      return true
    }
    #expect(result == .failure(.corrupt(other, found: checksum)))
    #expect(try !staging.contains(other))
  }
}
