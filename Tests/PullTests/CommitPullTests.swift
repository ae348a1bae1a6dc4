// SPDX-License-Identifier: Apache-2.0
import Cryptography
import OSTree
import Support
import Testing

@testable import Pull

@Suite struct CommitPullTests {
  @Test(arguments: [RepoMode.archive, .bare, .bareUser])
  func `what is pulled is the commit, complete and sound to the real ostree`(
    mode: RepoMode
  ) throws {
    let fixture = try PullFixture()
    let commit = try fixture.publish()
    let repo = try fixture.repo(mode)

    let result = try fixture.pull(into: repo).get()
    #expect(result.commits == [commit])
    #expect(result.reused == 0)
    #expect(try repo.readRef(Refspec(remote: "origin", ref: "os/main")) == commit)
    #expect(try !repo.isPartial(commit))

    let peer = PeerRepo(existing: repo.path)
    try peer.fsck()
    #expect(try peer.ostree("rev-parse", "origin:os/main") == commit.hex)
    #expect(
      try peer.ostree("ls", "-R", "-C", "-X", commit.hex)
        == fixture.server.ostree("ls", "-R", "-C", "-X", commit.hex))
  }

  @Test func `a remote behind a metalink is refused, unless a URL is given`() throws {
    let fixture = try PullFixture()
    let commit = try fixture.publish()
    let repo = try fixture.repo()
    let remote = try fixture.remote(["metalink": "https://example.com/os.xml"])
    #expect(
      try fixture.pull(into: repo, remote).failure
        == .unsupportedLocation(remote: "origin", "https://example.com/os.xml"))
    let url = fixture.web.url
    #expect(try fixture.pull(into: repo, remote) { $0.url = url }.get().commits == [commit])
  }

  @Test func `pulling again fetches nothing but what may have changed`() throws {
    let fixture = try PullFixture()
    let commit = try fixture.publish()
    let repo = try fixture.repo()
    _ = try fixture.pull(into: repo).get()
    let again = try fixture.pull(into: repo).get()
    #expect(again.commits == [commit])
    #expect(again.fetchedMetadata == 0)
    #expect(again.fetchedContent == 0)
  }

  @Test func `the next version fetches only what is new`() throws {
    let fixture = try PullFixture()
    try fixture.publish("1")
    let repo = try fixture.repo()
    let first = try fixture.pull(into: repo).get()
    let next = try fixture.publish("2", timestamp: 1_700_000_100)
    let second = try fixture.pull(into: repo).get()
    #expect(second.commits == [next])
    #expect(second.fetchedContent < first.fetchedContent)
    #expect(second.reused > 0)
    try PeerRepo(existing: repo.path).fsck()
  }

  @Test func `a server that stops in the middle leaves a repo that the next pull completes`()
    throws
  {
    let fixture = try PullFixture()
    let commit = try fixture.publish()
    let repo = try fixture.repo()
    let large = try fixture.largest(of: commit)
    try mustRun("mv", fixture.object(large), fixture.folder.file("away"))
    guard case .failure(let error) = try fixture.pull(into: repo) else {
      Issue.record("a pull of an incomplete repo succeeded")
      return
    }
    #expect(
      error == .missing(large, url: "\(fixture.web.url)/objects/\(large.loosePath(archive: true))"))
    #expect(try repo.readRef(Refspec(remote: "origin", ref: "os/main")) == nil)
    #expect(try repo.isPartial(commit))
    try PeerRepo(existing: repo.path).fsck()

    try mustRun("mv", fixture.folder.file("away"), fixture.object(large))
    let result = try fixture.pull(into: repo).get()
    #expect(result.reused > 0)
    #expect(try !repo.isPartial(commit))
    try PeerRepo(existing: repo.path).fsck()
  }

  @Test func `a staged object that was damaged meanwhile is fetched again`() throws {
    let fixture = try PullFixture()
    let commit = try fixture.publish()
    let repo = try fixture.repo(.bareUser)
    let large = try fixture.largest(of: commit)
    try mustRun("mv", fixture.object(large), fixture.folder.file("away"))
    guard case .failure = try fixture.pull(into: repo) else {
      Issue.record("a pull of an incomplete repo succeeded")
      return
    }
    try mustRun(
      "bash", "-c", "for f in $(find $1 -name '*.file' -size +0); do printf x >> $f; done",
      "damage",
      repo.path + "/coppice/staging")
    try mustRun("mv", fixture.folder.file("away"), fixture.object(large))
    _ = try fixture.pull(into: repo).get()
    try PeerRepo(existing: repo.path).fsck()
  }

  @Test func `a ref that the remote does not have is an error that names it`() throws {
    let fixture = try PullFixture()
    try fixture.publish()
    let result = try fixture.pull(into: try fixture.repo()) { $0.targets = [.ref("os/none")] }
    #expect(
      result.failure == .unknownRef("os/none", url: "\(fixture.web.url)/refs/heads/os/none"))
  }

  @Test func `a ref does not go back in time unless that is allowed`() throws {
    let fixture = try PullFixture()
    let old = try fixture.publish("1", timestamp: 1_700_000_000)
    let repo = try fixture.repo()
    let new = try fixture.publish("2", timestamp: 1_700_000_100)
    _ = try fixture.pull(into: repo).get()
    try fixture.server.ostree("reset", "os/main", old.hex)
    let refused = try fixture.pull(into: repo)
    #expect(
      refused.failure
        == .older(ref: "os/main", old, timestamp: 1_700_000_000, than: 1_700_000_100))
    #expect(try repo.readRef(Refspec(remote: "origin", ref: "os/main")) == new)
    _ = try fixture.pull(into: repo) { $0.checksTimestamp = false }.get()
    #expect(try repo.readRef(Refspec(remote: "origin", ref: "os/main")) == old)
  }

  @Test func `parents come along as deep as was asked for`() throws {
    let fixture = try PullFixture()
    var commits: [Checksum] = []
    for version in 1...4 {
      commits.append(try fixture.publish("\(version)", timestamp: 1_700_000_000 + version))
    }
    let repo = try fixture.repo()
    _ = try fixture.pull(into: repo) { $0.depth = 1 }.get()
    for (index, commit) in commits.enumerated() {
      #expect(try repo.contains(ObjectName(commit, .commit)) == (index >= 2))
    }
    try PeerRepo(existing: repo.path).fsck()
    _ = try fixture.pull(into: repo) { $0.depth = nil }.get()
    #expect(try repo.contains(ObjectName(commits[0], .commit)))
    try PeerRepo(existing: repo.path).fsck()
  }

  @Test func `metadata of a commit alone leaves it partial, and a full pull completes it`() throws {
    let fixture = try PullFixture()
    let commit = try fixture.publish()
    let repo = try fixture.repo()
    _ = try fixture.pull(into: repo) { $0.commitMetadataOnly = true }.get()
    #expect(try repo.isPartial(commit))
    #expect(try !repo.contains(ObjectName(try repo.loadCommit(commit).rootTree, .dirTree)))
    _ = try fixture.pull(into: repo).get()
    #expect(try !repo.isPartial(commit))
    try PeerRepo(existing: repo.path).fsck()
  }

  @Test func `a mirror has the refs and the summary as its own`() throws {
    let fixture = try PullFixture()
    let commit = try fixture.publish()
    try fixture.server.ostree("summary", "-u")
    let repo = try fixture.repo(.archive)
    _ = try fixture.pull(into: repo) {
      $0.isMirror = true
      $0.targets = []
    }.get()
    #expect(try repo.readRef(Refspec(remote: nil, ref: "os/main")) == commit)
    #expect(
      try repo.readFile("summary", limitBytes: 1 << 20)
        == PullFixture.bytes(fixture.server.path + "/summary"))
    try PeerRepo(existing: repo.path).fsck()
  }

  @Test(arguments: ["bare", "archive", "bare-user"])
  func `a repo of this machine is pulled from by file URL`(mode: String) throws {
    let fixture = try PullFixture()
    let commit = try fixture.publish()
    let local = try PeerRepo(at: fixture.folder.file("local"), mode: mode)
    try local.ostree("pull-local", fixture.server.path, "os/main")
    let repo = try fixture.repo(.bareUser)
    let result = try fixture.pull(
      into: repo, try fixture.remote(url: "file://\(local.path)")
    ).get()
    #expect(result.commits == [commit])
    try PeerRepo(existing: repo.path).fsck()
  }
}

extension PullFixture {
  /// The file object with the most bytes on the server.
  func largest(of commit: Checksum) throws -> ObjectName {
    let found = try mustRun(
      "bash", "-c", "cd $1/objects; ls -S */*.filez | head -n 1", "largest", server.path)
    let hex = found.replacing("/", with: "").replacing(".filez", with: "")
    return ObjectName(try #require(Checksum(hex: hex)), .file)
  }

  static func bytes(_ path: String) throws -> [UInt8] {
    [UInt8](try mustRun("base64", "-w0", path).utf8).isEmpty
      ? [] : try run("cat", path).standardOutputBytes
  }
}

extension Result {
  var failure: Failure? {
    guard case .failure(let error) = self else { return nil }
    return error
  }
}
