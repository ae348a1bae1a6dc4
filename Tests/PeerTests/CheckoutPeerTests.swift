// SPDX-License-Identifier: Apache-2.0
import Support
import Testing

/// A tree that coppice checks out is the one that the real `ostree` checks out, byte for byte.
@Suite struct CheckoutPeerTests {
  @Test(arguments: ["archive", "bare", "bare-user"], [[], ["-U"]])
  func `both check out the same tree`(mode: String, options: [String]) throws {
    let fixture = try PeerFixture("checkout")
    let repo = try fixture.repo(mode)
    try fixture.mustPull(into: repo)
    let (ours, theirs) = (fixture.folder.file("by-us"), fixture.folder.file("by-them"))
    let run = try Coppice(
      ["checkout", "--repo", repo.path] + options + ["origin:os/main", ours])
    #expect(run.exit == 0, "\(run)")
    try repo.ostree(["checkout", "--disable-cache"] + options + ["origin:os/main", theirs])
    let lines = try TreeListing.lines(of: ours, links: true)
    // ostree leaves files that it copied with the time of the copy; ours are the same every time.
    let expected = try TreeListing.lines(of: theirs, links: true)
      .map { $0.replacing(/\ @[1-9][0-9]+/, with: " @0") }
    #expect(lines.count > 60)
    let differences = lines.difference(from: expected)
    #expect(differences.isEmpty, "\(differences)")
  }

  @Test func `what is checked out as root is what was committed`() throws {
    let fixture = try PeerFixture("checkout")
    let repo = try fixture.repo("bare")
    try fixture.mustPull(into: repo)
    let (tree, ours) = (fixture.folder.file("tree"), fixture.folder.file("by-us"))
    try SampleTree.make(at: tree, version: "2")
    let run = try Coppice(["checkout", "--repo", repo.path, "origin:os/main", ours])
    #expect(run.exit == 0, "\(run)")
    #expect(
      try TreeListing.lines(of: ours, times: false) == TreeListing.lines(of: tree, times: false))
  }

  @Test func `a damaged object is not checked out`() throws {
    let fixture = try PeerFixture("checkout")
    let repo = try fixture.repo("archive")
    try fixture.mustPull(into: repo)
    let object = try Victim.filez.object(in: repo, fixture.commit())
    try Damage.truncated.apply(to: "\(repo.path)/\(object)")
    let run = try Coppice(
      ["checkout", "--repo", repo.path, "origin:os/main", fixture.folder.file("by-us")])
    #expect(run.exit == 4, "\(run)")
    #expect(run.error?.path == object.replacing(".filez", with: ".file"))
    #expect(run.error?.hint?.contains("fsck --repair") == true)
  }
}
