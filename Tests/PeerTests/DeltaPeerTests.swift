// SPDX-License-Identifier: Apache-2.0
import Foundation
import Support
import Testing

/// Static deltas of the real `ostree`: what comes out is what was committed, and no object is
/// fetched that the delta brings.
@Suite struct DeltaPeerTests {
  static let options = [
    [], ["--inline"], ["--disable-bsdiff"], ["--max-chunk-size=1"], ["--set-endianness=B"],
    ["--set-endianness=l", "--inline", "--max-chunk-size=1"],
  ]

  @Test(arguments: options)
  func `a delta from what is here brings the next version`(_ options: [String]) throws {
    let fixture = try PeerFixture("delta")
    try fixture.makeDelta(["--from=os/old"] + options)
    let repo = try fixture.repo("bare", core: [])
    try fixture.mustPull(into: repo, "os/old")
    let before = try fixture.web.requests().count
    let run = try fixture.mustPull(into: repo)

    let delta = try #require(run.pulled?.deltas.first)
    #expect(delta.passedOver == nil && delta.objects > 40, "\(run)")
    #expect(try delta.from == fixture.commit("os/old") && delta.to == fixture.commit())
    let asked = try fixture.web.requests().dropFirst(before)
    let objects = asked.filter { $0.hasSuffix(".filez") || $0.hasSuffix(".dirtree") }
    #expect(objects == [])
    try fixture.check(repo)
  }

  @Test(arguments: [["bare"], ["bare-user", "--inline"], ["bare", "--min-fallback-size=1"]])
  func `a delta from nothing brings the first version, but for what it leaves out`(
    _ words: [String]
  ) throws {
    let fixture = try PeerFixture("delta")
    try fixture.makeDelta(["--empty"] + words.dropFirst())
    let repo = try fixture.repo(words[0])
    let run = try fixture.mustPull(into: repo)
    let delta = try #require(run.pulled?.deltas.first)
    #expect(delta.passedOver == nil && delta.from == nil && delta.objects > 60, "\(run)")
    let asked = try fixture.web.requests().filter { $0.hasSuffix(".filez") }
    #expect(asked.count == (words.contains("--min-fallback-size=1") ? 1 : 0))
    try fixture.check(repo)
  }

  @Test(arguments: ["bare-user", "bare-user-only"])
  func `a repo of any mode but archive takes deltas`(mode: String) throws {
    let fixture = try PeerFixture("delta")
    try fixture.makeDelta(["--from=os/plain-old", "--to=os/plain"], plain: true)
    let repo = try fixture.repo(mode)
    try fixture.mustPull(into: repo, "os/plain-old")
    let run = try fixture.mustPull(into: repo, "os/plain")
    #expect(run.pulled?.deltas.first?.passedOver == nil, "\(run)")
    #expect(try #require(run.pulled?.deltas.first).objects > 40)
    try fixture.check(repo, "os/plain")
  }

  @Test func `an archive and those who want none fetch the objects`() throws {
    let fixture = try PeerFixture("delta")
    try fixture.makeDelta(["--from=os/old"])
    let archive = try fixture.repo("archive")
    try fixture.mustPull(into: archive, "os/old")
    #expect(try fixture.mustPull(into: archive).pulled?.deltas.isEmpty == true)
    try fixture.check(archive)
    let bare = try fixture.repo("bare", "second")
    try fixture.mustPull(into: bare, "os/old")
    let run = try fixture.mustPull(into: bare, "os/main", "--disable-static-deltas")
    #expect(run.pulled?.deltas.isEmpty == true)
    #expect(try fixture.web.requests().allSatisfy { !$0.contains("/deltas/") })
    try fixture.check(bare)
  }

  @Test func `deltas are found by their index as well as by the summary`() throws {
    let fixture = try PeerFixture("delta")
    try fixture.server.ostree("config", "set", "core.no-deltas-in-summary", "true")
    try fixture.makeDelta(["--from=os/old"])
    let repo = try fixture.repo()
    try fixture.mustPull(into: repo, "os/old")
    let run = try fixture.mustPull(into: repo)
    #expect(run.pulled?.deltas.first?.passedOver == nil, "\(run)")
    #expect(try fixture.web.requests().contains { $0.contains("/delta-indexes/") })
    try fixture.check(repo)
  }
}

extension PeerFixture {
  /// Makes a static delta to `os/main` and names it in the summary. `plain` first makes a version
  /// before `os/plain`, as `os/plain-old`.
  func makeDelta(_ options: [String], plain: Bool = false) throws {
    if plain {
      let tree = folder.file("plain-tree")
      try SampleTree.make(at: tree, version: "1")
      try server.commit(
        tree, to: "os/plain-old", timestamp: 1_600_000_000, "--canonical-permissions",
        "--no-xattrs", "--fsync=no")
    }
    let target = options.contains { $0.hasPrefix("--to=") } ? [] : ["--to=os/main"]
    try server.ostree(["static-delta", "generate"] + options + target)
    try server.ostree("summary", "-u")
  }

  /// All of the commit is there, as on the server, and nothing is left over.
  func check(
    _ repo: PeerRepo, _ ref: String = "os/main", location: SourceLocation = #_sourceLocation
  ) throws {
    let commit = try commit(ref)
    #expect(try repo.ref("origin:\(ref)") == commit, sourceLocation: location)
    #expect(!repo.isPartial(commit), sourceLocation: location)
    #expect(try repo.tree(commit) == server.tree(commit), sourceLocation: location)
    #expect(try repo.staged() == [], sourceLocation: location)
    try repo.fsck()
  }
}
