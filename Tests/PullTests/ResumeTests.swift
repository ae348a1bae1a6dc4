// SPDX-License-Identifier: Apache-2.0
import Cryptography
import Foundation
import OSTree
import Support
import Testing

@testable import Pull

@Suite struct ResumeTests {
  /// A part that deflate stores as it is, and one that it packs: 39 MB.
  private func makeTree(_ path: String) throws {
    try mustRun(
      "bash", "-c",
      """
      mkdir -p $1/usr; cd $1/usr
      { head -c 24000000 /dev/urandom; seq 1 2000000; } > large
      echo small > small
      """, "tree", path)
  }

  /// Commits the tree; gives the name of the large file.
  private func publish(_ fixture: PullFixture) throws -> ObjectName {
    try makeTree(fixture.tree)
    let commit = try fixture.server.commit(fixture.tree, to: "os/main")
    return try fixture.largest(of: #require(Checksum(hex: commit)))
  }

  /// The server goes away as soon as there is something to go on from. Signals when it is gone.
  private func stop(_ web: WebServer, after record: String) -> DispatchSemaphore {
    let stopped = DispatchSemaphore(value: 0)
    let thread = Foundation.Thread {
      while !FileManager.default.fileExists(atPath: record) { usleep(20_000) }
      try? web.stop()
      stopped.signal()
    }
    thread.start()
    return stopped
  }

  @Test(arguments: [RepoMode.bareUser, .archive])
  func `a large file goes on where a pull that was stopped has left it`(mode: RepoMode) throws {
    let fixture = try PullFixture("resume", extra: ["limit_rate 12m;"])
    let large = try publish(fixture)
    let size = try FileManager.default.attributesOfItem(atPath: fixture.object(large))[.size]
    let wireBytes = try #require(size as? UInt64)
    let repo = try fixture.repo(mode)
    let record = "\(repo.path)/coppice/partial/\(large.checksum.hex)"
    let stopped = stop(fixture.web, after: record)
    let failure = try fixture.pull(into: repo).failure
    guard case .transport = failure else {
      Issue.record("the stopped server gave \(String(describing: failure))")
      return
    }
    stopped.wait()
    #expect(FileManager.default.fileExists(atPath: record))

    try fixture.web.start()
    let result = try fixture.pull(into: repo).get()
    #expect(result.fetchedBytes < wireBytes * 9 / 10)
    #expect(try fixture.web.requests().contains { $0.hasPrefix("206 ") })
    #expect(!FileManager.default.fileExists(atPath: record))
    try PeerRepo(existing: repo.path).fsck()
  }

  @Test func `a damaged beginning of a large file is noticed and fetched again`() throws {
    let fixture = try PullFixture("resume", extra: ["limit_rate 12m;"])
    let large = try publish(fixture)
    let repo = try fixture.repo(.bareUser)
    let record = "\(repo.path)/coppice/partial/\(large.checksum.hex)"
    let stopped = stop(fixture.web, after: record)
    #expect(try fixture.pull(into: repo).failure != nil)
    stopped.wait()
    try mustRun(
      "bash", "-c", "printf X | dd of=$1 bs=1 seek=1000 conv=notrunc 2>&1", "damage",
      "\(repo.path)/coppice/staging/\(large.loosePath(archive: false))")

    try fixture.web.start()
    _ = try fixture.pull(into: repo).get()
    let asked = try fixture.web.requests().filter {
      $0.hasSuffix(large.loosePath(archive: true))
    }
    #expect(asked.map { $0.prefix(3) }.suffix(2) == ["206", "200"])
    #expect(!FileManager.default.fileExists(atPath: record))
    try PeerRepo(existing: repo.path).fsck()
  }
}
