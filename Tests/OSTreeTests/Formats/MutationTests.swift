// SPDX-License-Identifier: Apache-2.0
import Codec
import OSTree
import Testing

/// Hostile bytes: the golden objects with a few things wrong, thousands of times over. A reader
/// gives a value or an error; a trap would end the tests.
@Suite struct MutationTests {
  /// Runs `read` on mutations of each sample; the count of those that were refused.
  static func refused(
    _ samples: [[UInt8]], rounds: Int, seed: UInt64, _ read: ([UInt8]) throws -> Void
  ) -> Int {
    var random = SeededGenerator(seed)
    var refused = 0
    for sample in samples {
      for _ in 0..<rounds {
        let bytes = mutated(sample, &random)
        do { try read(bytes) } catch { refused += 1 }
      }
    }
    return refused
  }

  @Test func `dirtrees`() throws {
    let samples = try Golden.objects(.dirTree).map(\.bytes)
    let refused = Self.refused(samples, rounds: 400, seed: 1) { bytes in
      let tree = try DirTree(parsing: bytes)
      for index in 0..<tree.fileCount { #expect(tree.findFile(tree.file(at: index).name) != nil) }
      for index in 0..<tree.directoryCount {
        #expect(tree.findDirectory(tree.directory(at: index).name) != nil)
      }
      #expect(tree.bytes == bytes)
    }
    #expect(refused > samples.count * 200)
  }

  @Test func `dirmetas`() throws {
    let samples = try Golden.objects(.dirMeta).map(\.bytes)
    let refused = Self.refused(samples, rounds: 2000, seed: 2) { bytes in
      let meta = try DirMeta(parsing: bytes)
      #expect(meta.serialized() == bytes)
    }
    #expect(refused > samples.count * 200)
  }

  @Test func `commits`() throws {
    let samples = try Golden.objects(.commit).map(\.bytes)
    let refused = Self.refused(samples, rounds: 1000, seed: 3) { bytes in
      let commit = try Commit(parsing: bytes)
      _ = (commit.version, commit.isBootable, commit.contentChecksum, commit.endOfLife)
      for index in 0..<(commit.sizes?.count ?? 0) { _ = try commit.sizes?.size(at: index) }
    }
    #expect(refused > samples.count * 200)
  }

  @Test func `headers of files`() throws {
    let samples = FileHeaderTests.known.map { Array(hex($0.archived).dropFirst(8)) }
    let refused = Self.refused(samples, rounds: 3000, seed: 4) { bytes in
      let parsed = try FileHeader.parseArchive(bytes)
      #expect(
        Array(parsed.header.archiveHeader(sizeBytes: parsed.sizeBytes).dropFirst(8)) == bytes)
    }
    #expect(refused > samples.count * 200)
    let users = [FileHeaderTests.special.userMetadata(), FileHeaderTests.plain.userMetadata()]
    _ = Self.refused(users, rounds: 3000, seed: 5) { bytes in
      let header = try FileHeader(parsingUserMetadata: bytes)
      #expect(header.userMetadata() == bytes)
    }
  }

  @Test func `file objects`() throws {
    let samples = try Golden.objects(.file).map(\.bytes).filter { $0.count < 2000 }
    var decoder = try ArchiveFileDecoder(contentLimitBytes: 1 << 20)
    var random = SeededGenerator(6)
    var refused = 0
    for sample in samples {
      for _ in 0..<300 {
        let piece = Int.random(in: 1...64, using: &random)
        decoder.reset(contentLimitBytes: 1 << 20)
        do throws(FormatError) {
          let file = try DecodedFile(mutated(sample, &random), piece: piece, with: &decoder)
          #expect(UInt64(file.content.count) == (file.header.isSymlink ? 0 : file.sizeBytes))
        } catch { refused += 1 }
      }
    }
    #expect(refused > samples.count * 100)
  }
}

extension MutationTests {
  @Test func `summaries`() throws {
    let samples = try [
      Golden.bytes("summary", in: "signed-repo"), Golden.bytes("summary", in: "os-repo"),
    ]
    let refused = Self.refused(samples, rounds: 4000, seed: 7) { bytes in
      let summary = try Summary(parsing: bytes)
      for index in 0..<summary.refs.count {
        #expect(summary.lookup(summary.refs.ref(at: index).name) != nil)
      }
      _ = (summary.mode, summary.lastModified, summary.hasIndexedDeltas)
      for index in 0..<(summary.deltas?.count ?? 0) { _ = try summary.deltas?.entry(at: index) }
    }
    #expect(refused > samples.count * 400)
  }

  @Test func `superblocks of deltas`() throws {
    let samples = try [
      DeltaTests.superblocks()[0], DeltaTests.superblocks()[1], Golden.bytes("delta-signed.bin"),
    ]
    let refused = Self.refused(samples, rounds: 2000, seed: 8) { bytes in
      let superblock = try DeltaSuperblock(parsing: bytes)
      for index in 0..<superblock.partCount {
        let part = try superblock.part(at: index)
        for index in 0..<part.objectCount { _ = part.object(at: index) }
      }
      for index in 0..<superblock.fallbackCount { _ = try superblock.fallback(at: index) }
      _ = try superblock.inlinePart(0)
      _ = try superblock.detachedMetadata()
    }
    #expect(refused > samples.count * 400)
  }

  @Test func `signatures, indexes and the staged deployment`() throws {
    let metadata = try Golden.objects(.commitMeta).map(\.bytes)
    let refused = Self.refused(metadata, rounds: 3000, seed: 9) { bytes in
      let parsed = try DetachedMetadata(parsing: bytes)
      _ = (parsed.ed25519Signatures, parsed.hasGPGSignatures)
    }
    #expect(refused > metadata.count * 300)
    let index = try Golden.bytes(DeltaTests.index, in: "signed-repo")
    _ = Self.refused([index], rounds: 4000, seed: 10) { bytes in
      let deltas = try DeltaIndex(parsing: bytes).deltas
      for index in 0..<(deltas?.count ?? 0) { _ = try deltas?.entry(at: index) }
    }
    let staged = try Golden.bytes("staged-deployment.bin")
    _ = Self.refused([staged], rounds: 4000, seed: 11) { bytes in
      _ = try StagedDeployment(parsing: bytes).serialized()
    }
  }

  @Test func `settings of repos and remotes`() {
    let text = Array(
      """
      [core]
      repo_version=1
      mode=bare-user
      min-free-space-size=12GB
      [remote "o"]
      url=https://example.org
      branches=a;b;
      sign-verify=ed25519
      collection-id=org.example

      """.utf8)
    let refused = Self.refused([text], rounds: 8000, seed: 12) { bytes in
      let config = try RepoConfig(parsing: bytes, path: "config")
      _ = config.reservedBytes(of: .max)
      _ = try RemoteConfig.all(in: [("config", config.keyfile)])
    }
    #expect(refused > 2000)
  }

  @Test func `names`() {
    var random = SeededGenerator(13)
    for sample in ["origin:test/x86/a", Golden.secondSigned, "\(Golden.firstSigned)-x"] {
      for _ in 0..<4000 {
        let text = String(decoding: mutated(Array(sample.utf8), &random), as: UTF8.self)
        if let refspec = Refspec(text) {
          #expect(refspec.text == text)
          #expect(!refspec.ref.utf8.starts(with: ".".utf8) && !refspec.ref.contains(".."))
        }
        if let name = DeltaName(text) { #expect(name.text == text) }
        _ = RefName.isValidCollection(text)
      }
    }
  }
}
