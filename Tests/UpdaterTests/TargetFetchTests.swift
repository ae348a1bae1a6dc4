// SPDX-License-Identifier: Apache-2.0
import Configuration
import Cryptography
import Foundation
import Linux
import Support
import Testing
import Transport

@testable import Updater

/// nginx with some files, and a folder for what is fetched from it.
private final class TargetFixture {
  let folder: TemporaryDirectory
  let web: WebServer
  let targets: TargetFolder

  init(extra: [String] = []) throws {
    folder = try TemporaryDirectory("target")
    try folder.makeDirectory("web")
    web = try WebServer(folder.file("web"), extra: extra)
    targets = TargetFolder(folder.file("state/targets"))
  }

  /// What a server with this file would say of it in its metadata.
  static func content(_ bytes: [UInt8]) throws -> TargetContent {
    try #require(
      TargetContent(
        lengthBytes: UInt64(bytes.count), sha256: SHA256.hash(bytes),
        sha512: SHA512.hash(bytes.span)))
  }

  /// Puts random bytes on the server.
  func publish(_ name: String, count: Int) throws -> [UInt8] {
    let bytes = Linux.Process.randomBytes(count)
    try folder.write(bytes, to: "web/\(name)")
    return bytes
  }

  func fetch(
    _ path: String, _ content: TargetContent, reserving reserve: SpaceReserve = .bytes(0),
    _ report: (TargetProgress) -> Void = { _ in }
  ) throws -> Result<String, UpdaterError> {
    var options = TransportOptions()
    options.retriesMax = 0
    options.proxy = .none
    let client = try HTTPClient(options)
    let url = try #require(HTTPURL("\(web.url)/\(path)"))
    return Result { () throws(UpdaterError) in
      try targets.fetch(
        TargetRequest("radio", from: url, content), by: client, reserving: reserve, report)
    }
  }

  func url(_ path: String) -> String { "\(web.url)/\(path)" }

  /// What an earlier run has left: the first `stored` bytes, and `extra` bytes behind them.
  func leave(
    _ bytes: [UInt8], _ content: TargetContent, stored: Int, from path: String,
    validator: String? = nil, of other: TargetContent? = nil
  ) throws {
    try folder.write(bytes, to: "state/targets/\(content.fileName).part")
    let record = TargetPartRecord(
      content: (other ?? content).fileName, url: url(path), validator: validator,
      storedBytes: UInt64(stored))
    try folder.write(record.serialized(), to: "state/targets/\(content.fileName).resume")
  }

  var names: [String] {
    get throws {
      try FileManager.default.contentsOfDirectory(atPath: targets.path).sorted()
    }
  }
}

@Suite struct TargetFetchTests {
  @Test func `what is fetched is named for its hash, and is not fetched twice`() throws {
    let fixture = try TargetFixture()
    let bytes = try fixture.publish("radio", count: 300_000)
    let content = try TargetFixture.content(bytes)
    var seen: [UInt64] = []
    let path = try fixture.fetch("radio", content) { seen.append($0.doneBytes) }.get()
    #expect(path == "\(fixture.targets.path)/sha256-\(SHA256.hash(bytes).hex)")
    #expect([UInt8](try Data(contentsOf: URL(fileURLWithPath: path))) == bytes)
    let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions]
    #expect(mode as? Int == 0o600)
    #expect(seen.last == 300_000)
    #expect(try fixture.names == [content.fileName])

