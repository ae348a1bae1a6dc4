// SPDX-License-Identifier: Apache-2.0
import Foundation
import Support
import Testing

/// Static deltas that are damaged, incomplete or too much: their objects come one by one, and the
/// user is told. Only a superblock that is not the one of the summary ends the pull.
@Suite struct DeltaFaultTests {
  /// A repo that has `os/old`, and a server with a delta from there.
  private func prepare(_ options: [String] = []) throws -> (PeerFixture, PeerRepo) {
    let fixture = try PeerFixture("delta")
    try fixture.makeDelta(["--from=os/old"] + options)
    let repo = try fixture.repo()
    try fixture.mustPull(into: repo, "os/old")
    return (fixture, repo)
  }

  private func expectPassedOver(
    _ fixture: PeerFixture, _ repo: PeerRepo, _ reason: String,
    location: SourceLocation = #_sourceLocation
  ) throws {
    let run = try fixture.mustPull(into: repo)
    let found = try #require(
      run.pulled?.deltas.first?.passedOver, "\(run)", sourceLocation: location)
    #expect(found.contains(reason), "\(found)", sourceLocation: location)
    #expect(
      run.program.standardError.contains("is passed over for its objects: \(found)"),
      sourceLocation: location)
    try fixture.check(repo, location: location)
  }

  @Test func `a part that is damaged or missing is passed over`() throws {
    let (fixture, repo) = try prepare()
    let part = try fixture.deltaFile("0")
    try fixture.damage(part, at: 1000)
    try expectPassedOver(fixture, repo, "has checksum")
    let (second, other) = try prepare()
    try FileManager.default.removeItem(atPath: second.deltaFile("0"))
    try expectPassedOver(second, other, "is not there")
  }

  @Test func `a superblock that is not that of the summary is refused`() throws {
    let (fixture, repo) = try prepare()
    try fixture.damage(try fixture.deltaFile("superblock"), at: 200)
    let run = try fixture.pull(into: repo)
    #expect(run.exit == 4)
    #expect(run.error?.name == "delta-checksum-mismatch")
    #expect(try repo.ref("origin:os/main") == nil)
    #expect(try fixture.mustPull(into: repo, "os/main", "--disable-static-deltas").exit == 0)
    try fixture.check(repo)
  }

  @Test func `a superblock that is missing or damaged is passed over`() throws {
    let (fixture, repo) = try prepare()
    try FileManager.default.removeItem(atPath: fixture.deltaFile("superblock"))
    try expectPassedOver(fixture, repo, "is not there")
    // Damaged, and named by the summary as it is: whoever made it made it wrong.
    for place in [3, 300, -1, -40] {
      let (fixture, repo) = try prepare()
      try fixture.damage(try fixture.deltaFile("superblock"), at: place)
      try fixture.server.ostree("summary", "-u")
      let run = try fixture.pull(into: repo)
      #expect(run.exit == 0, "\(run)")
      try fixture.check(repo)
    }
  }

  @Test func `a delta from a commit that is only half here is not used`() throws {
    let (fixture, repo) = try prepare()
    let old = try fixture.commit("os/old")
    try Data().write(to: URL(fileURLWithPath: "\(repo.path)/state/\(old).commitpartial"))
    let run = try fixture.pull(into: repo)
    #expect(run.exit == 0 && run.pulled?.deltas.isEmpty == true, "\(run)")
  }

  @Test func `a dictionary beyond the limit is passed over, and the message says so`() throws {
    let (fixture, repo) = try prepare(["--disable-bsdiff"])
    try fixture.repack(["--lzma2=preset=0,dict=64KiB"], dictionaryBits: 33)
    try expectPassedOver(fixture, repo, "the dictionary of a part has more than 268435456 bytes")
  }

  @Test func `a part may be packed with a small dictionary, but not with a filter`() throws {
    let (fixture, repo) = try prepare()
    try fixture.repack(["--lzma2=preset=0,dict=64KiB", "--check=crc32"])
    let run = try fixture.mustPull(into: repo)
    #expect(run.pulled?.deltas.first?.passedOver == nil, "\(run)")
    try fixture.check(repo)
    let (second, other) = try prepare()
    try second.repack(["--x86", "--lzma2=preset=0"])
    try expectPassedOver(second, other, "a filter that coppice does not have")
  }

  @Test func `a delta from what is here goes before one from nothing`() throws {
    let (fixture, repo) = try prepare()
    try fixture.server.ostree("static-delta", "generate", "--empty", "--to=os/main")
    try fixture.server.ostree("summary", "-u")
    let run = try fixture.mustPull(into: repo)
    #expect(try run.pulled?.deltas.map(\.from) == [fixture.commit("os/old")], "\(run)")
    try fixture.check(repo)
  }
}

extension PeerFixture {
  /// A file of the only delta of the server.
  func deltaFile(_ name: String) throws -> String {
    let found = try mustRun("find", "\(server.path)/deltas", "-name", name)
    return try #require(found.split(separator: "\n").first.map(String.init))
  }

  /// Changes one byte; a place below 0 counts from the end.
  func damage(_ path: String, at place: Int) throws {
    var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
    bytes[place < 0 ? bytes.count + place : place] ^= 0x21
    try bytes.write(to: URL(fileURLWithPath: path))
  }

  /// Packs part 0 of the only delta again, and makes superblock and summary fit. With
  /// `dictionaryBits` the stream says that it needs another dictionary than it does: 33 stands for
  /// 384 MiB.
  func repack(_ options: [String], dictionaryBits: Int = 0) throws {
    let script = """
      import hashlib, struct, subprocess, sys, zlib
      part, superblock, bits = sys.argv[1:4]
      old = open(part, 'rb').read()
      raw = subprocess.run(['xz', '-dc'], input=old[1:], stdout=subprocess.PIPE, check=True).stdout
      packed = subprocess.run(['xz', '-c', *sys.argv[4:]], input=raw, stdout=subprocess.PIPE,
                              check=True).stdout
      if int(bits):
          assert packed[12:16] == b'\\x02\\x00\\x21\\x01'
          header = packed[12:16] + bytes([int(bits)]) + packed[17:20]
          packed = packed[:12] + header + struct.pack('<I', zlib.crc32(header)) + packed[24:]
      new = b'x' + packed
      open(part, 'wb').write(new)
      front = open(superblock, 'rb').read()
      checksum = hashlib.sha256(old).digest()
      assert front.count(checksum) == 1
      place = front.index(checksum) + 36
      assert front[place:place + 8] == struct.pack('<Q', len(old))
      front = front.replace(checksum, hashlib.sha256(new).digest())
      front = front[:place] + struct.pack('<Q', len(new)) + front[place + 8:]
      open(superblock, 'wb').write(front)
      """
    let result = try run(
      "python3",
      arguments: ["-c", script, deltaFile("0"), deltaFile("superblock"), "\(dictionaryBits)"]
        + options)
    guard result.status == 0 else { throw ProgramError(description: result.description) }
    try server.ostree("summary", "-u")
  }
}
