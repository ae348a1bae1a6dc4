// SPDX-License-Identifier: Apache-2.0
import Codec
import Support
import Testing

@testable import OSTree

@Suite struct RemotesTests {
  @Test func `a config with remotes is the one that ostree writes`() throws {
    let ours = try SampleRepo(.archive)
    let theirs = try SampleRepo(.archive)
    try theirs.ostree(
      "remote", "add", "--set=tls-permissive=true", "--set=xa.title=A title ;", "--no-gpg-verify",
      "--no-sign-verify", "first", "http://example.com/a;b", "main", "test/x86")
    try theirs.ostree("remote", "add", "--no-gpg-verify", "second", "https://example.com/")

    let repo = try ours.open()
    var first = RemoteAddition("first", url: "http://example.com/a;b")
    first.branches = ["main", "test/x86"]
    first.settings = [("tls-permissive", "true"), ("xa.title", "A title ;")]
    first.signVerify = "false"
    try repo.addRemote(first)
    try repo.addRemote(RemoteAddition("second", url: "https://example.com/"))
    #expect(try ours.folder.readText("repo/config") == theirs.folder.readText("repo/config"))
    #expect(try repo.remotes().map { $0.name } == ["first", "second"])
    #expect(try repo.remote("first").url == "http://example.com/a;b")

    try repo.deleteRemote("first")
    try theirs.ostree("remote", "delete", "first")
    #expect(try ours.folder.readText("repo/config") == theirs.folder.readText("repo/config"))
    #expect(try ours.ostree("remote", "list") == "second")
  }

  @Test func `what is not understood is kept`() throws {
    let sample = try SampleRepo(.archive)
    let text = "# ours\n[core]\nrepo_version=1\nmode=archive-z2\n\n[other]\nkey = value \n"
    try sample.folder.write(text, to: "repo/config")
    let repo = try sample.open()
    try repo.addRemote(RemoteAddition("a", url: "http://a"))
    #expect(
      try sample.folder.readText("repo/config")
        == text + "\n[remote \"a\"]\nurl=http://a\ngpg-verify=false\n")
    try repo.deleteRemote("a")
    #expect(try sample.folder.readText("repo/config").hasPrefix(text))
  }

  @Test func `what was said about GPG holds`() throws {
    let sample = try SampleRepo(.archive)
    var remote = RemoteAddition("a", url: "http://a")
    remote.settings = [("gpg-verify", "true")]
    try sample.open().addRemote(remote)
    #expect(
      try sample.folder.readText("repo/config").hasSuffix(
        "[remote \"a\"]\nurl=http://a\ngpg-verify=true\n"))
  }

  @Test(arguments: ["", "a/b", ".a", "a b", "a\"b", "-a"])
  func `a name that ostree refuses is refused`(_ name: String) throws {
    let sample = try SampleRepo(.archive)
    let repo = try sample.open()
    let result = Result { () throws(OSTreeError) in
      try repo.addRemote(RemoteAddition(name, url: "http://a"))
    }
    #expect(result.failure == .invalidRemote(name))
    let theirs = try run(
      "ostree", "--repo=\(sample.path)", "remote", "add", "--no-gpg-verify", "--", name, "http://a")
    #expect(theirs.status != 0)
  }

  @Test func `a remote is there once`() throws {
    let sample = try SampleRepo(.archive)
    let repo = try sample.open()
    let remote = RemoteAddition("a", url: "http://a")
    try repo.addRemote(remote)
    let again = Result { () throws(OSTreeError) in try repo.addRemote(remote) }
    #expect(again.failure == .remoteExists("a"))
    try repo.deleteRemote("a")
    let gone = Result { () throws(OSTreeError) in try repo.deleteRemote("a") }
    #expect(gone.failure == .unknownRemote("a"))
    let unknown = Result { () throws(OSTreeError) in try repo.remote("a").url }
    #expect(unknown.failure == .unknownRemote("a"))
  }

  @Test func `a system's remotes may stand in a folder`() throws {
    let sample = try SampleRepo(.bare)
    let repo = try sample.open()
    let folder = sample.folder.file("etc/ostree/remotes.d")
    #expect(try repo.remotes(folder: folder).isEmpty)
    try repo.addRemote(RemoteAddition("b", url: "http://b"), folder: folder, addsToFolder: true)
    try repo.addRemote(RemoteAddition("c", url: "http://c"), folder: folder)
    try sample.folder.write(
      "[remote \"a\"]\nurl=http://a\n[remote \"d\"]\nurl=http://d\n",
      to: "etc/ostree/remotes.d/two.conf")
    try sample.folder.write("nonsense", to: "etc/ostree/remotes.d/two.conf.bak")
    #expect(try repo.remotes(folder: folder).map { $0.name } == ["a", "b", "c", "d"])
    #expect(try repo.remotes().map { $0.name } == ["c"])
    #expect(
      try sample.folder.readText("etc/ostree/remotes.d/b.conf")
        == "[remote \"b\"]\nurl=http://b\ngpg-verify=false\n")

    try repo.deleteRemote("a", folder: folder)
    #expect(try repo.remotes(folder: folder).map { $0.name } == ["b", "c", "d"])
    try repo.deleteRemote("b", folder: folder)
    let left = try mustRun("ls", folder)
    #expect(left == "two.conf\ntwo.conf.bak")
  }

  @Test func `two remotes of one name are refused`() throws {
    let sample = try SampleRepo(.bare)
    let repo = try sample.open()
    let folder = sample.folder.file("remotes.d")
    try repo.addRemote(RemoteAddition("a", url: "http://a"))
    try sample.folder.write("[remote \"a\"]\nurl=http://b\n", to: "remotes.d/x.conf")
    let result = Result { () throws(OSTreeError) in try repo.remotes(folder: folder).count }
    #expect(result.failure == .remoteExists("a"))
    let one = Result { () throws(OSTreeError) in try repo.remote("a", folder: folder).url }
    #expect(one.failure == .remoteExists("a"))
  }

  @Test func `the keys of a deleted remote go with it`() throws {
    let sample = try SampleRepo(.bare)
    let repo = try sample.open()
    try repo.addRemote(RemoteAddition("a", url: "http://a"))
    try sample.folder.write("keys", to: "repo/a.trustedkeys.gpg")
    try sample.folder.write("keys", to: "repo/b.trustedkeys.gpg")
    try repo.deleteRemote("a")
    #expect(try mustRun("bash", "-c", "ls *.gpg", in: sample.path) == "b.trustedkeys.gpg")
  }
}

extension Result {
  /// The error, for those that do not compare what was wanted.
  var failure: Failure? {
    if case .failure(let error) = self { return error }
    return nil
  }
}
