// SPDX-License-Identifier: Apache-2.0
import Codec
import Cryptography
import OSTree
import Testing

@Suite struct SummaryTests {
  static func ref(_ name: String, _ sum: [UInt8] = DirTreeTests.a.bytes) -> GVariantValue {
    .tuple([.string(name), .tuple([.uint64(7), .bytes(sum), .dictionary([])])])
  }

  static func bytes(
    _ refs: [GVariantValue], _ metadata: [(String, GVariantValue)] = []
  ) -> [UInt8] {
    GVariantValue.tuple([
      .array(elementType: "(s(taya{sv}))", refs), .dictionary(metadata),
    ]).serialized()
  }

  static func refusal(_ bytes: [UInt8]) -> FormatError? {
    do throws(FormatError) {
      _ = try Summary(parsing: bytes)
      return nil
    } catch { return error }
  }

  @Test func `the golden summary says what its repo offers`() throws {
    let summary = try Summary(parsing: Golden.bytes("summary", in: "signed-repo"))
    #expect(summary.refs.count == 1)
    let second = try Golden.checksum(Golden.secondSigned)
    // 708 bytes: the one integer that is little-endian on the disk.
    let ref = SummaryRef(
      name: "test/main", sizeBytes: 708, checksum: second, timestamp: 1_600_000_002,
      version: "2.0")
    #expect(summary.refs.ref(at: 0) == ref)
    #expect(summary.lookup("test/main") == ref)
    #expect(summary.lookup("test") == nil)
    #expect(try Golden.object(ObjectName(second, .commit), in: "signed-repo").count == 708)
    #expect(summary.mode == "archive-z2")
    #expect(summary.lastModified == 0x6b00_f42f)
    #expect(summary.expires == nil && summary.collectionID == nil)
    #expect(summary.hasIndexedDeltas && !summary.hasTombstones)
    let deltas = try #require(summary.deltas)
    #expect(deltas.count == 2)
    for index in 0..<2 {
      let (name, superblock) = try deltas.entry(at: index)
      let stored = try Golden.bytes(name.superblockPath, in: "signed-repo")
      #expect(SHA256.hash(stored) == superblock)
      #expect(try deltas.lookup(name) == superblock)
    }
    #expect(try deltas.lookup(DeltaName(from: second, to: second)) == nil)
  }

  @Test(arguments: ["signed-repo", "os-repo"])
  func `summaries are written again as they were`(repo: String) throws {
    let bytes = try Golden.bytes("summary", in: repo)
    let summary = try Summary(parsing: bytes)
    let again = GVariantValue.tuple([summary.refs.value, summary.metadata.value]).serialized()
    #expect(again == bytes)
  }

  @Test func `refs are found by name among many`() throws {
    let names = (0..<50).map { "r/\($0)" }.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    let summary = try Summary(parsing: Self.bytes(names.map { Self.ref($0) }))
    for name in names { #expect(summary.lookup(name)?.name == name) }
    for name in ["", "r", "r/", "r/50", "s"] { #expect(summary.lookup(name) == nil) }
  }

  @Test func `refs of other collections are found in their own`() throws {
    let map = GVariantValue.array(
      elementType: "{sa(s(taya{sv}))}",
      [
        .dictEntry(
          .string("org.other"),
          .array(elementType: "(s(taya{sv}))", [Self.ref("a", DirTreeTests.b.bytes)]))
      ])
    let summary = try Summary(
      parsing: Self.bytes(
        [Self.ref("a"), Self.ref("b")],
        [
          ("ostree.summary.collection-id", .string("org.main")),
          ("ostree.summary.collection-map", map),
        ]))
    #expect(summary.lookup("a")?.checksum == DirTreeTests.a)
    #expect(summary.lookup("a", collectionID: "org.main")?.checksum == DirTreeTests.a)
    #expect(summary.lookup("a", collectionID: "org.other")?.checksum == DirTreeTests.b)
    #expect(summary.lookup("b", collectionID: "org.other") == nil)
    #expect(summary.lookup("a", collectionID: "org.none") == nil)
  }

  @Test func `refs out of order or doubled and checksums that are none are refused`() {
    #expect(Self.refusal(Self.bytes([Self.ref("b"), Self.ref("a")])) == .unsorted("a", at: 1))
    #expect(Self.refusal(Self.bytes([Self.ref("a"), Self.ref("a")])) == .duplicate("a", at: 1))
    #expect(Self.refusal(Self.bytes([Self.ref("a", [1])])) == .checksumLength(1))
    #expect(Self.refusal(Self.bytes([], [("", .string(""))])) == .emptyKey)
    #expect(
      Self.refusal(Self.bytes([], [("ostree.static-deltas", .string(""))]))
        == .key("ostree.static-deltas"))
    #expect(
      Self.refusal(Self.bytes([], [("ostree.summary.collection-id", .uint32(1))]))
        == .key("ostree.summary.collection-id"))
  }
}
