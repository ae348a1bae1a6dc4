// SPDX-License-Identifier: Apache-2.0
import Foundation
import Support
import Testing

/// A full disk, a read-only one, and locks that others hold.
@Suite struct StoragePeerTests {
  /// Runs a script with `$REPO` on a file system of its own, mounted where nobody else sees it.
  /// `coppice` and `make_repo` are functions of the script.
  private func onOwnFileSystem(
    _ fixture: PeerFixture, _ mount: String, _ script: String
  ) throws -> ProgramResult {
    let image = fixture.folder.file("image")
    try fixture.folder.makeDirectory("mounted")
    let front = """
      set -eu
      REPO=mounted/repo
      coppice() { "\(PackagePaths.coppice)" --json --progress none --config coppice.conf "$@"; }
      make_repo() {
        ostree init --repo=$REPO --mode="$1"
        ostree remote add --repo=$REPO --no-gpg-verify origin "\(fixture.web.url)"
      }
      truncate -s 64M "\(image)"
      \(mount)

      """
    return try run(
      "unshare", "--mount", "bash", "-c", front + script, in: fixture.folder.path,
      environment: Coppice.noProxies)
  }

  @Test(arguments: [
    "mount -t tmpfs -o size=3m none mounted", "mkfs.ext4 -q image 6M; mount image mounted",
  ])
  func `a pull that does not fit says what it needs and what there is`(mount: String) throws {
    let fixture = try PeerFixture("full", empty: true)
    try fixture.publishRandom(megabytes: 8)
    let result = try onOwnFileSystem(
      fixture, mount,
      """
      make_repo bare-user
      status=0; coppice pull --repo $REPO origin os/main || status=$?
      ostree fsck --repo=$REPO >&2
      ! ostree rev-parse --repo=$REPO origin:os/main 2> /dev/null || exit 99
      exit $status
      """)
    let run = try Coppice(result)
    #expect(run.exit == 5, "\(run)")
    #expect(run.error?.name == "no-space")
    let path = try #require(run.error?.path)
    #expect(path.hasPrefix("mounted/repo"))
    let numbers = try #require(run.error?.message.matches(of: /[0-9]+ bytes/))
    #expect(!numbers.isEmpty, "\(run)")
    #expect(run.error?.message.contains("free") == true)
    #expect(run.error?.hint?.contains("prune") == true)
  }

  @Test func `a commit that says its size is refused before the first file moves`() throws {
    let fixture = try PeerFixture("sizes", empty: true)
    try fixture.publishRandom(megabytes: 8)
    try fixture.server.ostree(
      "commit", "-b", "os/main", "--tree=dir=\(fixture.folder.file("random"))",
      "--generate-sizes", "--fsync=no")
    let result = try onOwnFileSystem(
      fixture, "mount -t tmpfs -o size=3m none mounted",
      """
      make_repo bare-user
      coppice pull --repo $REPO origin os/main
      """)
    let run = try Coppice(result)
    #expect(run.exit == 5, "\(run)")
    let numbers = try #require(run.error?.message.matches(of: /([0-9]+) bytes/))
      .compactMap { Int($0.1) }
    #expect(numbers.count == 2, "\(run)")
    #expect(numbers[0] > 8_000_000 && numbers[1] < 3 << 20, "\(run)")
    #expect(try !fixture.web.requests().contains { $0.hasSuffix(".filez") })
  }

  @Test func `a repo on a read-only file system needs a person`() throws {
    let fixture = try PeerFixture("read-only")
    let result = try onOwnFileSystem(
      fixture, "mount -t tmpfs none mounted",
      """
      make_repo bare-user
      mount -o remount,ro mounted
      coppice pull --repo $REPO origin os/main
      """)
    let run = try Coppice(result)
    #expect(run.exit == 7, "\(run)")
    #expect(run.error?.name == "read-only")
    #expect(run.error?.path?.hasPrefix("mounted/repo") == true)
  }

  @Test func `a lock that ostree holds is waited for, and then the answer is busy`() throws {
    let fixture = try PeerFixture("lock")
    let repo = try fixture.repo(core: ["lock-timeout-secs=1"])
    let holder = try LockHolder("\(repo.path)/.lock")
    let start = Date.now
    let run = try fixture.pull(into: repo)
    #expect(run.exit == 6, "\(run)")
    #expect(run.error?.name == "busy")
    #expect(run.error?.path == "\(repo.path)/.lock")
    #expect(Date.now.timeIntervalSince(start) >= 1)
    #expect(try fixture.web.requests().allSatisfy { !$0.contains("/objects/") })
    holder.release()
    try fixture.mustPull(into: repo)
  }

  @Test func `a reader's lock does not keep a pull from adding objects`() throws {
    let fixture = try PeerFixture("shared")
    let repo = try fixture.repo(core: ["lock-timeout-secs=0"])
    let holder = try LockHolder("\(repo.path)/.lock", exclusive: false)
    #expect(try fixture.pull(into: repo).exit == 0)
    holder.release()
  }

  @Test func `while coppice pulls, ostree does not prune, and a second coppice is told`() throws {
    let fixture = try PeerFixture("busy", empty: true, extra: ["limit_rate 400k;"])
    try fixture.publishRandom(megabytes: 2)
    let repo = try fixture.repo("bare-user", core: ["fsync=false", "lock-timeout-secs=0"])
    let pull = try fixture.startPull(into: repo)
    #expect(try fixture.waitForContent(of: repo), "the pull did not begin to fetch content")

    let prune = try run("ostree", "prune", "--refs-only", "--repo=\(repo.path)")
    #expect(prune.status == 1)
    #expect(prune.standardError.contains("Locking repo exclusive failed"))
    let second = try fixture.pull(into: repo)
    #expect(second.exit == 6, "\(second)")
    #expect(second.error?.path == "\(repo.path)/coppice/lock")

    let first = try Coppice(pull.wait(seconds: 120))
    #expect(first.exit == 0, "\(first)")
    try repo.ostree("prune", "--refs-only")
    try repo.fsck()
  }
}
