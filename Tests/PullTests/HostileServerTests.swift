// SPDX-License-Identifier: Apache-2.0
import Codec
import Cryptography
import Foundation
import OSTree
import Support
import Testing

@testable import Pull

/// What a server can do to its objects, and what must come of it.
enum Damage: String, CaseIterable, Sendable {
  case truncated, flipped, oversized, missing

  func apply(to path: String) throws {
    var bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    switch self {
    case .truncated: bytes.removeLast(bytes.count / 2 + 1)
    case .flipped: bytes[bytes.count / 2] ^= 0x10
    case .oversized: bytes += [UInt8](repeating: 0, count: 4096)
    case .missing: return try FileManager.default.removeItem(atPath: path)
    }
    try Data(bytes).write(to: URL(fileURLWithPath: path))
  }
}

@Suite struct HostileServerTests {
  static let types: [ObjectType] = [.commit, .dirTree, .dirMeta, .file]

  @Test(arguments: types, Damage.allCases)
  func `a damaged object is refused by name and URL, and the repo is as sound as before`(
    type: ObjectType, damage: Damage
  ) throws {
    let fixture = try PullFixture("hostile")
    let old = try fixture.publish("1")
    let repo = try fixture.repo(.bareUser)
    _ = try fixture.pull(into: repo).get()
    let new = try fixture.publish("2", timestamp: 1_700_000_100)
    let name = try fixture.victim(type, of: new)
    try damage.apply(to: fixture.object(name))

    // dirmetas do not change between the versions, so those are pulled into an empty repo.
    let target = type == .dirMeta ? try fixture.repo(.bareUser, "empty") : repo
    let error = try #require(try fixture.pull(into: target).failure)
    let url = "\(fixture.web.url)/objects/\(name.loosePath(archive: true))"
    switch (error, damage) {
    case (.missing(let found, let at), .missing): #expect(found == name && at == url)
    case (.corrupt(let found, let at, _), .truncated), (.corrupt(let found, let at, _), .flipped),
      (.corrupt(let found, let at, _), .oversized):
      #expect(found == name && at == url)
    case (.malformed(let found, let at, _), .truncated),
      (.malformed(let found, let at, _), .flipped),
      (.malformed(let found, let at, _), .oversized):
      #expect(type == .file && found == name && at == url)
    default: Issue.record("\(damage) \(type) gave \(error)")
    }

    let ref = Refspec(remote: "origin", ref: "os/main")
    #expect(try repo.readRef(ref) == old)
    try PeerRepo(existing: repo.path).fsck()
  }

  static let badNames: [(String, [UInt8])] = [
    ("dots", Array("..".utf8)), ("dot", Array(".".utf8)), ("slash", Array("a/b".utf8)),
    ("empty", []), ("NUL", [0x61, 0, 0x62]), ("not UTF-8", [0x61, 0xFF]),
  ]

  @Test(arguments: badNames)
  func `a tree that holds a forbidden name is refused`(what: String, name: [UInt8]) throws {
    let fixture = try PullFixture("hostile")
    let builder = try TreeBuilder(fixture)
    let file = builder.file
    let tree = try builder.tree(files: [(name, file)], directories: [])
    try builder.commit(tree)
    let repo = try fixture.repo()
    let error = try #require(try fixture.pull(into: repo).failure)
    guard case .malformed(let found, _, _) = error else {
      Issue.record("\(what) gave \(error)")
      return
    }
    #expect(found == ObjectName(tree, .dirTree))
    try PeerRepo(existing: repo.path).fsck()
  }

  @Test func `names out of order, twice, or both a file and a folder are refused`() throws {
    let fixture = try PullFixture("hostile")
    let builder = try TreeBuilder(fixture)
    let empty = try builder.tree(files: [], directories: [])
    let (a, b) = (Array("a".utf8), Array("b".utf8))
    let trees = [
      try builder.tree(files: [(b, builder.file), (a, builder.file)], directories: []),
      try builder.tree(files: [(a, builder.file), (a, builder.file)], directories: []),
      try builder.tree(files: [(a, builder.file)], directories: [(a, empty)]),
    ]
    let repo = try fixture.repo()
    for tree in trees {
      try builder.commit(tree)
      let error = try #require(try fixture.pull(into: repo).failure)
      guard case .malformed(let found, _, let fault) = error else {
        Issue.record("\(error)")
        continue
      }
      #expect(found == ObjectName(tree, .dirTree))
      #expect(
        fault == .unsorted("a", at: 1) || fault == .duplicate("a", at: 1)
          || fault == .duplicate("a", at: 0))
    }
  }

  @Test func `a checksum that is both a dirtree and a dirmeta is asked for as both`() throws {
    let fixture = try PullFixture("hostile")
    let builder = try TreeBuilder(fixture)
    let child = try builder.tree(files: [], directories: [])
    let tree = try builder.tree(
      files: [], directories: [(Array("a".utf8), child)], meta: child)
    try builder.commit(tree)
    let error = try #require(try fixture.pull(into: try fixture.repo()).failure)
    let name = ObjectName(child, .dirMeta)
    let url = "\(fixture.web.url)/objects/\(name.loosePath(archive: true))"
    #expect(error == .missing(name, url: url))
  }

  @Test func `a summary that promises a huge commit does not raise the limit`() throws {
    let fixture = try PullFixture("hostile")
    let commit = try fixture.publish()
    let promised = GVariantValue.tuple([
      .array(
        elementType: "(s(taya{sv}))",
        [
          .tuple([
            .string("os/main"),
            .tuple([.uint64(1 << 40), .bytes(commit.bytes), .dictionary([])]),
          ])
        ]), .dictionary([]),
    ])
    try Data(promised.serialized()).write(
      to: URL(fileURLWithPath: fixture.server.path + "/summary"))
    let name = ObjectName(commit, .commit)
    try mustRun("truncate", "-s", "9M", fixture.object(name))
    let error = try #require(try fixture.pull(into: try fixture.repo()).failure)
    let url = "\(fixture.web.url)/objects/\(name.loosePath(archive: true))"
    #expect(error == .tooLarge(name, url: url, limitBytes: PullLimits.commitBytesMax))
  }

  @Test func `a tree of more levels than any honest one is refused`() throws {
    let fixture = try PullFixture("hostile")
    let builder = try TreeBuilder(fixture)
    var tree = try builder.tree(files: [], directories: [])
    for _ in 0..<TreeLimits.depthMax + 10 {
      tree = try builder.tree(files: [], directories: [(Array("d".utf8), tree)])
    }
    let commit = try builder.commit(tree)
    let error = try #require(try fixture.pull(into: try fixture.repo()).failure)
    #expect(error == .treeTooDeep(commit, limit: TreeLimits.depthMax))
  }

  @Test func `a tree whose levels name the same child many times neither hangs nor grows`() throws {
    let fixture = try PullFixture("hostile")
    let builder = try TreeBuilder(fixture)
    var tree = try builder.tree(files: [(Array("f".utf8), builder.file)], directories: [])
    for _ in 0..<64 {
      let child = tree
      let names = (0..<16).map { (Array("d\(Character(UnicodeScalar(97 + $0)!))".utf8), child) }
      tree = try builder.tree(files: [], directories: names)
    }
    let commit = try builder.commit(tree)
    let error = try #require(try fixture.pull(into: try fixture.repo()).failure)
    #expect(error == .treeTooLarge(commit, limit: TreeLimits.entriesMax))
  }
}

