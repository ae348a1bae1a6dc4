// SPDX-License-Identifier: Apache-2.0
import Cryptography
import Foundation
import Linux
import Support
import Testing

@testable import OSTree

/// How a repo is pruned by us and by `ostree`.
struct PruneCase: Sendable, CustomTestStringConvertible {
  let depth: UInt64?
  let refsOnly: Bool

  static let all = [nil, 0, 1, 2, 7].flatMap { depth in
    [false, true].map { PruneCase(depth: depth, refsOnly: $0) }
  }

  var options: PruneOptions {
    var options = PruneOptions()
    options.depth = depth
    options.refsOnly = refsOnly
    return options
  }

  var arguments: [String] {
    ["prune", "--depth=\(depth.map { "\($0)" } ?? "-1")"] + (refsOnly ? ["--refs-only"] : [])
  }

  var testDescription: String { arguments.joined(separator: " ") }
}

@Suite struct PruneTests {
  /// Four generations on `main`, a branch, a commit without a ref, and one under a remote.
  private func history(_ mode: RepoMode = .archive) throws -> SampleRepo {
    let sample = try SampleRepo.sample(mode)
    for tree in ["tree/d", "tree/private", "tree/empty"] { try sample.commit(tree, as: "main") }
    try sample.folder.write("lost", to: "lost/file")
    try sample.commit("lost", as: "lost")
    try sample.ostree("refs", "--delete", "lost")
    try sample.folder.write("there", to: "there/file")
    let there = try sample.commit("there", as: "there")
    try sample.ostree("refs", "--delete", "there")
    try sample.folder.write(there.hex + "\n", to: "repo/refs/remotes/origin/there")
    return sample
  }

