// SPDX-License-Identifier: Apache-2.0
import Cryptography
import Foundation
import Linux
import Support
import Testing

@testable import OSTree

@Suite struct RepoTests {
  @Test(arguments: RepoMode.allCases)
  func `a new repo is what ostree makes`(_ mode: RepoMode) throws {
    let folder = try TemporaryDirectory()
    let theirs = try SampleRepo(mode)
    _ = try Repo.create(
      folder.file("repo"), mode: mode, settings: [(key: "fsync", value: "false")])
    #expect(try folder.readText("repo/config") == theirs.folder.readText("repo/config"))
    for path in try mustRun("find", ".", "-type", "d", in: theirs.path).split(separator: "\n") {
      #expect(FileManager.default.fileExists(atPath: "\(folder.file("repo"))/\(path)"), "\(path)")
    }
    try folder.write("x", to: "tree/file")
    let canonical = mode == .bareUserOnly ? ["--canonical-permissions"] : []
    try PeerRepo(existing: folder.file("repo")).ostree(
      ["commit", "-b", "main", "-s", "x", "--tree=dir=\(folder.file("tree"))"] + canonical)
    #expect(try Repo.open(folder.file("repo")).fsck().isSound)
  }

  @Test func `a repo is not made over another`() throws {
    let sample = try SampleRepo(.archive)
    let before = try sample.folder.readText("repo/config")
    let path = sample.path
    let result = Result { () throws(OSTreeError) in try Repo.create(path, mode: .bare).path }
    #expect(result.failure == .file(path: path, .exists))
    #expect(try sample.folder.readText("repo/config") == before)
  }