/// Makes objects that no honest tool would, in the server's repo.
struct TreeBuilder {
  private let fixture: PullFixture
  /// A file object and a dirmeta that are there.
  let file: Checksum
  private let meta: Checksum

  init(_ fixture: PullFixture) throws {
    self.fixture = fixture
    try fixture.publish()
    let repo = try Repo.open(fixture.server.path)
    let ref = try repo.resolve("os/main")
    let commit = try repo.loadCommit(ref)
    meta = commit.rootMeta
    file = try fixture.largest(of: ref).checksum
  }

  /// A dirtree with these entries in this order, whatever they are.
  func tree(
    files: [(name: [UInt8], checksum: Checksum)], directories: [(name: [UInt8], tree: Checksum)],
    meta: Checksum? = nil
  ) throws -> Checksum {
    // `(a(say)a(sayay))`, written by hand: our own writer would refuse these names.
    let fileItems = files.map { Framed.tuple([$0.name + [0]], last: $0.checksum.bytes) }
    let directoryItems = directories.map {
      Framed.tuple([$0.name + [0], $0.tree.bytes], last: (meta ?? self.meta).bytes)
    }
    return try store(
      Framed.tuple([Framed.array(fileItems)], last: Framed.array(directoryItems)), .dirTree)
  }

  @discardableResult
  func commit(_ tree: Checksum) throws -> Checksum {
    let commit = try Commit(
      metadata: [], parent: nil, subject: "hostile", body: "", timestamp: 1_700_000_500,
      rootTree: tree, rootMeta: meta)
    let checksum = try store(commit.bytes, .commit)
    try Data("\(checksum.hex)\n".utf8).write(
      to: URL(fileURLWithPath: fixture.server.path + "/refs/heads/os/main"))
    return checksum
  }

  private func store(_ bytes: [UInt8], _ type: ObjectType) throws -> Checksum {
    let checksum = SHA256.hash(bytes)
    let path = fixture.object(ObjectName(checksum, type))
    try FileManager.default.createDirectory(
      atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    return checksum
  }
}

/// GVariant's framing of values without alignment. ostree spec, 1.1.
private enum Framed {
  static func array(_ items: [[UInt8]]) -> [UInt8] {
    let body = items.reduce([]) { $0 + $1 }
    var ends: [Int] = []
    for item in items { ends.append((ends.last ?? 0) + item.count) }
    return body + offsets(ends, body.count)
  }

  static func tuple(_ members: [[UInt8]], last: [UInt8]) -> [UInt8] {
    let body = members.reduce([]) { $0 + $1 } + last
    var ends: [Int] = []
    for member in members { ends.append((ends.last ?? 0) + member.count) }
    return body + offsets(ends.reversed(), body.count)
  }

  private static func offsets(_ ends: [Int], _ body: Int) -> [UInt8] {
    for (width, limit) in [(1, 0xFF), (2, 0xFFFF), (4, 0xFFFF_FFFF)]
    where body + ends.count * width <= limit {
      return ends.flatMap { end in (0..<width).map { UInt8(truncatingIfNeeded: end >> (8 * $0)) } }
    }
    return []
  }
}

extension PullFixture {
  /// An object of this type that only this commit has, if the type allows.
  func victim(_ type: ObjectType, of commit: Checksum) throws -> ObjectName {
    let repo = try Repo.open(server.path)
    let loaded = try repo.loadCommit(commit)
    switch type {
    case .commit: return ObjectName(commit, .commit)
    case .dirTree: return ObjectName(loaded.rootTree, .dirTree)
    case .dirMeta: return ObjectName(loaded.rootMeta, .dirMeta)
    default:
      let usr = try #require(try repo.loadDirTree(loaded.rootTree).findDirectory("usr"))
      let bin = try #require(try repo.loadDirTree(usr.tree).findDirectory("bin"))
      let hello = try #require(try repo.loadDirTree(bin.tree).findFile("hello"))
      return ObjectName(hello, .file)
    }
  }
}
