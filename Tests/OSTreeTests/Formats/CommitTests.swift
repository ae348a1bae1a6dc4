// SPDX-License-Identifier: Apache-2.0
import Codec
import Cryptography
import OSTree
import Testing

@Suite struct CommitTests {
  static func commit(
    _ metadata: [(String, GVariantValue)] = [], parent: [UInt8] = [],
    tree: [UInt8] = DirTreeTests.a.bytes
  ) throws(FormatError) -> Commit {
    try Commit(
      parsing: GVariantValue.tuple([
        .dictionary(metadata), .bytes(parent), .array(elementType: "(say)", []), .string("s"),
        .string("b"), .bigEndian(UInt64(7)), .bytes(tree), .bytes(DirTreeTests.b.bytes),
      ]).serialized())
  }

  static func refusal(
    _ metadata: [(String, GVariantValue)] = [], parent: [UInt8] = [],
    tree: [UInt8] = DirTreeTests.a.bytes
  ) -> FormatError? {
    do throws(FormatError) {
      _ = try commit(metadata, parent: parent, tree: tree)
      return nil
    } catch { return error }
  }

  @Test func `the first golden commit says what it was made with`() throws {
    let name = try Golden.checksum(
      "886acea9b2ef0a85d6c515942e0124dcf55eeccedb84d67ae952d3596d7d1b13")
    let commit = try Commit(parsing: Golden.object(ObjectName(name, .commit), in: "repo"))
    #expect(commit.checksum == name)
    #expect(commit.subject == "first" && commit.body == "body text")
    #expect(commit.timestamp == 1_000_000)
    #expect(commit.version == "1.0")
    #expect(commit.refBindings == ["test/x86/a"])
    #expect(commit.parent == nil && commit.collectionBinding == nil && commit.sizes == nil)
    #expect(
      commit.rootTree.hex == "5e4e47eb601d089afd7803f8888604c37ef6aa016560777ac06034f10abcfebb")
    #expect(
      commit.contentChecksum.hex
        == "47c4ae21f84a729fb997b2af8bad289cdd27d83e5288a0e1b3f107809661e0c8")
  }

  @Test func `the golden operating systems follow each other`() throws {
    var name = try #require(
      Checksum(
        hex: String(
          decoding: Golden.bytes("refs/heads/coppice/x86_64/main", in: "os-repo").prefix(64),
          as: UTF8.self)))
    var versions: [String?] = []
    var timestamps: [UInt64] = []
    while true {
      let commit = try Commit(parsing: Golden.object(ObjectName(name, .commit), in: "os-repo"))
      versions.append(commit.version)
      timestamps.append(commit.timestamp)
      guard let parent = commit.parent else { break }
      name = parent
    }
    #expect(versions == ["3.0", "2.0", "1.0"])
    #expect(timestamps == [1_000_000_200, 1_000_000_100, 1_000_000_000])
  }

  @Test func `metadata is read where it has the right type`() throws {
    let commit = try Self.commit([
      ("version", .string("7")), ("ostree.bootable", .boolean(true)),
      ("ostree.linux", .string("6.1")), ("ostree.architecture", .string("arm")),
      ("ostree.source-title", .string("t")), ("ostree.endoflife", .string("gone")),
      ("ostree.endoflife-rebase", .string("new")),
      ("ostree.collection-binding", .string("org.example")),
      ("ostree.ref-binding", .strings(["a", "b"])),
      ("ostree.composefs.digest.v0", .bytes(DirTreeTests.c.bytes)),
    ])
    #expect(commit.version == "7" && commit.isBootable && commit.linuxVersion == "6.1")
    #expect(commit.architecture == "arm" && commit.sourceTitle == "t")
    #expect(commit.endOfLife == "gone" && commit.endOfLifeRebase == "new")
    #expect(commit.collectionBinding == "org.example" && commit.refBindings == ["a", "b"])
    #expect(commit.composefsDigest == DirTreeTests.c)
    let other = try Self.commit([
      ("version", .uint32(7)), ("ostree.bootable", .string("true")),
      ("ostree.composefs.digest.v0", .bytes([1])),
    ])
    #expect(other.version == nil && !other.isBootable && other.composefsDigest == nil)
  }

  @Test func `what decides over a commit must have the right type`() {
    #expect(
      Self.refusal([("ostree.ref-binding", .string("a"))]) == .key("ostree.ref-binding"))
    #expect(
      Self.refusal([("ostree.collection-binding", .strings(["a"]))])
        == .key("ostree.collection-binding"))
    #expect(Self.refusal([("ostree.sizes", .bytes([1]))]) == .key("ostree.sizes"))
    #expect(Self.refusal([("", .string("a"))]) == .emptyKey)
  }

  @Test(arguments: [1, 31, 33]) func `checksums of another length are refused`(count: Int) {
    let bytes = [UInt8](repeating: 1, count: count)
    #expect(Self.refusal(parent: bytes) == .checksumLength(count))
    #expect(Self.refusal(tree: bytes) == .checksumLength(count))
    #expect(Self.refusal(tree: []) == .checksumLength(0))
  }

  @Test func `sizes are read entry by entry`() throws {
    let entries: [[UInt8]] = [
      DirTreeTests.a.bytes + [0x80, 0x01, 0x05, 2], DirTreeTests.b.bytes + [0x03, 0x04],
    ]
    let sizes = try #require(try Self.commit([("ostree.sizes", .byteStrings(entries))]).sizes)
    #expect(sizes.count == 2)
    let first = try sizes.size(at: 0)
    #expect(first.name == ObjectName(DirTreeTests.a, .dirTree))
    #expect(first.archivedBytes == 128 && first.unpackedBytes == 5)
    // Without a type: commits of old releases, which listed files alone.
    #expect(try sizes.size(at: 1).name == ObjectName(DirTreeTests.b, .file))
  }

  @Test(arguments: [
    [], [1, 2, 3], DirTreeTests.a.bytes, DirTreeTests.a.bytes + [1],
    DirTreeTests.a.bytes + [0x80, 0x80], DirTreeTests.a.bytes + [1, 1, 0],
    DirTreeTests.a.bytes + [1, 1, 1, 1],
    DirTreeTests.a.bytes + [UInt8](repeating: 0xff, count: 11) + [1, 1],
  ])
  func `a size that cannot be read is an error`(entry: [UInt8]) throws {
    let sizes = try #require(try Self.commit([("ostree.sizes", .byteStrings([entry]))]).sizes)
    let result = Result { () throws(FormatError) in try sizes.size(at: 0) }
    #expect(result == .failure(.key("ostree.sizes")))
  }
}
