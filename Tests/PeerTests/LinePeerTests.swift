// SPDX-License-Identifier: Apache-2.0
import Foundation
import Support
import Testing

/// Pulls over lines that are long and bad.
@Suite struct LinePeerTests {
  /// A server of HTTP/2 or HTTP/1.1 behind a line, and a repo whose remote it is.
  struct Line {
    let authority: CertificateAuthority
    let fixture: PeerFixture
    let proxy: DelayProxy
    let repo: PeerRepo
    let commit: String

    init(http2: Bool, files: Int, settings: String, _ arguments: [String]) throws {
      authority = try CertificateAuthority()
      fixture = try PeerFixture(
        "line", empty: true, tls: authority.demandingClients, http2: http2)
      commit = try fixture.publish(files: files)
      proxy = try DelayProxy(to: fixture.web.port, arguments)
      repo = try fixture.repo(
        "bare-user", remote: authority.remote("https://localhost:\(proxy.port)"))
      try fixture.folder.write("[pull]\n\(settings)\n", to: "coppice.conf")
    }
  }

  @Test(arguments: [true, false])
  func `connections that break at random cost nothing but time`(http2: Bool) throws {
    let line = try Line(
      http2: http2, files: 400, settings: "retries=8",
      ["--delay", "2", "--break-bytes", "300000"])
    let run = try line.fixture.mustPull(into: line.repo)
    #expect(run.pulled?.commits == [line.commit])
    #expect(run.pulled?.fetched.content == 400)
    #expect(try line.repo.tree(line.commit) == line.fixture.server.tree(line.commit))
  }

  @Test(arguments: [true, false])
  func `a connection that stands still holds nothing up but itself`(http2: Bool) throws {
    let line = try Line(
      http2: http2, files: 1000, settings: "retries=2\nlow-speed-timeout=4",
      ["--delay", "2", "--stall", "2", "--stall-bytes", "100000"])
    let start = Date()
    let run = try line.fixture.startPull(into: line.repo)
    // All but what is on that connection is there long before it is given up.
    let last = try run.wait(seconds: 120)
    #expect(last.status == 0, "\(last)")
    #expect(Date().timeIntervalSince(start) < 60)
    try line.repo.fsck()
    #expect(try line.repo.ref("origin:os/main") == line.commit)
  }

  @Test(arguments: [
    (true, [], "HTTP/2, 3 connections, 128 streams on each"),
    (true, ["http2=false"], "HTTP/1.1, 6 connections"), (false, [], "HTTP/1.1, 6 connections"),
  ])
  func `what is spoken is said to who asks`(
    http2: Bool, settings: [String], words: String
  ) throws {
    let authority = try CertificateAuthority()
    let fixture = try PeerFixture("said", tls: authority.demandingClients, http2: http2)
    let repo = try fixture.repo(remote: authority.remote(fixture.web.namedURL) + settings)
    let said = try run(
      PackagePaths.coppice, "-v", "pull", "--repo", repo.path, "origin", "os/main",
      environment: Coppice.noProxies)
    #expect(said.status == 0 && said.standardError.contains(words), "\(said)")
  }
}

extension PeerFixture {
  /// Commits so many files of 0 to 20 kB, which cannot be made smaller, to `os/main`.
  func publish(files: Int) throws -> String {
    let tree = try folder.makeDirectory("files")
    let script = """
      import os, random, sys
      chance = random.Random(1)
      for file in range(int(sys.argv[2])):
          os.makedirs(f'{sys.argv[1]}/{file % 20}', exist_ok=True)
          with open(f'{sys.argv[1]}/{file % 20}/{file}', 'wb') as out:
              out.write(b'%d' % file + chance.randbytes(chance.randrange(20000)))
      """
    try mustRun("python3", "-c", script, tree, "\(files)")
    return try server.commit(tree, to: "os/main", "--fsync=no")
  }
}
