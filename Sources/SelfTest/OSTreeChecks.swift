// SPDX-License-Identifier: Apache-2.0
import Codec
import Cryptography
import Linux
import OSTree

// The checksums are those that ostree 2022.7 gives the same objects.
extension SelfTest {
  private static let rootFolder = "446a0ef11b7cc167f3b603e585c7eeeeb675faa412d5ec73f62988eb0b6c5488"
  private static let helloFile = "d6f58149fd47ec2be3fafef4fe767915f195e7ae67b9a0c090b842b156cd07f3"
  private static let helloLink = "73baaba0102e9154b8522687d33eedb8ed1bc78eadb82428b2616144ec502934"

  private static let file = FileHeader(
    uid: 0, gid: 0, mode: FileType.regular.rawValue | 0o755, symlinkTarget: "", xattrs: [])
  private static let link = FileHeader(
    uid: 0, gid: 0, mode: FileType.symbolicLink.rawValue | 0o777, symlinkTarget: "hello",
    xattrs: [])
  private static let hello = Array("hello\n".utf8)

  static func checkObjects(_ report: inout Report) {
    let meta = DirMeta(
      uid: 0, gid: 0, mode: FileType.directory.rawValue | 0o755, xattrs: [])
    report.expect(SHA256.hash(meta.serialized()).hex == rootFolder, "a folder's checksum")
    report.expect(
      SHA256.hash(file.contentStreamHeader() + hello).hex == helloFile, "a file's checksum")
    report.expect(SHA256.hash(link.contentStreamHeader()).hex == helloLink, "a link's checksum")
    report.expect(Refspec("acme:os/stable")?.remote == "acme", "a refspec is read")
    report.expect(Refspec("acme:../stable") == nil, "a refspec that leads out is refused")
    checkTree(&report)
  }

  private static func checkTree(_ report: inout Report) {
    guard let hello = Checksum(hex: helloFile), let root = Checksum(hex: rootFolder) else {
      return report.fail("a checksum is read")
    }
    do throws(FormatError) {
      let tree = try DirTree(
        files: [.init(name: "b", checksum: hello), .init(name: "a", checksum: hello)],
        directories: [])
      let read = try DirTree(parsing: tree.bytes)
      report.expect(
        read.fileCount == 2 && read.file(at: 0).name == "a", "names of a tree are sorted")
      report.expect(read.findFile("b") == hello, "a name is found in a tree")
      let commit = try Commit(
        metadata: [("version", .string("1"))], parent: hello, subject: "s", body: "",
        timestamp: 1 << 33, rootTree: root, rootMeta: root)
      let same = try Commit(parsing: commit.bytes)
      report.expect(same.version == "1" && same.timestamp == 1 << 33, "a commit is read")
      // The armv7 executable once crashed here: `parent` is looked at twice, see sdk/make-bundle.
      report.expect(same.parent == hello, "the parent of a commit is read")
    } catch { report.fail("a tree and a commit are read as they were written") }
    do throws(FormatError) {
      _ = try DirTree(files: [.init(name: "..", checksum: hello)], directories: [])
      report.fail("a tree that leads out is refused")
    } catch { report.expect(error == .name("..", at: 0), "a name that leads out is named") }
  }

  /// Objects are stored, published and loaded again, in the modes that need no root.
  static func checkRepo(_ scratch: Scratch, _ report: inout Report) {
    guard let checksum = Checksum(hex: helloFile) else { return report.fail("a checksum is read") }
    for mode in [RepoMode.archive, .bareUserOnly] {
      let name = mode.configValue
      do throws(OSTreeError) {
        let repo = try Repo.create("\(scratch.path)/\(name)", mode: mode)
        try store(checksum, in: repo)
        let object = try repo.openFile(checksum)
        report.expect(
          object.header.mode == file.mode && object.sizeBytes == UInt64(hello.count),
          "the header of a stored file is read (\(name))")
        var hash = FileHash()
        try repo.verify(ObjectName(checksum, .file), &hash)
        try repo.writeRef(Refspec(remote: nil, ref: "a/b"), checksum)
        let refs = try repo.refs()
        report.expect(
          refs.count == 1 && refs.first?.commit == checksum, "a ref is listed (\(name))")
      } catch { report.fail("a file is stored in a repo of mode \(name)") }
    }
  }

  private static func store(_ checksum: Checksum, in repo: Repo) throws(OSTreeError) {
    let lock = try repo.lock(.shared)
    let staging = try repo.stage()
    var sink = FileSink(checksum, in: staging, storesReceived: false)
    try sink.begin(file, sizeBytes: UInt64(hello.count))
    try sink.write(hello.span)
    try sink.finish()
    _ = try staging.publish(readBack: .all)
    extendLifetime(lock)
  }
}
