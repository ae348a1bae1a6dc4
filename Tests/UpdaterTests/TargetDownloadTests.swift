// SPDX-License-Identifier: Apache-2.0
import Codec
import Cryptography
import Foundation
import Support
import Testing
import Transport

@testable import Updater
@testable import Uptane

/// What `coppice tuf download` makes of a folder, against nginx.
@Suite struct TargetDownloadTests {
  final class Fixture {
    let folder: TemporaryDirectory
    let web: WebServer

    init() throws {
      folder = try TemporaryDirectory("download")
      try folder.makeDirectory("web")
      web = try WebServer(folder.file("web"))
    }

    /// As a metadata file describes it.
    static func target(_ path: String, _ text: String, _ hashes: [(String, String)]) throws
      -> Target
    {
      let entry = JSONValue.object([
        ("length", .integer(Int64(text.utf8.count))),
        ("hashes", .object(hashes.map { ($0.0, .string($0.1)) })),
      ])
      let node = try JSONDocument(parsing: Array(entry.serialized().utf8)).root
      return try #require(Target(path, node))
    }

    static func sha256(_ text: String) -> (String, String) {
      ("sha256", SHA256.hash(Array(text.utf8)).hex)
    }

    static func sha512(_ text: String) -> (String, String) {
      ("sha512", Hex.encode(SHA512.hash(Array(text.utf8).span).span))
    }

    func run(_ target: Target, prefixed: Bool = false) -> Result<DownloadedTarget, UpdaterError> {
      var options = TransportOptions()
      (options.retriesMax, options.proxy) = (0, .none)
      let client = try! HTTPClient(options)
      let download = TargetDownload(client, HTTPURL(web.url)!, folder: folder.file("got"))
      return Result { () throws(UpdaterError) in try download.run(target, prefixed: prefixed) }
    }

    var names: [String] {
      get throws {
        try FileManager.default.contentsOfDirectory(atPath: folder.file("got")).sorted()
      }
    }
  }

  static let text = "target file contents"

  @Test(arguments: [
    [Fixture.sha256(text)], [Fixture.sha512(text)], [Fixture.sha256(text), Fixture.sha512(text)],
    [Fixture.sha512(text), ("md5", "x")],
  ])
  func `any known hash will do, with and without it in the name`(
    hashes: [(String, String)]
  ) throws {
    let fixture = try Fixture()
    let target = try Fixture.target("path/to/a file.txt", Self.text, hashes)
    let prefix = hashes[0].1
    try fixture.folder.write(Self.text, to: "web/path/to/a file.txt")
    try fixture.folder.write(Self.text, to: "web/path/to/\(prefix).a file.txt")
    for prefixed in [true, false] {
      try? FileManager.default.removeItem(atPath: fixture.folder.file("got"))
      let got = try fixture.run(target, prefixed: prefixed).get()
      #expect(got.wasFetched)
      #expect(got.path == fixture.folder.file("got/path%2Fto%2Fa%20file.txt"))
      #expect(try String(contentsOfFile: got.path, encoding: .utf8) == Self.text)
      #expect(try !fixture.run(target, prefixed: prefixed).get().wasFetched)
    }
    #expect(
      try fixture.web.requests() == [
        "200 /path/to/\(prefix).a%20file.txt", "200 /path/to/a%20file.txt",
      ])
  }

  @Test func `a target without a hash that can be checked is not asked for`() throws {
    let fixture = try Fixture()
    for hashes in [
      [("md5", "x")], [("sha256", "x")], [Fixture.sha256(Self.text), ("sha512", "00")],
    ] {
      let target = try Fixture.target("a", Self.text, hashes)
      #expect(fixture.run(target).failure == .target("a", .unknownHash))
    }
    #expect(try fixture.web.requests() == [])
  }

  @Test(arguments: [".hidden", "a/../b", "%2F", "ü", ".a.part", String(repeating: "x", count: 254)])
  func `no path leads out of the folder, and none is hidden in it`(path: String) throws {
    let fixture = try Fixture()
    let target = try Fixture.target(path, "", [Fixture.sha256("")])
    let got = try fixture.run(target).get()
    let name = try #require(try fixture.names.first)
    #expect(got.path == fixture.folder.file("got/\(name)"))
    #expect(!name.hasPrefix("."))
    #expect(name.utf8.count <= 200)
    #expect(try fixture.names.count == 1)
  }

  @Test func `a new content takes the name, a wrong one never`() throws {
    let fixture = try Fixture()
    try fixture.folder.write("first", to: "web/a")
    let first = try Fixture.target("a", "first", [Fixture.sha256("first")])
    _ = try fixture.run(first).get()
    let second = try Fixture.target("a", "other", [Fixture.sha256("other")])
    #expect(fixture.run(second).failure != nil)
    #expect(try fixture.names == ["a"])
    #expect(try fixture.folder.readText("got/a") == "first")
    try fixture.folder.write("other", to: "web/a")
    #expect(try fixture.run(second).get().wasFetched)
    #expect(try fixture.folder.readText("got/a") == "other")
    #expect(try fixture.names == ["a"])
  }

  @Test func `what a run before has left is gone on from, out of sight`() throws {
    let fixture = try Fixture()
    let text = String(repeating: "0123456789", count: 1000)
    try fixture.folder.write(text, to: "web/a")
    let target = try Fixture.target("a", text, [Fixture.sha256(text)])
    try fixture.folder.write(String(text.prefix(4000)), to: "got/.a.part")
    let record = TargetPartRecord(
      content: try #require(TargetContent(target)).fileName, url: "\(fixture.web.url)/a",
      validator: nil, storedBytes: 4000)
    try fixture.folder.write(record.serialized(), to: "got/.a.resume")
    #expect(try fixture.run(target).get().wasFetched)
    #expect(try fixture.web.requests() == ["206 /a"])
    #expect(try fixture.folder.readText("got/a") == text)
    #expect(try fixture.names == ["a"])
  }

  @Test func `a link in the folder is replaced, not followed`() throws {
    let fixture = try Fixture()
    try fixture.folder.write("first", to: "web/a")
    try fixture.folder.write("first", to: "elsewhere")
    try fixture.folder.makeDirectory("got")
    try mustRun("ln", "-s", "../elsewhere", fixture.folder.file("got/a"))
    let target = try Fixture.target("a", "first", [Fixture.sha256("first")])
    #expect(try fixture.run(target).get().wasFetched)
    let type = try FileManager.default.attributesOfItem(atPath: fixture.folder.file("got/a"))[.type]
    #expect(type as? FileAttributeType == .typeRegular)
  }
}
