// SPDX-License-Identifier: Apache-2.0
import Cryptography
import OSTree
import Support
import Testing

@testable import Pull

@Suite struct RemoteHeadTests {
  private func heads(
    _ fixture: PullFixture, _ repo: Repo, _ target: PullTarget = .ref("os/main"),
    _ settings: [String: String] = [:]
  ) throws -> Result<[RemoteHead], PullError> {
    var options = PullOptions()
    options.targets = [target]
    options.retriesMax = 0
    let remote = try fixture.remote(settings)
    let wanted = options
    return Result { () throws(PullError) in
      try CommitPull(repo, from: remote, wanted, PullProgress()).heads()
    }
  }

  @Test func `the head of a ref is read and nothing is stored`() throws {
    let fixture = try PullFixture()
    let commit = try fixture.publish(timestamp: 1_700_000_007)
    let repo = try fixture.repo()
    let before = try mustRun("find", repo.path)
    let found = try heads(fixture, repo).get()
    #expect(found.map { $0.checksum } == [commit])
    #expect(found.first?.ref == "os/main")
    #expect(found.first?.commit.timestamp == 1_700_000_007)
    #expect(try mustRun("find", repo.path) == before)
  }

  @Test func `a commit that is here already is not fetched again`() throws {
    let fixture = try PullFixture()
    let commit = try fixture.publish()
    let repo = try fixture.repo()
    _ = try fixture.pull(into: repo).get()
    let name = ObjectName(commit, .commit).loosePath(archive: true)
    let before = try fixture.web.requests().count { $0.hasSuffix(name) }
    #expect(try heads(fixture, repo).get().map { $0.checksum } == [commit])
    #expect(try fixture.web.requests().count { $0.hasSuffix(name) } == before)
  }

  @Test func `a head that must be signed and is not is refused`() throws {
    let fixture = try PullFixture()
    let commit = try fixture.publish()
    let key = "\(PackagePaths.golden)/ostree/ed25519.public"
    let result = try heads(
      fixture, try fixture.repo(), .ref("os/main"),
      ["sign-verify": "ed25519", "verification-ed25519-file": key])
    let path = ObjectName(commit, .commitMeta).loosePath(archive: true)
    #expect(result.failure == .unsigned(commit, url: "\(fixture.web.url)/objects/\(path)"))
  }

  @Test func `a ref that is not there is an error that names it`() throws {
    let fixture = try PullFixture()
    try fixture.publish()
    let result = try heads(fixture, try fixture.repo(), .ref("os/none"))
    #expect(
      result.failure == .unknownRef("os/none", url: "\(fixture.web.url)/refs/heads/os/none"))
  }
}
