// SPDX-License-Identifier: Apache-2.0
import Cryptography
import Foundation
import Linux
import Support
import Testing

@testable import OSTree

@Suite struct StagingTests {
  /// Copies a whole commit from one repo to another through staging, without publishing.
  private func stage(
    _ commit: Checksum, from source: SampleRepo, to staging: Staging, files: Bool = true
  ) throws {
    let repo = try source.open()
    for name in try source.objects(of: commit) where try !staging.contains(name) {
      if name.type == .file {
        if files { try copy(try repo.openFile(name.checksum), to: staging) }
      } else {
        try staging.storeMetadata(name, try repo.loadBytes(name))
      }
    }
  }

  private func copy(
    _ object: borrowing FileObject, to staging: Staging, as checksum: Checksum? = nil
  ) throws(OSTreeError) {
    var sink = FileSink(checksum ?? object.name.checksum, in: staging, storesReceived: false)
    try sink.begin(object.header, sizeBytes: object.sizeBytes)
    try object.forEachPiece { (piece) throws(OSTreeError) in try sink.write(piece) }
    try sink.finish()
  }

  @Test(arguments: RepoMode.allCases, RepoMode.allCases)
  func `objects go from every mode to every mode, and ostree finds them sound`(
    _ from: RepoMode, _ to: RepoMode
  ) throws {
    // A repo that keeps no owners takes only files that have none.
    let source = try SampleRepo(from)
    try source.makeSampleTree("tree")
    let canonical = to == .bareUserOnly ? ["--canonical-permissions"] : []
    try source.ostree(
      arguments: ["commit", "-b", "main", "-s", "x", "--tree=dir=\(source.folder.file("tree"))"]
        + (from == .bareUserOnly ? ["--canonical-permissions"] : canonical))
    let commit = try source.checksum("main")
    let target = try SampleRepo(to)
    let repo = try target.open()
    let staging = try repo.stage()
    try stage(commit, from: source, to: staging)
    #expect(try target.files("objects") == [])
    let report = try staging.publish(readBack: .all)
    let names = try source.objects(of: commit)
    #expect(report.objects == UInt64(names.count))
    try repo.writeRef(try #require(Refspec("main")), commit)
    #expect(try repo.fsck().isSound)
    try target.ostree("fsck")
    #expect(try target.files("coppice").subtracting(["coppice/lock"]) == [])
    #expect(
      try target.ostree("ls", "-R", "-C", "-X", "main")
        == source.ostree("ls", "-R", "-C", "-X", "main"))
    // What ostree itself stores is the same, to the permission bits; only that it hard-links from
    // bare-user to bare-user-only, and so keeps a bit that makes a file readable there.
    if from == .bareUser, to == .bareUserOnly { return }
    let theirs = try SampleRepo(to)
    try theirs.ostree("pull-local", "--untrusted", source.path, commit.hex)
    for name in names where name.type == .file {
      let (ours, peer) = (
        try FileDescriptor.status(of: target.object(name), following: false),
        try FileDescriptor.status(of: theirs.object(name), following: false)
      )
      #expect(ours.mode == peer.mode)
      #expect(ours.uid == peer.uid && ours.gid == peer.gid)
      if to != .archive, ours.type == .regular { #expect(ours.modifiedSeconds == 0) }
    }
  }

  @Test func `nothing is seen before it is published`() throws {
    let source = try SampleRepo.sample(.archive)
    let commit = try source.checksum("main")
    let target = try SampleRepo(.archive)
    let repo = try target.open()
    let staging = try repo.stage()
    let name = ObjectName(commit, .commit)
    try staging.storeMetadata(name, try source.open().loadBytes(name))
    #expect(try staging.contains(name))
    #expect(try !repo.contains(name))
    try staging.discard()
    #expect(try !staging.contains(name))
  }

  @Test func `content with another checksum leaves nothing behind`() throws {
    let source = try SampleRepo.sample(.archive)
    let target = try SampleRepo(.bare)
    let staging = try target.open().stage()
    let name = try source.anObject(.file)
    let wrong = ObjectName(
      try #require(Checksum(hex: String(repeating: "ab", count: 32))), .file)
    let repo = try source.open()
    let result = Result { () throws(OSTreeError) in
      try copy(try repo.openFile(name.checksum), to: staging, as: wrong.checksum)
    }
    #expect(result.failure == .corrupt(wrong, found: name.checksum))
    #expect(try !staging.contains(wrong))
    let metadata = Result { () throws(OSTreeError) in
      try staging.storeMetadata(ObjectName(wrong.checksum, .dirMeta), [1, 2, 3])
    }
    #expect(
      metadata.failure
        == .corrupt(ObjectName(wrong.checksum, .dirMeta), found: SHA256.hash([1, 2, 3])))
    #expect(try target.files("coppice") == ["coppice/lock"])
  }

  @Test func `an archive packs as hard as its config says`() throws {
    var random = SeededGenerator(3)
    let content = (0..<200_000).map { _ in UInt8(random.next() % 7) }
    let header = FileHeader(uid: 0, gid: 0, mode: 0o100644, symlinkTarget: "", xattrs: [])
    let name = ObjectName(SHA256.hash(header.contentStreamHeader() + content), .file)
    func packedBytes(_ settings: String) throws -> UInt64 {
      let target = try SampleRepo(.archive)
      let config = try target.folder.readText("repo/config")
      try target.folder.write(config + settings, to: "repo/config")
      let staging = try target.open().stage()
      func store() throws(OSTreeError) {
        var sink = FileSink(name.checksum, in: staging, storesReceived: false)
        try sink.begin(header, sizeBytes: UInt64(content.count))
        try sink.write(content.span)
        try sink.finish()
      }
      try store()
      _ = try staging.publish(readBack: .all)
      return try FileDescriptor.status(of: target.object(name), following: false).sizeBytes
    }
    let (fast, small) = (
      try packedBytes("[archive]\nzlib-level=1\n"), try packedBytes("[archive]\nzlib-level=9\n")
    )
    #expect(small < fast)
    #expect(try packedBytes("") != fast)
  }

  @Test func `a sink that is let go of leaves nothing behind`() throws {
    let target = try SampleRepo(.bareUser)
    let staging = try target.open().stage()
    let checksum = try #require(Checksum(hex: String(repeating: "ab", count: 32)))
    func write() throws(OSTreeError) {
      var sink = FileSink(checksum, in: staging, storesReceived: false)
      let header = FileHeader(uid: 0, gid: 0, mode: 0o100644, symlinkTarget: "", xattrs: [])
      try sink.begin(header, sizeBytes: 3)
      try sink.write([1, 2].span)
    }
    try write()
    #expect(try target.files("coppice") == ["coppice/lock"])
  }

  @Test(arguments: [
    (UInt32(0), UInt32(0o100664), true), (0, 0o100666, false), (0, 0o104755, false),
    (1000, 0o100644, false), (0, 0o120777, true),
  ])
  func `a repo without owners takes what it can hold`(
    _ uid: UInt32, _ mode: UInt32, _ isTaken: Bool
  )
    throws
  {
    let target = try SampleRepo(.bareUserOnly)
    let staging = try target.open().stage()
    let isLink = mode & 0o170000 == 0o120000
    let header = FileHeader(
      uid: uid, gid: 0, mode: mode, symlinkTarget: isLink ? "x" : "", xattrs: [])
    let checksum = SHA256.hash(header.contentStreamHeader())
    let result = Result { () throws(OSTreeError) in
      var sink = FileSink(checksum, in: staging, storesReceived: false)
      try sink.begin(header, sizeBytes: 0)
      try sink.finish()
    }
    #expect(
      result.failure == (isTaken ? nil : .unrepresentable(ObjectName(checksum, .file), mode: mode)))
  }