  @Test func `what is no repo is refused`() throws {
    let folder = try TemporaryDirectory()
    func failure(_ name: String) -> OSTreeError? {
      let path = folder.file(name)
      return Result { () throws(OSTreeError) in try Repo.open(path).path }.failure
    }
    #expect(failure("missing") == .notARepo(path: folder.file("missing")))
    try folder.makeDirectory("empty")
    #expect(failure("empty") == .notARepo(path: folder.file("empty")))
    try folder.write("[core]\nrepo_version=1\nmode=bare\n", to: "half/config")
    #expect(failure("half") == .notARepo(path: folder.file("half")))
    try folder.makeDirectory("new/objects")
    try folder.write("[core]\nrepo_version=2\nmode=bare\n", to: "new/config")
    #expect(
      failure("new")
        == .unsupportedRepo(
          path: folder.file("new/config"), key: "repo_version", found: "2"))
    try folder.write("[core]\nrepo_version=1\nmode=bare-split-xattrs\n", to: "new/config")
    #expect(
      failure("new")
        == .unsupportedRepo(
          path: folder.file("new/config"), key: "mode", found: "bare-split-xattrs"))
  }

  @Test(arguments: RepoMode.allCases)
  func `what ostree stores is loaded, in every mode`(_ mode: RepoMode) throws {
    let sample = try SampleRepo.sample(mode)
    let repo = try sample.open()
    let main = try sample.checksum("main")
    let commit = try repo.loadCommit(main, verifying: true)
    #expect(commit.subject == "test")
    #expect(try repo.loadDetachedMetadata(main) == nil)
    var hash = FileHash()
    for name in try sample.objects(of: main) {
      #expect(try repo.contains(name))
      try repo.verify(name, &hash)
      try repo.verify(name, &hash, dropping: true)
    }
    let root = try repo.loadDirTree(commit.rootTree, verifying: true)
    let file = try repo.openFile(try #require(root.findFile("a")))
    var content: [UInt8] = []
    try file.forEachPiece { (piece) throws(OSTreeError) in
      for index in piece.indices { content.append(piece[index]) }
    }
    #expect(content == Array("hello\n".utf8))
    #expect(file.sizeBytes == 6)
    let hasAttributes = mode != .bareUserOnly
    #expect(
      file.header.xattrs.contains { $0.name == Array("user.note".utf8) } == hasAttributes)
    let link = try repo.openFile(try #require(root.findFile("link")))
    #expect(link.header.isSymlink)
    #expect(link.header.symlinkTarget == "a")
    #expect(link.sizeBytes == 0)
    let suid = try repo.openFile(try #require(root.findFile("suid")))
    #expect(suid.header.mode == (mode == .bareUserOnly ? 0o100755 : 0o104755))
  }

  @Test func `what is not there is missing`() throws {
    let sample = try SampleRepo(.archive)
    let repo = try sample.open()
    let checksum = try #require(Checksum(hex: String(repeating: "ab", count: 32)))
    let commit = Result { () throws(OSTreeError) in try repo.loadCommit(checksum).subject }
    #expect(commit.failure == .missing(ObjectName(checksum, .commit)))
    let file = Result { () throws(OSTreeError) in try repo.openFile(checksum).sizeBytes }
    #expect(file.failure == .missing(ObjectName(checksum, .file)))
    #expect(try !repo.contains(ObjectName(checksum, .dirMeta)))
  }

  @Test func `bytes with another checksum are seen when that is asked for`() throws {
    let sample = try SampleRepo.sample(.archive)
    let name = try sample.anObject(.dirMeta)
    try sample.damage(name)
    let repo = try sample.open()
    let bytes = try repo.loadBytes(name)
    let result = Result { () throws(OSTreeError) in try repo.loadBytes(name, verifying: true) }
    #expect(result.failure == .corrupt(name, found: SHA256.hash(bytes)))
  }

  @Test(arguments: ["", "00", "0000001a0000000", "00000001000000", "0000001a01000000"])
  func `the front of an archive file that is none is refused`(_ hex: String) throws {
    let sample = try SampleRepo(.archive)
    let checksum = try #require(Checksum(hex: String(repeating: "ab", count: 32)))
    let name = ObjectName(checksum, .file)
    let bytes = stride(from: 0, to: hex.utf8.count - 1, by: 2).map { start in
      UInt8(hex.dropFirst(start).prefix(2), radix: 16)!
    }
    try sample.folder.write(bytes, to: "repo/objects/\(name.loosePath(archive: true))")
    let repo = try sample.open()
    let result = Result { () throws(OSTreeError) in try repo.openFile(checksum).sizeBytes }
    #expect(result.failure == .malformed(name, .header))
  }

  @Test(arguments: [("short", FormatError.size), ("long", .size), ("cut", .deflate)])
  func `an archive file that inflates to another size is refused`(
    _ fault: String, _ expected: FormatError
  ) throws {
    let sample = try SampleRepo.sample(.archive)
    let name = try sample.anObject(.file)
    let path = "repo/objects/\(name.loosePath(archive: true))"
    var bytes = try sample.folder.read(path)
    // The size is eight bytes, big-endian, behind the length of the header.
    switch fault {
    case "short": bytes[15] += 1
    case "long": bytes[13] -= 1
    default: bytes.removeLast(100)
    }
    try sample.folder.write(bytes, to: path)
    let repo = try sample.open()
    let result = Result { () throws(OSTreeError) in
      try repo.openFile(name.checksum).forEachPiece { (_) throws(OSTreeError) in }
    }
    #expect(result.failure == .malformed(name, expected))
  }

  @Test func `what is not here is looked for in the parent repo`() throws {
    let parent = try SampleRepo.sample(.archive)
    let sample = try SampleRepo(.archive)
    try sample.ostree("config", "set", "core.parent", parent.path)
    let repo = try sample.open()
    let main = try repo.resolve("main")
    #expect(main == (try parent.checksum("main")))
    var hash = FileHash()
    for name in try parent.objects(of: main) {
      #expect(try repo.contains(name))
      try repo.verify(name, &hash)
    }
    let folder = try FileDescriptor.openDirectory(sample.folder.path)
    _ = try repo.checkout(main, at: folder, name: "out")
    #expect(try sample.folder.readText("out/a") == "hello\n")
    // What is in the parent is not ours to prune.
    var options = PruneOptions()
    options.refsOnly = true
    #expect(try repo.prune(options).objects == 0)
    #expect(try parent.open().fsck().isSound)
  }

  @Test func `a repo that is its own parent is refused`() throws {
    let sample = try SampleRepo(.archive)
    try sample.ostree("config", "set", "core.parent", sample.path)
    let path = sample.path
    let result = Result { () throws(OSTreeError) in try Repo.open(path).path }
    #expect(result.failure == .notARepo(path: path))
  }

  @Test func `marks of partial commits are those of ostree`() throws {
    let sample = try SampleRepo(.archive)
    let repo = try sample.open()
    let commit = try #require(Checksum(hex: String(repeating: "ab", count: 32)))
    let mark = "repo/state/\(commit.hex).commitpartial"
    #expect(try !repo.isPartial(commit))
    try repo.markPartial(commit)
    #expect(try repo.isPartial(commit))
    #expect(try !repo.isMarkedDamaged(commit))
    #expect(try sample.folder.read(mark) == [])
    try repo.markPartial(commit, damaged: true)
    #expect(try repo.isMarkedDamaged(commit))
    #expect(try sample.folder.readText(mark) == "f")
    // A pull that begins does not weaken the mark.
    try repo.markPartial(commit)
    #expect(try sample.folder.readText(mark) == "f")
    try repo.clearPartial(commit)
    try repo.clearPartial(commit)
    #expect(try !repo.isPartial(commit))
    #expect(try sample.files("state") == [])
  }
}
