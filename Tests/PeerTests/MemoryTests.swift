// SPDX-License-Identifier: Apache-2.0
import Foundation
import Support
import Testing

/// Ten thousand files, and the memory that a pull of them takes.
@Suite struct MemoryTests {
  /// What is promised of a device, whatever the size of the commit.
  static let peakBytesMax = 8 << 20

  @Test func `ten thousand files come over in the memory that sixty take`() throws {
    let fixture = try PeerFixture("many", empty: true)
    let commit = try fixture.publishMany()
    let repo = try fixture.repo("bare-user")
    let many = try fixture.mustPull(into: repo)
    #expect(many.pulled?.commits == [commit])
    #expect(many.pulled?.fetched.content == 10_000)
    #expect(try repo.tree(commit) == fixture.server.tree(commit))

    // A debug build has its symbols mapped and the runtime beside it, so the promise itself is
    // judged by the next test; but no build may grow with the tree.
    let small = try PeerFixture()
    let few = try small.mustPull(into: small.repo("bare-user"))
    let growth = try #require(many.pulled?.peakRssBytes) - #require(few.pulled?.peakRssBytes)
    #expect(growth < 2 << 20, "ten thousand files cost \(growth) bytes more than sixty")
  }

  /// Runs where `make device ARCH=x86_64` was run before, or with COPPICE_DEVICE=PATH.
  @Test(.enabled(if: DeviceBinary.isBuilt), arguments: Way.allCases)
  func `the binary of the device keeps its promise`(way: Way) throws {
    let authority = try CertificateAuthority()
    let isSecure = way != .plain
    let fixture = try PeerFixture(
      "many", empty: true, tls: isSecure ? authority.demandingClients : [], http2: way == .http2)
    let commit = try fixture.publishMany()
    let repo = try fixture.repo(
      "bare-user", remote: isSecure ? authority.remote(fixture.web.namedURL) : [])
    let run = try Coppice(
      ["pull", "--repo", repo.path, "origin", "os/main"], binary: DeviceBinary.path)
    #expect(run.pulled?.commits == [commit], "\(run)")
    let peak = try #require(run.pulled?.peakRssBytes)
    #expect(peak <= Self.peakBytesMax, "\(peak) bytes at the most, \(way)")
    try repo.fsck()
  }

  enum Way: CaseIterable { case plain, tls, http2 }
}

/// The static executable for this architecture, if it was built.
enum DeviceBinary {
  static let path =
    ProcessInfo.processInfo.environment["COPPICE_DEVICE"]
    ?? "\(PackagePaths.root)/.build/device/x86_64/coppice"
  static let isBuilt = FileManager.default.isExecutableFile(atPath: path)
}

extension PeerFixture {
  /// Commits ten thousand files in a hundred folders to `os/main`; gives the checksum.
  func publishMany() throws -> String {
    let tree = try folder.makeDirectory("many")
    let script = """
      import os, sys
      for folder in range(100):
          os.makedirs(f'{sys.argv[1]}/usr/{folder}')
          for file in range(100):
              with open(f'{sys.argv[1]}/usr/{folder}/{file}', 'w') as out:
                  out.write(f'{folder}/{file}\\n' * (1 + file))
      """
    try mustRun("python3", "-c", script, tree)
    return try server.commit(tree, to: "os/main", "--fsync=no")
  }
}