  @Test func `one coppice adds objects at a time`() throws {
    let target = try SampleRepo(.archive)
    let repo = try target.open()
    func tryAgain() throws -> OSTreeError? {
      Result { () throws(OSTreeError) in _ = try repo.stage() }.failure
    }
    do {
      let staging = try repo.stage()
      #expect(try tryAgain() == .busy(path: "\(target.path)/coppice/lock"))
      try staging.discard()
    }
    #expect(try tryAgain() == nil)
  }

  @Test func `what an interrupted run left is used if it is sound`() throws {
    let source = try SampleRepo.sample(.archive)
    let commit = try source.checksum("main")
    let target = try SampleRepo(.bareUser)
    let repo = try target.open()
    let names = try source.objects(of: commit)
    do { try stage(commit, from: source, to: try repo.stage()) }
    let damaged = try source.anObject(.file)
    let path = "repo/coppice/staging/\(damaged.loosePath(archive: false))"
    var bytes = try target.folder.read(path)
    bytes[0] ^= 1
    try mustRun("cp", "-a", target.folder.file(path), target.folder.file("kept"))
    try mustRun(
      "python3", "-c", "import sys; open(sys.argv[1], 'r+b').write(bytes([int(sys.argv[2])]))",
      target.folder.file(path), "\(bytes[0])")
    // Twice interrupted: what both runs left is looked at.
    do { _ = try repo.stage() }
    let staging = try repo.stage()
    for name in names { #expect(try staging.contains(name) == (name != damaged), "\(name.path)") }
    try stage(commit, from: source, to: staging)
    _ = try staging.publish(readBack: .none)
    #expect(try repo.fsck().isSound)
    #expect(try target.files("coppice") == ["coppice/lock"])
    try target.ostree("fsck")
  }

  @Test func `what the medium does not give back is not published`() throws {
    let source = try SampleRepo.sample(.archive)
    let commit = try source.checksum("main")
    let target = try SampleRepo(.archive)
    let repo = try target.open()
    let staging = try repo.stage()
    try stage(commit, from: source, to: staging)
    let name = try source.anObject(.dirMeta)
    try target.folder.write(
      [1, 2, 3], to: "repo/coppice/staging/\(name.loosePath(archive: true))")
    let result = Result { () throws(OSTreeError) in try staging.publish(readBack: .all).objects }
    #expect(result.failure == .corrupt(name, found: SHA256.hash([1, 2, 3])))
    #expect(try target.files("objects") == [])
    #expect(try !staging.contains(name))
  }

  @Test func `an inode that is there stays, and detached metadata is replaced`() throws {
    let sample = try SampleRepo.sample(.bareUser)
    let commit = try sample.checksum("main")
    let name = try sample.anObject(.file)
    let before = try FileDescriptor.status(of: sample.object(name)).inode
    let repo = try sample.open()
    let staging = try repo.stage()
    try copy(try repo.openFile(name.checksum), to: staging)
    let detached = ObjectName(commit, .commitMeta)
    try sample.folder.write("old", to: "repo/objects/\(detached.loosePath(archive: false))")
    try staging.storeMetadata(detached, Array("new".utf8))
    _ = try staging.publish(readBack: .all)
    #expect(try FileDescriptor.status(of: sample.object(name)).inode == before)
    #expect(
      try sample.folder.readText("repo/objects/\(detached.loosePath(archive: false))") == "new")
    #expect(try sample.files("coppice") == ["coppice/lock"])
  }
}