    #expect(try fixture.fetch("radio", content).get() == path)
    #expect(try fixture.web.requests() == ["200 /radio"])
  }

  @Test func `what is damaged on the medium is fetched again`() throws {
    let fixture = try TargetFixture()
    let bytes = try fixture.publish("radio", count: 5000)
    let content = try TargetFixture.content(bytes)
    for damaged in [Array(bytes.dropLast()), [bytes[0] ^ 1] + bytes.dropFirst()] {
      try fixture.folder.write(damaged, to: "state/targets/\(content.fileName)")
      let path = try fixture.fetch("radio", content).get()
      #expect([UInt8](try Data(contentsOf: URL(fileURLWithPath: path))) == bytes)
    }
    #expect(try fixture.web.requests() == ["200 /radio", "200 /radio"])
  }

  @Test func `what the server has must be what the metadata says`() throws {
    let fixture = try TargetFixture(extra: [
      "location /denied { return 403; }", "location /broken { return 500; }",
      "location /gone { return 410; }",
    ])
    let bytes = try fixture.publish("right", count: 70_000)
    let other = try fixture.publish("other", count: 70_000)
    _ = try fixture.publish("longer", count: 70_001)
    _ = try fixture.publish("shorter", count: 69_999)
    let content = try TargetFixture.content(bytes)
    let hex = (SHA256.hash(other).hex, SHA256.hash(bytes).hex)
    let expected: [(String, UpdaterError)] = [
      ("missing", .target("radio", .missing(url: fixture.url("missing")))),
      ("gone", .target("radio", .missing(url: fixture.url("gone")))),
      ("denied", .transport(.unauthorised(url: fixture.url("denied"), status: 403))),
      ("broken", .transport(.status(url: fixture.url("broken"), 500))),
      (
        "longer",
        .target("radio", .tooLong(url: fixture.url("longer"), expectedBytes: 70_000))
      ),
      (
        "shorter",
        .target(
          "radio",
          .length(url: fixture.url("shorter"), foundBytes: 69_999, expectedBytes: 70_000))
      ),
      (
        "other",
        .target("radio", .hash(url: fixture.url("other"), found: hex.0, expected: hex.1))
      ),
    ]
    for (path, error) in expected {
      #expect(try fixture.fetch(path, content) == .failure(error))
      #expect(try fixture.fetch(path, content) == .failure(error), "a second time")
    }
    #expect(try fixture.names == [], "what cannot be of the content is not kept")
    _ = try fixture.fetch("right", content).get()
    #expect(try fixture.names == [content.fileName])
  }

  @Test func `every hash that is known must hold`() throws {
    let fixture = try TargetFixture()
    let bytes = try fixture.publish("radio", count: 1000)
    let (right, wrong) = (SHA512.hash(bytes.span), SHA512.hash([1].span))
    let mixed = TargetContent(lengthBytes: 1000, sha256: SHA256.hash(bytes), sha512: wrong)
    let failure = try fixture.fetch("radio", #require(mixed)).failure
    guard case .target("radio", .hash(_, let found, _)) = failure else {
      Issue.record("a wrong SHA-512 gave \(String(describing: failure))")
      return
    }
    #expect(found.count == 128)
    let long = try #require(TargetContent(lengthBytes: 1000, sha256: nil, sha512: right))
    #expect(try fixture.fetch("radio", long).get().contains("/sha512-"))
    #expect(TargetContent(lengthBytes: 1000, sha256: nil, sha512: nil) == nil)
    #expect(TargetContent(lengthBytes: .max, sha256: SHA256.hash(bytes)) == nil)
    #expect(TargetContent(lengthBytes: 1, sha256: nil, sha512: [1]) == nil)
  }

  @Test func `nothing is fetched that has no room`() throws {
    let fixture = try TargetFixture()
    let content = try TargetFixture.content(try fixture.publish("radio", count: 1000))
    let failure = try fixture.fetch("radio", content, reserving: .bytes(.max)).failure
    #expect(
      failure == .noSpace(path: fixture.targets.path, neededBytes: 1000, freeBytes: 0))
    #expect(try fixture.web.requests() == [])
  }

  @Test(.enabled(if: LoopFileSystem.isAvailable("mkfs.ext4 -q -F"), "needs root and loop devices"))
  func `a medium that fills up meanwhile is told by its file`() throws {
    let fixture = try TargetFixture(extra: ["limit_rate 3m;"])
    let content = try TargetFixture.content(try fixture.publish("radio", count: 7_000_000))
    let small = try LoopFileSystem(
      "mkfs.ext4 -q -F", at: try fixture.folder.makeDirectory("state/targets"))
    var isFull = false
    let failure = try fixture.fetch("radio", content) { progress in
      if isFull || progress.doneBytes == 0 { return }
      isFull = true
      _ = try? run("dd", "if=/dev/zero", "of=\(small.path)/ballast", "bs=64k", "status=none")
    }.failure
    #expect(isFull)
    #expect(failure == .file(path: fixture.targets.path(of: content), .noSpace))

    try mustRun("rm", "\(small.path)/ballast")
    _ = try fixture.fetch("radio", content).get()
  }

  @Test func `an empty target is not asked for`() throws {
    let fixture = try TargetFixture()
    let path = try fixture.fetch("nothing", TargetFixture.content([])).get()
    #expect(try Data(contentsOf: URL(fileURLWithPath: path)).isEmpty)
    let lie = try #require(TargetContent(lengthBytes: 0, sha256: SHA256.hash([1])))
    guard case .target("radio", .hash) = try fixture.fetch("nothing", lie).failure else {
      Issue.record("no empty file has this hash")
      return
    }
    #expect(try fixture.web.requests() == [])
  }

  @Test func `only what is named is kept`() throws {
    let fixture = try TargetFixture()
    let kept = try TargetFixture.content([1])
    for name in [kept.fileName, kept.fileName + ".part", kept.fileName + ".resume"] {
      try fixture.folder.write("", to: "state/targets/\(name)")
      try fixture.folder.write("", to: "state/targets/x\(name)")
    }
    try Result { () throws(UpdaterError) in try fixture.targets.remove(allBut: [kept]) }.get()
    #expect(try fixture.names == ["", ".part", ".resume"].map { kept.fileName + $0 })
    try mustRun("rm", "-r", fixture.targets.path)
    try Result { () throws(UpdaterError) in try fixture.targets.remove(allBut: []) }.get()
  }
}

