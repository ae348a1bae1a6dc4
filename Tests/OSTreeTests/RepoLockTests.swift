// SPDX-License-Identifier: Apache-2.0
import Foundation
import Linux
import Support
import Testing

@testable import OSTree

/// A process that is not ours and holds the lock of a repo the way libostree does.
private struct LockHolder {
  let program: RunningProgram

  init(_ repo: SampleRepo, _ kind: LockKind) throws {
    program = try RunningProgram(
      "python3",
      [
        "-c",
        """
        import fcntl, os, struct, sys, time
        file = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT, 0o660)
        kind = fcntl.F_WRLCK if sys.argv[2] == 'exclusive' else fcntl.F_RDLCK
        fcntl.fcntl(file, 37, struct.pack('hhqqi4x', kind, os.SEEK_SET, 0, 0, 0))  # F_OFD_SETLK
        print('held', file=sys.stderr, flush=True)
        time.sleep(60)
        """, "\(repo.path)/.lock", kind == .exclusive ? "exclusive" : "shared",
      ])
    for _ in 0..<1000 where !program.standardErrorSoFar.contains("held") {
      Clock.sleep(milliseconds: 10)
    }
    try #require(program.standardErrorSoFar.contains("held"))
  }

  func letGo() throws {
    program.send(signal: SIGKILL)
    _ = try program.wait()
  }
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

    let sharing = try LockHolder(sample, .shared)
    #expect(try repo.fsck().isSound)
    let prune = Result { () throws(OSTreeError) in try repo.prune() }
    #expect(prune.failure == busy)
    try sharing.letGo()
    #expect(try repo.prune().removedObjects == 0)

    let excluding = try LockHolder(sample, .exclusive)
    let fsck = Result { () throws(OSTreeError) in try repo.fsck().isSound }
    #expect(fsck.failure == busy)
    try excluding.letGo()
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
    let holder = try LockHolder(sample, .exclusive)
    let program = holder.program
    let thread = try Linux.Thread {
      Clock.sleep(milliseconds: 300)
      program.send(signal: SIGKILL)
    }
    #expect(try sample.open().fsck().isSound)
    thread.join()
  }

  @Test func `a repo without locking is not locked`() throws {
    let sample = try sample()
    try sample.ostree("config", "set", "core.locking", "false")
    let holder = try LockHolder(sample, .exclusive)
    #expect(try sample.open().prune().removedObjects == 0)
    try holder.letGo()
  }

  private func holding(_ lock: borrowing RepoLock, _ body: () throws -> Void) throws {
    try body()
  }
}
