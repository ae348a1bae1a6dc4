// SPDX-License-Identifier: Apache-2.0
import Foundation
import Linux
import Support
import Testing

@testable import OSTree

/// Carries what is used by one thread after the other.
private final class Unchecked: @unchecked Sendable {
  let value: LockHolder
  init(_ value: LockHolder) { self.value = value }
}

@Suite struct RepoLockTests {
  private func sample() throws -> SampleRepo {
    let sample = try SampleRepo(.archive)
    try sample.folder.write("x", to: "tree/file")
    try sample.commit("tree", as: "main")
    try sample.ostree("config", "set", "core.lock-timeout-secs", "0")
    return sample
  }

  @Test func `what another program locks keeps us out, as the kinds say`() throws {
    let sample = try sample()
    let repo = try sample.open()
    let busy = OSTreeError.busy(path: "\(sample.path)/.lock")

    let sharing = try LockHolder("\(sample.path)/.lock", exclusive: false)
    #expect(try repo.fsck().isSound)
    let prune = Result { () throws(OSTreeError) in try repo.prune() }
    #expect(prune.failure == busy)
    sharing.release()
    #expect(try repo.prune().removedObjects == 0)

    let excluding = try LockHolder("\(sample.path)/.lock")
    let fsck = Result { () throws(OSTreeError) in try repo.fsck().isSound }
    #expect(fsck.failure == busy)
    excluding.release()
    #expect(try repo.fsck().isSound)
  }

  @Test func `what we lock keeps ostree out, as the kinds say`() throws {
    let sample = try sample()
    let repo = try sample.open()
    func runs(_ arguments: String...) throws -> Bool {
      let result = try run("ostree", arguments: ["--repo=\(sample.path)"] + arguments)
      if result.status != 0 { #expect(result.standardError.contains("Locking repo"), "\(result)") }
      return result.status == 0
    }
    let tree = "--tree=dir=\(sample.folder.file("tree"))"
    try holding(try repo.lock(.shared)) { () throws in
      #expect(try runs("commit", "-b", "a", "-s", "x", tree))
      #expect(try !runs("prune"))
    }
    try holding(try repo.lock(.exclusive)) { () throws in
      #expect(try !runs("commit", "-b", "a", "-s", "x", tree))
      #expect(try !runs("prune"))
    }
    #expect(try runs("prune"))
  }

  @Test func `a lock that is let go of in time is waited for`() throws {
    let sample = try sample()
    try sample.ostree("config", "set", "core.lock-timeout-secs", "30")
    let holder = try LockHolder("\(sample.path)/.lock")
    let shared = Unchecked(holder)
    let thread = try Linux.Thread {
      Clock.sleep(milliseconds: 300)
      shared.value.release()
    }
    #expect(try sample.open().fsck().isSound)
    thread.join()
  }

  @Test func `a repo without locking is not locked`() throws {
    let sample = try sample()
    try sample.ostree("config", "set", "core.locking", "false")
    let holder = try LockHolder("\(sample.path)/.lock")
    #expect(try sample.open().prune().removedObjects == 0)
    holder.release()
  }

  private func holding(_ lock: borrowing RepoLock, _ body: () throws -> Void) throws {
    try body()
  }
}