@Suite struct TargetResumeTests {
  @Test func `a broken transfer goes on where it stopped`() throws {
    let fixture = try TargetFixture(extra: ["limit_rate 2m;"])
    let bytes = try fixture.publish("radio", count: 5_000_000)
    let content = try TargetFixture.content(bytes)
    let part = fixture.targets.path(of: content) + ".part"
    let web = fixture.web
    let stopped = DispatchSemaphore(value: 0)
    let stopper = Foundation.Thread {
      while ((try? FileManager.default.attributesOfItem(atPath: part)[.size]) as? Int ?? 0) == 0 {
        usleep(10_000)
      }
      try? web.stop()
      stopped.signal()
    }
    stopper.start()
    guard case .transport = try fixture.fetch("radio", content).failure else {
      Issue.record("the server was gone")
      return
    }
    #expect(try fixture.names == [".part", ".resume"].map { content.fileName + $0 })

    stopped.wait()
    try fixture.web.start()
    var first: UInt64?
    let path = try fixture.fetch("radio", content) { first = first ?? $0.doneBytes }.get()
    #expect([UInt8](try Data(contentsOf: URL(fileURLWithPath: path))) == bytes)
    #expect(try #require(first) > 0)
    #expect(try fixture.web.requests().last == "206 /radio")
    #expect(try fixture.names == [content.fileName])
  }

  /// What an earlier run left, and which answers of the server it takes from there.
  enum Left: CaseIterable {
    case good, fromElsewhere, ofOtherContent, ofOtherRecord, damaged, shorterThanItsRecord, whole
  }

  @Test(arguments: Left.allCases)
  func `what was left is used, but not trusted`(left: Left) throws {
    let fixture = try TargetFixture()
    let bytes = try fixture.publish("radio", count: 100_000)
    let content = try TargetFixture.content(bytes)
    let half = Array(bytes[..<50_000])
    let expected: [String]
    switch left {
    case .good:
      // What stands behind the recorded bytes may never have reached the medium as it was.
      try fixture.leave(
        half + [UInt8](repeating: 0, count: 60_000), content, stored: 50_000, from: "radio")
      expected = ["206 /radio"]
    case .fromElsewhere:
      try fixture.leave(half, content, stored: 50_000, from: "old", validator: "\"other\"")
      expected = ["206 /radio"]
    case .ofOtherContent:
      try fixture.leave(half, content, stored: 50_000, from: "radio", validator: "\"other\"")
      expected = ["200 /radio"]
    case .ofOtherRecord:
      try fixture.leave(
        half, content, stored: 50_000, from: "radio", of: TargetFixture.content([1]))
      expected = ["200 /radio"]
    case .damaged:
      try fixture.leave([half[0] ^ 1] + half[1...], content, stored: 50_000, from: "radio")
      expected = ["206 /radio", "200 /radio"]
    case .shorterThanItsRecord:
      try fixture.leave(half, content, stored: 60_000, from: "radio")
      expected = ["200 /radio"]
    case .whole:
      try fixture.leave(bytes, content, stored: 100_000, from: "radio")
      expected = []
    }
    let path = try fixture.fetch("radio", content).get()
    #expect([UInt8](try Data(contentsOf: URL(fileURLWithPath: path))) == bytes)
    #expect(try fixture.web.requests() == expected)
    #expect(try fixture.names == [content.fileName])
  }

  @Test func `a record that makes no sense counts as none`() {
    for text in [
      "", "[part]\n", "[part]\ncontent=x\nurl=x\nstored=-1\n", "[part]\nurl=x\nstored=1\n",
      "[part]\ncontent=x\nurl=x\nstored=1e9\n", "\0",
    ] {
      #expect(TargetPartRecord(parsing: Array(text.utf8)) == nil)
    }
    let record = TargetPartRecord(
      content: "sha256-00", url: "http://a/b", validator: " \"x\"", storedBytes: 7)
    #expect(TargetPartRecord(parsing: record.serialized()) == record)
  }
}
