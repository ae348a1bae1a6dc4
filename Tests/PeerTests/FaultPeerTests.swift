// SPDX-License-Identifier: Apache-2.0
import Foundation
import Support
import Testing

/// Servers that go away and calls that make no sense: what the user is told, and what is kept.
@Suite struct FaultPeerTests {
  @Test func `a server that is restarted in the middle of a pull is asked again`() throws {
    // The large file compresses well; a slow server makes the pull take a while nevertheless.
    let fixture = try PeerFixture("restart", empty: true, extra: ["limit_rate 1m;"])
    try fixture.publishRandom(megabytes: 3)
    try fixture.folder.write("[pull]\nretries=8\nlow-speed-timeout=20\n", to: "coppice.conf")
    let repo = try fixture.repo("bare-user")
    let pull = try fixture.startPull(into: repo)
    #expect(try fixture.waitForContent(of: repo), "the pull did not begin to fetch content")
    try fixture.web.stop()
    usleep(200_000)
    try fixture.web.start()
    let run = try Coppice(pull.wait(seconds: 120))
    #expect(run.exit == 0, "\(run)")
    #expect(try repo.ref("origin:os/main") == fixture.commit())
    try repo.fsck()
  }

  @Test func `a server that stays away ends the pull, and the next one goes on`() throws {
    let fixture = try PeerFixture("stop", empty: true, extra: ["limit_rate 1m;"])
    try fixture.publishRandom(megabytes: 3)
    let repo = try fixture.repo("bare-user")
    let pull = try fixture.startPull(into: repo)
    #expect(try fixture.waitForContent(of: repo), "the pull did not begin to fetch content")
    try fixture.web.stop()
    let failed = try Coppice(pull.wait(seconds: 120))
    #expect(failed.exit == 3, "\(failed)")
    #expect(failed.error?.message.contains("127.0.0.1:\(fixture.web.port)") == true)
    #expect(try repo.ref("origin:os/main") == nil)
    try repo.fsck()
    try fixture.web.start()
    let run = try fixture.mustPull(into: repo)
    #expect(try #require(run.pulled?.reused) > 0)
    #expect(try repo.staged() == [])
  }

  @Test func `nobody listens`() throws {
    let fixture = try PeerFixture("nobody")
    let repo = try fixture.repo()
    try fixture.web.stop()
    let run = try fixture.pull(into: repo)
    #expect(run.exit == 3)
    #expect(run.error?.name == "connect-failed")
    #expect(run.error?.message.contains("127.0.0.1:\(fixture.web.port)") == true)
  }

  @Test func `a host that no name server knows`() throws {
    let fixture = try PeerFixture("unknown")
    let repo = try fixture.repo(remote: ["url=http://host.invalid/repo"])
    let run = try fixture.pull(into: repo)
    #expect(run.exit == 3)
    #expect(run.error?.message.contains("host.invalid") == true)
  }

  /// What nginx answers everything with, and the error's name.
  static let answers: [(status: Int, name: String)] = [
    (503, "server-error"), (429, "server-error"), (500, "server-error"), (401, "not-authorised"),
    (403, "not-authorised"),
  ]

  @Test(arguments: answers)
  func `a server that refuses for ever ends the pull`(status: Int, name: String) throws {
    let fixture = try PeerFixture("status", extra: ["location / { return \(status); }"])
    let repo = try fixture.repo()
    let run = try fixture.pull(into: repo)
    #expect(run.exit == 3)
    #expect(run.error?.name == name)
    #expect(run.error?.message.contains("\(status)") == true)
    #expect(run.error?.url?.hasPrefix(fixture.web.url) == true)
    if name == "not-authorised" { #expect(run.error?.hint?.contains("credentials") == true) }
    let asked = try fixture.web.requests().filter { $0.hasPrefix("\(status) ") }.count
    // One retry is configured, and only what may pass is tried again.
    let address = try #require(run.error?.url).dropFirst(fixture.web.url.count)
    let same = try fixture.web.requests().filter { $0 == "\(status) \(address)" }.count
    #expect(same == (name == "server-error" ? 2 : 1), "\(asked) requests")
  }

  @Test func `a ref that the server does not have is named with the place where it was sought`()
    throws
  {
    let fixture = try PeerFixture("ref")
    let repo = try fixture.repo()
    let run = try fixture.pull(into: repo, "os/none")
    #expect(run.exit == 3)
    #expect(run.error?.name == "unknown-remote-ref")
    #expect(run.error?.message.contains("'os/none'") == true)
    #expect(run.error?.url?.hasPrefix(fixture.web.url) == true)
  }

  @Test func `a URL with no repo behind it`() throws {
    let fixture = try PeerFixture("empty")
    let repo = try fixture.repo(remote: ["url=\(fixture.web.url)/nothing/here"])
    let run = try fixture.pull(into: repo)
    #expect(run.exit == 3)
    #expect(run.error?.url?.hasPrefix("\(fixture.web.url)/nothing/here/") == true)
  }

  static let badCalls: [[String]] = [
    ["pull"], ["pull", "--repo", "REPO", "none", "os/main"], ["pull", "--no-such-option"],
    ["no-such-command"], ["pull", "--repo", "/nonexistent", "origin", "os/main"],
    ["pull", "--repo", "REPO", "origin", "a//b"],
    ["pull", "--repo", "REPO", "--depth", "deep", "origin", "os/main"],
    ["pull", "--repo", "REPO", "--connections", "0", "origin", "os/main"],
    ["rev-parse", "--repo", "REPO", "no/such/ref"],
    ["checkout", "--repo", "REPO", "no/such/ref", "somewhere"],
    ["fsck", "--repo", "REPO", "--jobs", "many"],
  ]

  @Test(arguments: badCalls)
  func `a call that makes no sense is exit code 2 and changes nothing`(words: [String]) throws {
    let fixture = try PeerFixture("call")
    let repo = try fixture.repo()
    let run = try Coppice(words.map { $0 == "REPO" ? repo.path : $0 })
    #expect(run.exit == 2, "\(run)")
    #expect(run.document.ok == false && run.document.exit == 2)
    #expect(run.program.standardError.hasPrefix("coppice: error: "))
    #expect(try repo.ostree("refs") == "")
  }
}

extension PeerFixture {
  /// Commits that many files of a megabyte that no compression shortens, to `os/main`.
  func publishRandom(megabytes: Int) throws {
    let tree = try folder.makeDirectory("random")
    try mustRun(
      "bash", "-c",
      """
      for i in $(seq $2); do head -c 1000000 /dev/urandom > "$1/large$i"; done
      for i in $(seq 50); do echo "$i $RANDOM" > "$1/small$i"; done
      """, "random", tree, "\(megabytes)")
    try server.commit(tree, to: "os/main", "--fsync=no")
  }

  /// Waits until coppice has begun to write files. False after ten seconds.
  func waitForContent(of repo: PeerRepo) throws -> Bool {
    for _ in 0..<200 {
      if try repo.staged().contains(where: { $0.hasSuffix(".file") || $0.hasSuffix(".filez") }) {
        return true
      }
      usleep(50_000)
    }
    return false
  }
}
