// SPDX-License-Identifier: Apache-2.0
import Cryptography
import Linux
import OSTree

/// A file object that no repo has yet: a number of its own, then made-up bytes that it shares with
/// others.
struct SampleObject: Sendable {
  let checksum: Checksum
  private let header: FileHeader
  private let front: [UInt8]
  private let body: [UInt8]
  private let range: Range<Int>

  /// How long it is at least.
  static let bytesMin = 8

  /// Of the owner that files in the scratch folder have, so that everybody may make it. The
  /// content is as long as `range`, which is one of `body`.
  init(number: Int, _ body: [UInt8], _ range: Range<Int>, owner: FileStatus) {
    precondition(range.count >= SampleObject.bytesMin)
    var front: [UInt8] = []
    for shift in 0..<SampleObject.bytesMin {
      front.append(UInt8(truncatingIfNeeded: UInt64(number) >> UInt64(8 * shift)))
    }
    header = FileHeader(
      uid: owner.uid, gid: owner.gid, mode: FileType.regular.rawValue | 0o644, symlinkTarget: "",
      xattrs: [])
    self.front = front
    self.body = body
    self.range = range.lowerBound + front.count..<range.upperBound
    var hash = SHA256()
    hash.update(header.contentStreamHeader())
    hash.update(front)
    hash.update(body.span.extracting(self.range))
    checksum = hash.finish()
  }

  /// As a pull stores what it receives: hashed while it is written. Durable after `publish`.
  func store(in staging: Staging) throws(OSTreeError) {
    var sink = FileSink(checksum, in: staging, storesReceived: false)
    try sink.begin(header, sizeBytes: UInt64(front.count + range.count))
    try sink.write(front.span)
    try sink.write(body.span.extracting(range))
    try sink.finish()
  }
}

/// A commit of made-up files: so many of them in each folder, and so many folders in the root.
struct SampleTree {
  let commit: Checksum
  let files: Int
  let folders: Int
  let bytes: UInt64

  /// Makes it in `repo`, which has none of it. `size` gives the length of each file.
  init(
    in repo: Repo, files: Int, perFolder: Int, owner: FileStatus, _ payload: inout Payload,
    size: (inout Payload) -> Int
  ) throws(BenchError) {
    let lock = try inRepo { () throws(OSTreeError) in try repo.lock(.shared) }
    let staging = try inRepo { () throws(OSTreeError) in try repo.stage() }
    let text = payload.bytes(.text, count: 1 << 20)
    let meta = DirMeta(
      uid: owner.uid, gid: owner.gid, mode: FileType.directory.rawValue | 0o755, xattrs: []
    ).serialized()
    let metaName = ObjectName(SHA256.hash(meta), .dirMeta)
    var folders: [DirTree.Directory] = []
    var bytes: UInt64 = 0
    do throws(OSTreeError) {
      try staging.storeMetadata(metaName, meta)
      while folders.count * perFolder < files {
        let begin = folders.count * perFolder
        var entries: [DirTree.File] = []
        for number in begin..<min(begin + perFolder, files) {
          let count = min(max(size(&payload), SampleObject.bytesMin), text.count)
          let start = payload.number(below: text.count - count + 1)
          let object = SampleObject(
            number: number, text, start..<start + count, owner: owner)
          try object.store(in: staging)
          entries.append(DirTree.File(name: "file-\(number)", checksum: object.checksum))
          bytes += UInt64(count)
        }
        let tree = try SampleTree.store(entries, [], in: staging)
        folders.append(
          DirTree.Directory(
            name: "folder-\(folders.count)", tree: tree, meta: metaName.checksum))
      }
      let root = try SampleTree.store([], folders, in: staging)
      commit = try SampleTree.store(root, metaName.checksum, in: staging)
      _ = try staging.publish(readBack: .none)
    } catch { throw .ostree(error) }
    self.files = files
    self.folders = folders.count
    self.bytes = bytes
    _ = consume lock
  }

  private static func store(
    _ files: [DirTree.File], _ folders: [DirTree.Directory], in staging: Staging
  ) throws(OSTreeError) -> Checksum {
    let tree: DirTree
    do throws(FormatError) { tree = try DirTree(files: files, directories: folders) } catch {
      throw .malformed(ObjectName(SHA256.hash([]), .dirTree), error)
    }
    let bytes = tree.bytes
    let name = ObjectName(SHA256.hash(bytes), .dirTree)
    try staging.storeMetadata(name, bytes)
    return name.checksum
  }

  private static func store(
    _ root: Checksum, _ meta: Checksum, in staging: Staging
  ) throws(OSTreeError) -> Checksum {
    let commit: Commit
    do throws(FormatError) {
      commit = try Commit(
        metadata: [], parent: nil, subject: "bench", body: "", timestamp: 1_700_000_000,
        rootTree: root, rootMeta: meta)
    } catch { throw .malformed(ObjectName(root, .commit), error) }
    let name = ObjectName(commit.checksum, .commit)
    try staging.storeMetadata(name, commit.bytes)
    return name.checksum
  }
}
