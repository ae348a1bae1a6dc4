// SPDX-License-Identifier: Apache-2.0
import Cryptography
import Foundation
import Linux
import Support
import Testing

@testable import OSTree

/// How a checkout is made by us and by `ostree`.
struct CheckoutCase: Sendable, CustomTestStringConvertible {
  let repo: RepoMode
  let mode: CheckoutMode
  let requiresHardLinks: Bool

  static let all = RepoMode.allCases.flatMap { repo in
    [CheckoutMode.native, .user].flatMap { mode in
      [false, true].map { CheckoutCase(repo: repo, mode: mode, requiresHardLinks: $0) }
    }
  }

  var options: CheckoutOptions {
    var options = CheckoutOptions()
    options.mode = mode
    options.requiresHardLinks = requiresHardLinks
    return options
  }

  var arguments: [String] {
    (mode == .user ? ["-U"] : []) + (requiresHardLinks ? ["-H"] : []) + ["--disable-cache"]
  }

  var testDescription: String { "\(repo.configValue) \(arguments.joined(separator: " "))" }
}

@Suite struct CheckoutTests {
  private static let isRoot = getuid() == 0

  @Test(arguments: CheckoutCase.all)
  func `a tree is what ostree makes of it`(_ example: CheckoutCase) throws {
    let sample = try SampleRepo.sample(example.repo)
    let theirs = try run(
      "ostree",
      arguments: ["--repo=\(sample.path)", "checkout"] + example.arguments
        + ["main", sample.folder.file("theirs")])
    let repo = try sample.open()
    let parent = try FileDescriptor.openDirectory(sample.folder.path)
    let commit = try repo.resolve("main")
    let result = Result { () throws(OSTreeError) in
      try repo.checkout(commit, at: parent, name: "ours", options: example.options)
    }
    guard theirs.status == 0 else {
      #expect(result == .failure(.notLinkable(path: sample.path, .notSupported)))
      #expect(!FileManager.default.fileExists(atPath: sample.folder.file("ours")))
      return
    }
    let report = try result.get()
    let (left, right) = (
      try SeenFile.tree(sample.folder.file("ours")), try SeenFile.tree(sample.folder.file("theirs"))
    )
    #expect(left.keys.sorted() == right.keys.sorted())
    var linked: UInt64 = 0
    for (path, expected) in right {
      let found = try #require(left[path])
      #expect(found.mode == expected.mode, "\(path)")
      #expect(found.owner == expected.owner, "\(path)")
      #expect(found.attributes == expected.attributes, "\(path)")
      #expect(found.content == expected.content, "\(path)")
      let type = FileType(mode: expected.mode)
      if type != .directory {
        // Who shares an inode with the repo shares it with the other tree.
        #expect((found.inode == expected.inode) == (expected.links > 1), "\(path)")
        linked += found.inode == expected.inode ? 1 : 0
      }
      // Copies have the time of the copying in ostree; ours are as reproducible as its links.
      if type != .symbolicLink { #expect(found.modifiedSeconds == 0, "\(path)") }
    }
    #expect(report.linked == linked)
    #expect(report.linked + report.copied + report.directories == UInt64(left.count))
  }

  @Test func `the numbers say what was linked and what was copied`() throws {
    let sample = try SampleRepo(.archive)
    try sample.folder.write("12345", to: "tree/x/five")
    try sample.folder.write("", to: "tree/nothing")
    try mustRun("ln", "-s", "x", sample.folder.file("tree/link"))
    let commit = try sample.commit("tree", as: "main")
    let parent = try FileDescriptor.openDirectory(sample.folder.path)
    let report = try sample.open().checkout(commit, at: parent, name: "out")
    #expect(report == CheckoutReport(linked: 0, copied: 3, directories: 2, copiedBytes: 5))
  }

  @Test(arguments: [false, true])
  func `many folders of many files are filled by all threads`(verifying: Bool) throws {
    let sample = try SampleRepo(.bareUser)
    try mustRun(
      "bash", "-ec",
      """
      mkdir -p $0; cd $0
      for d in $(seq 40); do
        mkdir -p $d/a/b; for f in $(seq $((d * 3))); do echo $d.$f > $d/a/$f; done
        : > $d/empty; ln -s a $d/link; echo $d > $d/a/b/own
      done
      """, sample.folder.file("tree"))
    let commit = try sample.commit("tree", as: "main")
    try sample.ostree(
      arguments: ["checkout", "-U", "--disable-cache", "main", sample.folder.file("theirs")])
    let repo = try sample.open()
    let parent = try FileDescriptor.openDirectory(sample.folder.path)
    var options = CheckoutOptions()
    options.mode = .user
    options.verifies = verifying
    let report = try repo.checkout(commit, at: parent, name: "ours", options: options)
    let files = UInt64((1...40).reduce(0) { $0 + $1 * 3 + 1 })
    #expect(report == CheckoutReport(linked: files, copied: 80, directories: 121))
    let ours = try SeenFile.tree(sample.folder.file("ours"))
    let theirs = try SeenFile.tree(sample.folder.file("theirs"))
    #expect(ours.keys.sorted() == theirs.keys.sorted())
    for (path, expected) in theirs {
      let found = try #require(ours[path])
      #expect(found.mode == expected.mode, "\(path)")
      #expect(found.content == expected.content, "\(path)")
      let isLink = FileType(mode: expected.mode) == .symbolicLink
      #expect(isLink || found.modifiedSeconds == 0, "\(path)")
    }
  }

  @Test func `a folder of the tree can be had alone`() throws {
    let sample = try SampleRepo.sample(.archive)
    let repo = try sample.open()
    let parent = try FileDescriptor.openDirectory(sample.folder.path)
    let commit = try repo.resolve("main")
    _ = try repo.checkout(commit, subpath: "/d/sub/", at: parent, name: "sub")
    #expect(try SeenFile.tree(sample.folder.file("sub"))[""]?.mode == 0o42775)
    let missing = Result { () throws(OSTreeError) in
      try repo.checkout(commit, subpath: "d/a", at: parent, name: "a")
    }
    #expect(missing == .failure(.noSuchPath("d/a")))
  }

  @Test(arguments: [CheckoutMode.native, .user])
  func `whiteouts become devices`(_ mode: CheckoutMode) throws {
    try #require(CheckoutTests.isRoot)
    let sample = try SampleRepo(.archive)
    let file = try sample.folder.write("", to: "tree/d/.ostree-wh.gone")
    try mustRun(
      "bash", "-ec", "chown 1000:100 $0; chmod 640 $0; setfattr -n trusted.x -v y $0", file)
    let commit = try sample.commit("tree", as: "main")
    var options = CheckoutOptions()
    options.mode = mode
    options.passesWhiteouts = true
    let parent = try FileDescriptor.openDirectory(sample.folder.path)
    _ = try sample.open().checkout(commit, at: parent, name: "ours", options: options)
    let flags = mode == .user ? ["-U"] : []
    try sample.ostree(
      arguments: ["checkout", "--process-passthrough-whiteouts"] + flags
        + ["main", sample.folder.file("theirs")])
    let ours = try SeenFile.tree(sample.folder.file("ours"))
    let theirs = try SeenFile.tree(sample.folder.file("theirs"))
    #expect(Set(ours.keys) == ["", "/d", "/d/gone"])
    let (left, right) = (try #require(ours["/d/gone"]), try #require(theirs["/d/gone"]))
    #expect(FileType(mode: left.mode) == .characterDevice)
    #expect(left.mode == right.mode)
    #expect(left.owner == right.owner)
    #expect(left.attributes == right.attributes)
  }

  @Test(arguments: [".ostree-wh.", ".ostree-wh..", ".ostree-wh..."])
  func `a whiteout of no name is refused`(_ name: String) throws {
    let sample = try SampleRepo(.archive)
    try sample.folder.write("", to: "tree/\(name)")
    let commit = try sample.commit("tree", as: "main")
    var options = CheckoutOptions()
    options.passesWhiteouts = true
    let repo = try sample.open()
    let parent = try FileDescriptor.openDirectory(sample.folder.path)
    let result = Result { () throws(OSTreeError) in
      try repo.checkout(commit, at: parent, name: "out", options: options)
    }
    let tree = try repo.loadDirTree(try repo.loadCommit(commit).rootTree)
    let file = ObjectName(tree.fileChecksum(at: 0), .file)
    #expect(result == .failure(.malformed(file, .name(name, at: 0))))
  }

  @Test func `what is there is not touched`() throws {
    let sample = try SampleRepo.sample(.archive)
    let kept = try sample.folder.write("kept", to: "out/file")
    let repo = try sample.open()
    let parent = try FileDescriptor.openDirectory(sample.folder.path)
    let result = Result { () throws(OSTreeError) in
      try repo.checkout(try repo.resolve("main"), at: parent, name: "out")
    }
    #expect(result == .failure(.exists(path: "out")))
    #expect(FileManager.default.fileExists(atPath: kept))
  }

  @Test(arguments: [ObjectType.commit, .dirTree, .dirMeta, .file])
  func `a missing object is named, and nothing is left behind`(_ type: ObjectType) throws {
    let sample = try SampleRepo.sample(.archive)
    let name = try sample.anObject(type)
    let commit = try sample.checksum("main")
    try sample.remove(name)
    let repo = try sample.open()
    let parent = try FileDescriptor.openDirectory(sample.folder.path)
    let result = Result { () throws(OSTreeError) in
      try repo.checkout(commit, at: parent, name: "out")
    }
    #expect(result == .failure(.missing(name)))
    #expect(!FileManager.default.fileExists(atPath: sample.folder.file("out")))
  }

  @Test(arguments: RepoMode.allCases, [ObjectType.commit, .dirTree, .dirMeta, .file])
  func `a damaged object is found`(_ mode: RepoMode, _ type: ObjectType) throws {
    let sample = try SampleRepo.sample(mode)
    let name = try sample.anObject(type)
    let commit = try sample.checksum("main")
    try sample.damage(name)
    let repo = try sample.open()
    let parent = try FileDescriptor.openDirectory(sample.folder.path)
    var options = CheckoutOptions()
    options.verifies = true
    let result = Result { () throws(OSTreeError) in
      try repo.checkout(commit, at: parent, name: "out", options: options)
    }
    switch result {
    case .failure(.corrupt(name, _)): break
    case .failure(.malformed(name, .deflate)), .failure(.malformed(name, .size)):
      #expect(mode == .archive && type == .file)
    default: Issue.record("\(result)")
    }
    #expect(!FileManager.default.fileExists(atPath: sample.folder.file("out")))
  }

  @Test func `a link count that is used up leads to copies`() throws {
    // ext4 allows 65,000 links; a file system of its own with less is not to be had, so the other
    // reason to copy stands for it: another file system.
    let sample = try SampleRepo.sample(.bareUserOnly)
    let elsewhere = "/dev/shm/coppice-\(UUID().uuidString.prefix(8))"
    try FileManager.default.createDirectory(atPath: elsewhere, withIntermediateDirectories: true)
    defer { _ = try? run("rm", "-rf", elsewhere) }
    let repo = try sample.open()
    let parent = try FileDescriptor.openDirectory(elsewhere)
    let commit = try repo.resolve("main")
    let report = try repo.checkout(commit, at: parent, name: "out")
    #expect(report.linked == 0)
    #expect(try SeenFile.tree("\(elsewhere)/out")["/a"]?.content == Array("hello\n".utf8))

    var options = CheckoutOptions()
    options.requiresHardLinks = true
    let result = Result { () throws(OSTreeError) in
      try repo.checkout(commit, at: parent, name: "linked", options: options)
    }
    guard case .failure(.notLinkable(let path, .crossDevice)) = result else {
      Issue.record("\(result)")
      return
    }
    #expect(path.hasPrefix("linked/"))
    #expect(!FileManager.default.fileExists(atPath: "\(elsewhere)/linked"))
  }
}
