// SPDX-License-Identifier: Apache-2.0
import Cryptography
import Foundation
import OSTree
import Support
import Testing

@testable import Pull

@Suite struct RepairTests {
  /// A file object of the tree with content, by its path's last part in `usr/bin`.
  private func object(_ repo: Repo, _ commit: Checksum, _ file: String) throws -> ObjectName {
    var tree = try repo.loadDirTree(try repo.loadCommit(commit).rootTree)
    for part in ["usr", "bin"] {
      tree = try repo.loadDirTree(try #require(tree.findDirectory(part)).tree)
    }
    return ObjectName(try #require(tree.findFile(file)), .file)
  }

  private func path(_ repo: Repo, _ name: ObjectName) -> String {
    "\(repo.path)/objects/\(name.loosePath(archive: repo.mode == .archive))"
  }

  /// Changes its last byte.
  private func damage(_ repo: Repo, _ name: ObjectName) throws {
    let file = path(repo, name)
    var bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: file)))
    bytes[bytes.count - 1] ^= 0xFF
    let handle = try FileHandle(forUpdating: URL(fileURLWithPath: file))
    try handle.write(contentsOf: Data(bytes))
    try handle.close()
  }

  @Test(arguments: RepoMode.allCases.filter { $0 != .bareUserOnly })
  func `a pull puts back what fsck has removed`(_ mode: RepoMode) throws {
    let fixture = try PullFixture()
    let commit = try fixture.publish()
    let repo = try fixture.repo(mode)
    _ = try fixture.pull(into: repo).get()
    let name = try object(repo, commit, "hello")
    try damage(repo, name)
    let report = try repo.fsck()
    #expect(report.damaged == [name])
    try repo.removeDamaged(report)
    #expect(try fixture.pull(into: repo).get().fetchedContent == 1)
    #expect(try !repo.isPartial(commit))
    #expect(try repo.fsck().isSound)
    try PeerRepo(existing: repo.path).fsck()
  }

  @Test func `a pull of a marked commit looks at everything again`() throws {
    let fixture = try PullFixture()
    let commit = try fixture.publish()
    let repo = try fixture.repo(.bareUser)
    _ = try fixture.pull(into: repo).get()
    let (missing, damaged) = (
      try object(repo, commit, "hello"), try object(repo, commit, "privileged")
    )
    try FileManager.default.removeItem(atPath: path(repo, missing))
    try damage(repo, damaged)
    // For the one that is missing; the other is found and stays where it is.
    #expect(try repo.fsck().problemCount == 2)
    #expect(try repo.isMarkedDamaged(commit))
    #expect(try fixture.pull(into: repo).get().fetchedContent == 2)
    #expect(try !repo.isPartial(commit))
    #expect(try repo.fsck().isSound)
  }
}
