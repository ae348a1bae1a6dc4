// SPDX-License-Identifier: Apache-2.0
import OSTree
import Support
import Testing

@testable import Pull

/// A summary that did not change does not come again, and the cache is never believed.
@Suite struct SummaryCacheTests {
  private let fixture: PullFixture
  private let repo: Repo
  private let cached: String

  init() throws {
    fixture = try PullFixture()
    try fixture.publish()
    try fixture.server.ostree("summary", "-u")
    try Self.age(fixture)
    repo = try fixture.repo()
    cached = "\(repo.path)/tmp/cache/summaries/origin"
    _ = try fixture.pull(into: repo).get()
  }

  /// Names made of whole seconds are sure only once those are over.
  private static func age(_ fixture: PullFixture, _ day: String = "2026-01-02") throws {
    try mustRun("touch", "-d", day, "\(fixture.server.path)/summary")
  }

  /// The statuses of the requests for the summary.
  private func answers() throws -> [String] {
    try fixture.web.requests().filter { $0.hasSuffix(" /summary") }.map { "\($0.prefix(3))" }
  }

  @Test func `an unchanged summary is not sent again`() throws {
    _ = try fixture.pull(into: repo).get()
    #expect(try answers() == ["200", "304"])
  }

  @Test func `a changed summary is`() throws {
    let commit = try fixture.publish("2", timestamp: 1_700_000_100)
    try fixture.server.ostree("summary", "-u")
    try Self.age(fixture, "2026-01-03")
    #expect(try fixture.pull(into: repo).get().commits == [commit])
    #expect(try answers() == ["200", "200"])
    _ = try fixture.pull(into: repo).get()
    #expect(try answers() == ["200", "200", "304"])
  }

  @Test func `a summary of just now is not kept`() throws {
    // It stays new for as long as a busy machine takes.
    try Self.age(fixture, "+1 hour")
    _ = try fixture.pull(into: repo).get()
    #expect(try run("test", "-e", cached).status == 1)
    _ = try fixture.pull(into: repo).get()
    #expect(try answers() == ["200", "200", "200"])
  }

  /// The file's own name for its content stays, so that the server finds it unchanged.
  @Test(arguments: ["truncate -s -1", "truncate -s 0", "printf xxxx | dd conv=notrunc of="])
  func `a damaged cache only costs a request`(damage: String) throws {
    let time = "$(stat -c @%Y \"$1\")"
    try mustRun(
      "bash", "-c",
      "t=\(time); \(damage)\(damage.hasSuffix("=") ? "" : " ")\"$1\"; touch -d $t \"$1\"",
      "damage", cached)
    _ = try fixture.pull(into: repo).get()
    #expect(try answers() == ["200", "200"])
    _ = try fixture.pull(into: repo).get()
    #expect(try answers() == ["200", "200", "304"])
  }

  @Test func `another server is not asked about what this one sent`() throws {
    let other = try WebServer(fixture.server.path)
    _ = try fixture.pull(into: repo, try fixture.remote(url: other.url)).get()
    _ = try fixture.pull(into: repo).get()
    #expect(try answers() == ["200", "200"])
    let asked = try other.requests().filter { $0.hasSuffix(" /summary") }
    #expect(asked == ["200 /summary"])
  }

  @Test func `a cache that cannot be written does not matter`() throws {
    try mustRun("rm", "-r", "\(repo.path)/tmp/cache")
    try mustRun("touch", "\(repo.path)/tmp/cache")
    _ = try fixture.pull(into: repo).get()
    #expect(try answers() == ["200", "200"])
  }

  @Test func `asking for heads uses the cache`() throws {
    var options = PullOptions()
    options.targets = [.ref("os/main")]
    let remote = try fixture.remote()
    let wanted = options
    let before = try mustRun("find", repo.path, "-printf", "%p %T@\\n")
    _ = try Result { () throws(PullError) in
      try CommitPull(repo, from: remote, wanted, PullProgress()).heads()
    }.get()
    #expect(try answers() == ["200", "304"])
    #expect(try mustRun("find", repo.path, "-printf", "%p %T@\\n") == before)
  }

  @Test func `the real ostree takes the cache for its own`() throws {
    try mustRun(
      "ostree", "--repo=\(repo.path)", "remote", "add", "--no-gpg-verify", "origin",
      fixture.web.url)
    try mustRun("ostree", "--repo=\(repo.path)", "pull", "origin", "os/main")
    #expect(try answers() == ["200", "304"])
    _ = try fixture.pull(into: repo).get()
    #expect(try answers().count == 3)
  }
}
