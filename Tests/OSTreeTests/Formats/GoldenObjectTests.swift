// SPDX-License-Identifier: Apache-2.0
import Codec
import Compression
import Cryptography
import OSTree
import Testing

/// Every object of the four repos that the real `ostree` made: its name is its checksum, and it is
/// written again as it was read.
@Suite struct GoldenObjectTests {
  @Test func `the repos hold objects of every kind`() throws {
    let all = try Golden.repoNames.flatMap { try Golden.objects(in: $0) }
    for (type, least) in [(ObjectType.file, 20), (.dirTree, 20), (.dirMeta, 4), (.commit, 8)] {
      #expect(all.filter { $0.name.type == type }.count >= least)
    }
    #expect(all.filter { $0.name.type == .commitMeta }.count == 2)
  }

  @Test(arguments: Golden.repoNames)
  func `every object of metadata has the checksum that it is named for`(repo: String) throws {
    for (name, bytes) in try Golden.objects(in: repo)
    where name.type != .file && name.type.isContentAddressed {
      #expect(SHA256.hash(bytes) == name.checksum, "\(name.path)")
    }
  }

  @Test(arguments: Golden.repoNames, [1, 13, 1 << 20])
  func `every file object has the checksum that it is named for`(
    repo: String, piece: Int
  ) throws {
    for (name, bytes) in try Golden.objects(in: repo) where name.type == .file {
      let file = try DecodedFile(bytes, piece: piece)
      var hash = SHA256()
      hash.update(file.header.contentStreamHeader())
      hash.update(file.content)
      #expect(hash.finish() == name.checksum, "\(name.path)")
      let front = file.header.archiveHeader(sizeBytes: file.sizeBytes)
      #expect(Array(bytes.prefix(front.count)) == front, "\(name.path)")
      #expect(file.headerBytes == UInt64(front.count))
    }
  }

  @Test func `every file object is deflated again to something that unpacks to the same`() throws {
    for (name, bytes) in try Golden.objects(.file) {
      let file = try DecodedFile(bytes)
      let encoded = try encode(file.header, file.content)
      let again = try DecodedFile(encoded)
      #expect(again.header == file.header, "\(name.path)")
      #expect(again.content == file.content, "\(name.path)")
      #expect(again.sizeBytes == file.sizeBytes, "\(name.path)")
    }
  }

  @Test func `dirtrees are written again as they were`() throws {
    for (name, bytes) in try Golden.objects(.dirTree) {
      let tree = try DirTree(parsing: bytes)
      let again = try DirTree(
        files: (0..<tree.fileCount).reversed().map { tree.file(at: $0) },
        directories: (0..<tree.directoryCount).reversed().map { tree.directory(at: $0) })
      #expect(again.bytes == bytes, "\(name.path)")
    }
  }

  @Test func `dirmetas are written again as they were`() throws {
    for (name, bytes) in try Golden.objects(.dirMeta) {
      #expect(try DirMeta(parsing: bytes).serialized() == bytes, "\(name.path)")
    }
  }

  @Test func `commits are written again as they were`() throws {
    for (name, bytes) in try Golden.objects(.commit) {
      let commit = try Commit(parsing: bytes)
      #expect(commit.checksum == name.checksum)
      let metadata = (0..<commit.metadata.count).map { index in
        let entry = commit.metadata[index]
        return (key: entry[0].string, value: entry[1].variant.value)
      }
      let again = try Commit(
        metadata: metadata, parent: commit.parent, subject: commit.subject, body: commit.body,
        timestamp: commit.timestamp, rootTree: commit.rootTree, rootMeta: commit.rootMeta)
      #expect(again.bytes == bytes, "\(name.path)")
    }
  }
}

/// A `.filez` taken apart.
struct DecodedFile {
  var header: FileHeader
  var sizeBytes: UInt64
  var headerBytes: UInt64
  var content: [UInt8] = []

  init(_ bytes: [UInt8], piece: Int = .max, limitBytes: UInt64? = nil) throws(FormatError) {
    var decoder = try ArchiveFileDecoder(contentLimitBytes: limitBytes)
    self = try DecodedFile(bytes, piece: piece, with: &decoder)
  }

  init(
    _ bytes: [UInt8], piece: Int, with decoder: inout ArchiveFileDecoder
  ) throws(FormatError) {
    var found: FileHeader?
    var content: [UInt8] = []
    var start = 0
    while start < bytes.count {
      let end = start + min(piece, bytes.count - start)
      var position = start
      while true {
        let step = try decoder.step(bytes.span.extracting(position..<end))
        position += step.consumed
        if step.event == .inputUsed { break }
        if step.event == .header { found = decoder.header }
        decoder.withContent { span in for index in span.indices { content.append(span[index]) } }
      }
      start = end
    }
    try decoder.finish()
    guard let found else { throw .truncated }
    header = found
    sizeBytes = decoder.sizeBytes
    headerBytes = decoder.headerBytes
    self.content = content
  }
}

/// A `.filez` with this content.
func encode(_ header: FileHeader, _ content: [UInt8], level: Int32 = 6) throws -> [UInt8] {
  var encoder = try ArchiveFileEncoder(
    header: header, sizeBytes: header.isSymlink ? 0 : UInt64(content.count), level: level)
  var bytes = encoder.front
  guard header.isRegular else { return bytes }
  var buffer = [UInt8](repeating: 0, count: 999)
  var position = 0
  while true {
    let step = try encoder.step(
      content.span.extracting(position..<content.count), finishing: true, into: &buffer)
    position += step.consumed
    bytes += buffer[..<step.produced]
    if step.isFinished { return bytes }
  }
}
