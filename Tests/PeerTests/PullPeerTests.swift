// SPDX-License-Identifier: Apache-2.0
import Foundation
import Support
import Testing

/// What coppice pulls is what the real `ostree` committed, whatever the mode of the repo.
@Suite struct PullPeerTests {
  @Test(arguments: [
    ("archive", "os/main"), ("bare", "os/main"), ("bare-user", "os/main"),
    ("bare-user-only", "os/plain"),
  ])
  func `a pull of a commit gives the same commit, and says what it took`(
    mode: String, ref: String
  ) throws {
    let fixture = try PeerFixture()
    let repo = try fixture.repo(mode, core: [])
    let commit = try fixture.commit(ref)
    let run = try fixture.mustPull(into: repo, ref)

    #expect(try repo.ref("origin:\(ref)") == commit)
    #expect(!repo.isPartial(commit))
    #expect(try repo.tree(commit) == fixture.server.tree(commit))
    #expect(try repo.staged() == [])

    let (document, pulled) = (run.document, run.pulled)
    #expect(document.ok && document.exit == 0 && document.error == nil)
    #expect(pulled?.commits == [commit])
    let fetched = try #require(pulled?.fetched)
    let asked = try fixture.web.requests().filter { $0.hasPrefix("200 /objects/") }
    #expect(asked.count == Set(asked).count, "an object was fetched twice")
    #expect(fetched.content == asked.filter { $0.hasSuffix(".filez") }.count)
    #expect(
      fetched.metadata
        == asked.filter {
          $0.hasSuffix(".dirtree") || $0.hasSuffix("meta") || $0.hasSuffix("commit")
        }
        .count)
    #expect(fetched.bytes > 0)
    #expect(pulled?.reused == 0)
    // The large file alone has three million bytes.
    #expect(try #require(pulled?.writtenBytes) > (mode == "archive" ? 1000 : 3_000_000))
    #expect(try #require(pulled?.seconds) >= 0)
    #expect(try #require(pulled?.peakRssBytes) > 1 << 20)
  }

  @Test func `what an ordinary pull of a bare repo must not hold is refused by the plain mode`()
    throws
  {
    let fixture = try PeerFixture()
    let repo = try fixture.repo("bare-user-only")
    let run = try fixture.pull(into: repo)
    #expect(run.exit == 1)
    #expect(run.error?.name == "not-representable")
    #expect(try repo.ref("origin:os/main") == nil)
    try repo.fsck()
  }

  @Test(arguments: ["archive", "bare", "bare-user"])
  func `the second version takes what the first one brought`(mode: String) throws {
    let fixture = try PeerFixture()
    let repo = try fixture.repo(mode)
    try fixture.mustPull(into: repo, "os/old")
    let run = try fixture.mustPull(into: repo)
    #expect(try #require(run.pulled?.reused) > 0)
    // 40 numbered files, the greetings, the version and the large file are new.
    #expect(try #require(run.pulled?.fetched).content == 44)
    let again = try fixture.mustPull(into: repo)
    #expect(again.pulled?.fetched.content == 0)
    #expect(again.pulled?.fetched.metadata == 0)
    #expect(again.pulled?.writtenBytes == 0)
  }

  @Test func `several refs and a checksum come in one run`() throws {
    let fixture = try PeerFixture()
    let repo = try fixture.repo("archive")
    let commits = try ["os/main", "os/old", "os/plain"].map { try fixture.commit($0) }
    let run = try fixture.mustPull(into: repo, "os/main", commits[1], "os/plain")
    #expect(Set(try #require(run.pulled?.commits)) == Set(commits))
    #expect(try repo.ref("origin:os/main") == commits[0])
    #expect(try repo.ref("origin:os/plain") == commits[2])
    #expect(try repo.ref("origin:os/old") == nil)
    #expect(!repo.isPartial(commits[1]))
  }

  @Test(.enabled(if: Slow.isWanted))
  func `a file of more than four gibibytes comes whole`() throws {
    let fixture = try PeerFixture("huge", empty: true)
    let tree = try fixture.folder.makeDirectory("tree")
    try mustRun(
      "bash", "-c",
      "truncate -s 4400M \"$1/huge\"; echo end >> \"$1/huge\"; echo small > \"$1/small\"", "huge",
      tree)
    let commit = try fixture.server.commit(tree, to: "os/main", "--fsync=no")
    let repo = try fixture.repo("bare-user")
    let run = try fixture.mustPull(into: repo)
    #expect(run.pulled?.commits == [commit])
    #expect(try repo.tree(commit) == fixture.server.tree(commit))
  }
}
