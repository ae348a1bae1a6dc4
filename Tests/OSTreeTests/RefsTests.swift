// SPDX-License-Identifier: Apache-2.0
import Cryptography
import Foundation
import Linux
import Support
import Testing

@testable import OSTree

@Suite struct RefsTests {
  private func checksum(_ digits: String) throws -> Checksum {
    try #require(Checksum(hex: String(repeating: digits, count: 32)))
  }

  private func refspec(_ text: String) throws -> Refspec { try #require(Refspec(text)) }

  /// A repo with the commits `main^`, `main` and `other`.
  private func sample() throws -> SampleRepo {
    let sample = try SampleRepo(.archive)
    try sample.folder.write("1", to: "tree/file")
    try sample.commit("tree", as: "main")
    try sample.folder.write("2", to: "tree/file")
    try sample.commit("tree", as: "main")
    try sample.folder.write("3", to: "tree/file")
    try sample.commit("tree", as: "other")
    return sample
  }

  @Test func `refs of ostree are read, and it reads ours`() throws {
    let sample = try sample()
    let repo = try sample.open()
    let main = try sample.checksum("main")
    #expect(try repo.readRef(try refspec("main")) == main)
    #expect(try repo.readRef(try refspec("missing")) == nil)
    #expect(try repo.readRef(try refspec("origin:main")) == nil)

    try repo.writeRef(try refspec("a/b/c"), main)
    try repo.writeRef(try refspec("origin:os/x86_64/stable"), main)
    #expect(try sample.ostree("rev-parse", "a/b/c") == main.hex)
    #expect(try sample.ostree("rev-parse", "origin:os/x86_64/stable") == main.hex)
    #expect(try sample.folder.readText("repo/refs/heads/a/b/c") == "\(main.hex)\n")
    let other = try sample.checksum("other")
    try repo.writeRef(try refspec("a/b/c"), other)
    #expect(try repo.readRef(try refspec("a/b/c")) == other)
    #expect(
      try repo.refs().map { "\($0.refspec.text) \($0.commit.hex)" } == [
        "a/b/c \(other.hex)", "main \(main.hex)", "origin:os/x86_64/stable \(main.hex)",
        "other \(other.hex)",
      ])
    #expect(
      try sample.ostree("refs").split(separator: "\n").map(String.init).sorted()
        == repo.refs().map { $0.refspec.text })
    // No temporary file is left.
    #expect(try sample.files("refs").count == 4)
  }

  @Test func `an alias is read through`() throws {
    let sample = try sample()
    try sample.ostree("refs", "--alias", "--create=stable", "main")
    let repo = try sample.open()
    #expect(try repo.readRef(try refspec("stable")) == sample.checksum("main"))
    #expect(try repo.refs().map { $0.refspec.text } == ["main", "other", "stable"])
  }

  @Test func `a removed ref takes its empty folders along`() throws {
    let sample = try sample()
    let repo = try sample.open()
    let main = try sample.checksum("main")
    try repo.writeRef(try refspec("a/b/c"), main)
    try repo.writeRef(try refspec("a/d"), main)
    #expect(try repo.removeRef(try refspec("a/b/c")))
    #expect(try !repo.removeRef(try refspec("a/b/c")))
    #expect(
      try mustRun("find", "refs/heads", "-type", "d", in: sample.path) == "refs/heads\nrefs/heads/a"
    )
    #expect(try repo.removeRef(try refspec("a/d")))
    #expect(try mustRun("find", "refs/heads", "-type", "d", in: sample.path) == "refs/heads")
    #expect(try repo.refs().count == 2)
  }

  @Test func `a ref cannot be a folder of another, but an empty folder gives way`() throws {
    let sample = try sample()
    let repo = try sample.open()
    let main = try sample.checksum("main")
    try repo.writeRef(try refspec("a/b"), main)
    for name in ["a", "a/b/c"] {
      let wanted = try refspec(name)
      let result = Result { () throws(OSTreeError) in try repo.writeRef(wanted, main) }
      #expect(
        result.failure == .refConflict(name, with: "\(sample.path)/refs/heads/\(name)"), "\(name)")
    }
    #expect(try repo.readRef(try refspec("a/b")) == main)
    try sample.folder.makeDirectory("repo/refs/heads/empty/really")
    try repo.writeRef(try refspec("empty"), main)
    #expect(try sample.ostree("rev-parse", "empty") == main.hex)
  }

  @Test func `what is no ref is passed over, and a damaged one is named`() throws {
    let sample = try sample()
    let repo = try sample.open()
    try sample.folder.write("nonsense", to: "repo/refs/heads/.main.new")
    #expect(try repo.refs().count == 2)
    try sample.folder.write("abc\n", to: "repo/refs/heads/broken")
    let result = Result { () throws(OSTreeError) in try repo.refs().count }
    #expect(result.failure == .file(path: "\(sample.path)/refs/heads/broken", .invalid))
  }

  @Test func `a revision means what it means to ostree`() throws {
    let sample = try sample()
    let repo = try sample.open()
    let (main, other) = (try sample.checksum("main"), try sample.checksum("other"))
    try repo.writeRef(try refspec("origin:os/stable"), other)
    for revision in [
      "main", "main^", main.hex, String(main.hex.prefix(20)), "\(main.hex)^", "origin:os/stable",
      "origin/os/stable", "os/stable",
    ] {
      #expect(try repo.resolve(revision).hex == sample.ostree("rev-parse", revision), "\(revision)")
    }
  }

  @Test func `a revision that means nothing says why`() throws {
    let sample = try sample()
    let repo = try sample.open()
    let first = try repo.resolve("main^")
    let main = try sample.checksum("main")
    try repo.writeRef(try refspec("a:twice"), main)
    try repo.writeRef(try refspec("b:twice"), first)
    for (revision, error) in [
      ("missing", .unknownRef("missing")), ("origin:main", .unknownRef("origin:main")),
      ("main^^", .noParent(first)), ("no ref", .invalidRef("no ref")), ("", .invalidRef("")),
      ("../main", .invalidRef("../main")), ("twice", .ambiguous("twice")),
    ] as [(String, OSTreeError)] {
      let result = Result { () throws(OSTreeError) in try repo.resolve(revision) }
      #expect(result.failure == error, "\(revision)")
    }
  }

  @Test func `first digits name one commit`() throws {
    let sample = try SampleRepo(.archive)
    for digits in ["00", "01"] {
      let hex = "abcdef" + digits + String(repeating: "0", count: 56)
      try sample.folder.write("", to: "repo/objects/ab/\(hex.dropFirst(2)).commit")
    }
    let repo = try sample.open()
    #expect(try repo.resolve("abcdef00").hex.hasPrefix("abcdef000"))
    let both = Result { () throws(OSTreeError) in try repo.resolve("abcdef") }
    #expect(both.failure == .ambiguous("abcdef"))
    let few = Result { () throws(OSTreeError) in try repo.resolve("abc") }
    #expect(few.failure == .unknownRef("abc"))
  }
}
