// SPDX-License-Identifier: Apache-2.0
import Cryptography
import Linux
import Support
import Testing

@testable import OSTree

/// Trees in memory, the deepest folder first.
private struct Trees {
  private(set) var trees: [Checksum: DirTree] = [:]
  private(set) var top: Checksum

  init() throws {
    let empty = try DirTree(files: [], directories: [])
    top = SHA256.hash(empty.bytes)
    trees[top] = empty
  }

  /// A new top folder that names the one before `times` times.
  mutating func wrap(times: Int = 1) throws {
    let child = top
    let directories = (0..<times).map {
      DirTree.Directory(name: "d\($0)", tree: child, meta: child)
    }
    let tree = try DirTree(files: [], directories: directories)
    top = SHA256.hash(tree.bytes)
    trees[top] = tree
  }
}

@Suite struct TreeSurveyTests {
  /// How often a dirtree was loaded, or why the tree was refused.
  private func survey(_ trees: Trees) -> Result<Int, OSTreeError> {
    var loads = 0
    var survey = TreeSurvey()
    return Result { () throws(OSTreeError) in
      try survey.run(trees.top) { (checksum) throws(OSTreeError) in
        loads += 1
        guard let tree = trees.trees[checksum] else {
          throw .missing(ObjectName(checksum, .dirTree))
        }
        return tree
      }
      return loads
    }
  }

  @Test(arguments: [1, 2, 255, 256, 257, 300])
  func `a tree is as deep as ostree would have it, and no deeper`(_ levels: Int) throws {
    var trees = try Trees()
    for _ in 1..<levels { try trees.wrap() }
    if levels <= 256 {
      #expect(survey(trees) == .success(levels))
    } else {
      #expect(survey(trees) == .failure(.treeTooDeep(ObjectName(trees.top, .dirTree), limit: 256)))
    }
  }

  @Test func `a deep tree that was reached by a short way before is still too deep`() throws {
    // The root names the 200 levels first, so that they are known; then the same below 100 more.
    var trees = try Trees()
    for _ in 1..<200 { try trees.wrap() }
    let known = trees.top
    for _ in 0..<100 { try trees.wrap() }
    let root = try DirTree(
      files: [],
      directories: [
        DirTree.Directory(name: "a", tree: known, meta: known),
        DirTree.Directory(name: "b", tree: trees.top, meta: known),
      ])
    let top = SHA256.hash(root.bytes)
    var survey = TreeSurvey()
    let result = Result { () throws(OSTreeError) in
      try survey.run(top) { (checksum) throws(OSTreeError) in
        checksum == top ? root : trees.trees[checksum]!
      }
    }
    #expect(result.failure == .treeTooDeep(ObjectName(top, .dirTree), limit: 256))
  }

  @Test func `a tree whose every level names the same child many times is refused at once`() throws
  {
    var trees = try Trees()
    for _ in 0..<64 { try trees.wrap(times: 1000) }
    #expect(
      survey(trees) == .failure(.treeTooLarge(ObjectName(trees.top, .dirTree), limit: 16 << 20)))
  }

  @Test func `repetitions are counted and read once`() throws {
    var trees = try Trees()
    for _ in 0..<23 { try trees.wrap(times: 2) }
    // 2 + 4 + … + 2^23 entries.
    #expect(survey(trees) == .success(24))
    try trees.wrap(times: 2)
    #expect(
      survey(trees) == .failure(.treeTooLarge(ObjectName(trees.top, .dirTree), limit: 16 << 20)))
  }
}

@Suite struct HostileCheckoutTests {
  @Test func `nothing is made of a tree without end`() throws {
    let sample = try SampleRepo(.archive)
    try sample.folder.makeDirectory("tree/empty")
    let meta = try sample.open().loadCommit(try sample.commit("tree", as: "main")).rootMeta
    var trees = try Trees()
    for _ in 0..<64 { try trees.wrap(times: 100) }
    for (checksum, tree) in trees.trees { try sample.store(checksum, .dirTree, tree.bytes) }
    let commit = try Commit(
      metadata: [], parent: nil, subject: "", body: "", timestamp: 0, rootTree: trees.top,
      rootMeta: meta)
    try sample.store(commit.checksum, .commit, commit.bytes)
    let repo = try sample.open()
    let parent = try FileDescriptor.openDirectory(sample.folder.path)
    let result = Result { () throws(OSTreeError) in
      try repo.checkout(commit.checksum, at: parent, name: "out")
    }
    #expect(
      result.failure == .treeTooLarge(ObjectName(trees.top, .dirTree), limit: 16 << 20))
    #expect(try mustRun("ls", sample.folder.path) == "repo\ntree")
    // Walking it for other reasons ends as well.
    #expect(try repo.fsck().commits == 2)
    #expect(try repo.prune().removedObjects == 0)
  }

  @Test func `a tree that is too deep is reported by fsck`() throws {
    let sample = try SampleRepo(.archive)
    try sample.folder.makeDirectory("tree/empty")
    let meta = try sample.open().loadCommit(try sample.commit("tree", as: "main")).rootMeta
    var trees = try Trees()
    for _ in 0..<300 { try trees.wrap() }
    for (checksum, tree) in trees.trees { try sample.store(checksum, .dirTree, tree.bytes) }
    let commit = try Commit(
      metadata: [], parent: nil, subject: "", body: "", timestamp: 0, rootTree: trees.top,
      rootMeta: meta)
    try sample.store(commit.checksum, .commit, commit.bytes)
    let report = try sample.open().fsck()
    #expect(report.unsoundCommits == [commit.checksum])
    #expect(
      report.problems.contains {
        if case .endless(_, commit.checksum) = $0 { return true }
        return false
      })
  }
}

extension SampleRepo {
  func store(_ checksum: Checksum, _ type: ObjectType, _ bytes: [UInt8]) throws {
    let name = ObjectName(checksum, type)
    try folder.write(bytes, to: "repo/objects/\(name.loosePath(archive: mode == .archive))")
  }
}