  @Test(arguments: PruneCase.all)
  func `what stays is what stays with ostree`(_ example: PruneCase) throws {
    let sample = try history()
    let theirs = try sample.copy()
    let before = try sample.files("objects")
    let said = try theirs.ostree(arguments: example.arguments)
    var options = example.options
    options.isDryRun = true
    let planned = try sample.open().prune(options)
    #expect(try sample.files("objects") == before)
    let report = try sample.open().prune(example.options)
    #expect(report == planned)
    #expect(try sample.files("objects") == theirs.files("objects"))
    #expect(said.contains("Total objects: \(report.objects)\n"))
    let removed = before.count - (try sample.files("objects").count)
    #expect(report.removedObjects == UInt64(removed))
    #expect(
      said.contains(
        removed == 0 ? "No unreachable objects" : "Deleted \(report.removedObjects) objects"))
    #expect((report.freedBytes > 0) == (removed > 0))
    try sample.ostree("fsck")
    // Nothing is left to do.
    #expect(try sample.open().prune(example.options).removedObjects == 0)
  }

  @Test func `a removed commit takes its metadata and its mark along`() throws {
    let sample = try history()
    let repo = try sample.open()
    let parent = try repo.resolve("main^")
    let name = ObjectName(parent, .commitMeta)
    try sample.folder.write([], to: "repo/objects/\(name.loosePath(archive: true))")
    try repo.markPartial(parent)
    var options = PruneOptions()
    options.depth = 0
    options.refsOnly = true
    let report = try repo.prune(options)
    #expect(report.removedCommits == 4)
    #expect(!FileManager.default.fileExists(atPath: sample.object(name)))
    #expect(try sample.files("state") == [])
  }

  @Test func `tombstones are those of ostree`() throws {
    let sample = try history()
    try sample.ostree("config", "set", "core.tombstone-commits", "true")
    let theirs = try sample.copy()
    var options = PruneOptions()
    options.depth = 0
    options.refsOnly = true
    _ = try sample.open().prune(options)
    try theirs.ostree("prune", "--depth=0", "--refs-only")
    let files = try sample.files("objects")
    #expect(files == (try theirs.files("objects")))
    let tombstones = files.filter { $0.hasSuffix(".tombstone-commit") }
    #expect(tombstones.count == 4)
    for file in tombstones {
      #expect(try sample.folder.read("repo/\(file)") == theirs.folder.read("repo/\(file)"))
    }
    // They are not taken for objects later.
    #expect(try sample.open().prune(options).removedObjects == 0)
    #expect(try sample.files("objects") == files)
  }

  @Test func `refs of mirrors count`() throws {
    let sample = try history()
    let commit = try sample.commit("tree/sticky", as: "mirrored")
    try sample.ostree("refs", "--delete", "mirrored")
    try sample.folder.write(commit.hex + "\n", to: "repo/refs/mirrors/org.example.Os/a/b")
    var options = PruneOptions()
    options.refsOnly = true
    let repo = try sample.open()
    _ = try repo.prune(options)
    #expect(try repo.contains(ObjectName(commit, .commit)))
  }

  @Test func `a partial commit keeps what is there of it`() throws {
    let sample = try history()
    let repo = try sample.open()
    let first = try repo.resolve("main^^^")
    try sample.ostree("refs", "--create=first", first.hex)
    let objects = try sample.objects(of: first)
    let root = try repo.loadDirTree(try repo.loadCommit(first).rootTree)
    let gone = ObjectName(try #require(root.findDirectory("sticky")).tree, .dirTree)
    let file = ObjectName(try #require(root.findFile("big")), .file)
    // `sticky` and `empty` are one empty dirtree, which other commits have too.
    try sample.remove(gone)
    var options = PruneOptions()
    options.depth = 0
    options.refsOnly = true
    let before = try sample.files("objects")
    let refused = Result { () throws(OSTreeError) in try repo.prune(options) }
    #expect(refused == .failure(.missing(gone)))
    #expect(try sample.files("objects") == before)

    for commit in try repo.commits() { try repo.markPartial(commit) }
    _ = try repo.prune(options)
    for name in objects where name != gone { #expect(try repo.contains(name)) }
    #expect(try repo.contains(file))
  }

  @Test func `deltas go with the commit they lead to`() throws {
    let sample = try history()
    try sample.ostree("static-delta", "generate", "--from=main^", "--to=main")
    try sample.ostree("static-delta", "generate", "--from=main^^", "--to=main^")
    try sample.ostree("static-delta", "generate", "--empty", "--to=main")
    #expect(try sample.ostree("static-delta", "list").split(separator: "\n").count == 3)
    let main = try sample.checksum("main")
    try sample.ostree("summary", "-u")
    var options = PruneOptions()
    options.depth = 0
    options.refsOnly = true
    let report = try sample.open().prune(options)
    #expect(report.removedDeltas == 1)
    let left = try sample.ostree("static-delta", "list").split(separator: "\n")
    #expect(left.count == 2)
    #expect(left.allSatisfy { $0.hasSuffix(main.hex) })
    #expect(try sample.files("delta-indexes").count == 1)
  }

  @Test func `summaries of remotes that are gone are gone`() throws {
    let sample = try history()
    try sample.ostree("remote", "add", "--no-gpg-verify", "here", "http://localhost/")
    for name in ["here", "here.sig", "gone", "gone.sig"] {
      try sample.folder.write("x", to: "repo/tmp/cache/summaries/\(name)")
    }
    _ = try sample.open().prune()
    let left = try sample.files("tmp/cache/summaries")
    #expect(left == ["tmp/cache/summaries/here", "tmp/cache/summaries/here.sig"])
  }

  @Test func `an inode that a deployment shares frees nothing`() throws {
    let sample = try SampleRepo(.bareUserOnly)
    try sample.folder.write(String(repeating: "x", count: 100_000), to: "tree/file")
    let commit = try sample.commit("tree", as: "main")
    let repo = try sample.open()
    let parent = try FileDescriptor.openDirectory(sample.folder.path)
    _ = try repo.checkout(commit, at: parent, name: "deployed")
    try sample.ostree("refs", "--delete", "main")
    var options = PruneOptions()
    options.refsOnly = true
    let report = try repo.prune(options)
    #expect(report.removedObjects == 4)
    #expect(report.freedBytes < 1000)
  }

  @Test(arguments: [
    ("", nil), ("x", nil), (String(repeating: "A", count: 43), "00"),
    (
      "eovNegD9sVjtbHnw1HjHZh3Cmb1QWOAlPNQIupRGey0-u9cjWN__3grWcG+Kmr72561mb2ZdhbpaA9f1Rw2c5dc",
      "bb"
    ),
  ])
  func `names of deltas say where they lead`(_ name: String, _ start: String?) {
    let found = PruneSweep.target(ofDelta: name)?.hex
    #expect(found.map { String($0.prefix(2)) } == start)
  }
}
