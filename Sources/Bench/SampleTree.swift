// SPDX-License-Identifier: Apache-2.0
import Cryptography
import Linux
import OSTree

/// A commit of made-up files: so many of them in each folder, and so many folders in the root.
struct SampleTree {
  let commit: Checksum
  let folders: Int

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
    self.folders = folders.count
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
