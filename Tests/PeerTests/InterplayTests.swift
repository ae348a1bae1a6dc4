// SPDX-License-Identifier: Apache-2.0
import Support
import Testing

/// coppice and the real `ostree` take turns on one repo.
@Suite struct InterplayTests {
  @Test(arguments: ["archive", "bare", "bare-user"])
  func `ostree goes on from what coppice has pulled`(mode: String) throws {
    let fixture = try PeerFixture("turns")
    let repo = try fixture.repo(mode)
    try fixture.mustPull(into: repo, "os/old")
    try repo.ostree("pull", "origin", "os/main")
    try repo.fsck()
    let commit = try fixture.commit()
    #expect(try repo.ref("origin:os/main") == commit)
    // The two versions share files, which ostree found in place.
    let shared = try Victim.columns(fixture.server, commit, "/usr/share/attribute")[4]
    let object = "/objects/\(shared.prefix(2))/\(shared.dropFirst(2)).filez"
    #expect(try fixture.web.requests().filter { $0 == "200 \(object)" }.count == 1)

    let run = try fixture.mustPull(into: repo)
    #expect(run.pulled?.fetched.content == 0)
    #expect(try repo.tree(commit) == fixture.server.tree(commit))
  }

  @Test(arguments: ["archive", "bare", "bare-user"])
  func `coppice goes on from what ostree has pulled`(mode: String) throws {
    let fixture = try PeerFixture("turns")
    let repo = try fixture.repo(mode)
    try repo.ostree("pull", "origin", "os/old")
    let run = try fixture.mustPull(into: repo)
    #expect(try #require(run.pulled?.reused) > 0)
    #expect(run.pulled?.fetched.content == 44)
    let commit = try fixture.commit()
    #expect(try repo.tree(commit) == fixture.server.tree(commit))
    try repo.ostree("pull", "origin", "os/main")
    try repo.ostree("prune", "--refs-only", "--depth=0")
    try repo.fsck()
  }

  @Test func `a commit of which ostree fetched the metadata alone is completed`() throws {
    let fixture = try PeerFixture("metadata")
    let repo = try fixture.repo("bare-user")
    let commit = try fixture.commit()
    try repo.ostree("pull", "--commit-metadata-only", "origin", "os/main")
    #expect(repo.isPartial(commit))
    let run = try fixture.mustPull(into: repo)
    #expect(run.pulled?.commits == [commit])
    #expect(!repo.isPartial(commit))
    #expect(try repo.tree(commit) == fixture.server.tree(commit))
  }

  @Test func `a commit of which coppice fetched the metadata alone is completed by ostree`() throws
  {
    let fixture = try PeerFixture("metadata")
    let repo = try fixture.repo("bare-user")
    let commit = try fixture.commit()
    try fixture.mustPull(into: repo, "--commit-metadata-only", "os/main")
    #expect(repo.isPartial(commit))
    try repo.ostree("pull", "origin", "os/main")
    #expect(!repo.isPartial(commit))
    try repo.fsck()
    #expect(try repo.tree(commit) == fixture.server.tree(commit))
  }

  @Test func `a commit that ostree fetched in part, by a subpath, is completed`() throws {
    let fixture = try PeerFixture("subpath")
    let repo = try fixture.repo("bare-user")
    let commit = try fixture.commit()
    try repo.ostree("pull", "--subpath=/usr/bin", "origin", "os/main")
    #expect(repo.isPartial(commit))
    let run = try fixture.mustPull(into: repo)
    #expect(try #require(run.pulled?.reused) > 0)
    #expect(!repo.isPartial(commit))
    #expect(try repo.tree(commit) == fixture.server.tree(commit))
  }

  @Test func `what fsck of ostree found damaged and removed, coppice fetches again`() throws {
    let fixture = try PeerFixture("damaged")
    let repo = try fixture.repo("archive")
    try fixture.mustPull(into: repo)
    let commit = try fixture.commit()
    let object = try Victim.filez.object(in: repo, commit)
    try Damage.flipped.apply(to: "\(repo.path)/\(object)")
    let checked = try Coppice(["fsck", "--repo", repo.path])
    #expect(checked.exit == 4, "\(checked)")
    _ = try run("ostree", "fsck", "--delete", "--repo=\(repo.path)")
    #expect(repo.isPartial(commit))
    let run = try fixture.mustPull(into: repo)
    #expect(run.pulled?.fetched.content == 1)
    #expect(!repo.isPartial(commit))
  }
}
