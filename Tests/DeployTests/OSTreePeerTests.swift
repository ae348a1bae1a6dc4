// SPDX-License-Identifier: Apache-2.0
import Foundation
import Linux
import Support
import Testing

@testable import Deploy

/// The real `ostree` works on what coppice made, and the other way round.
@Suite struct OSTreePeerTests {
  private let sysroot: TestSysroot

  init() throws { sysroot = try TestSysroot() }

  /// `ostree admin status`, a line for each deployment and each thing that it says about it.
  private func status() throws -> [String] {
    try sysroot.ostree("admin", "status").split(separator: "\n")
      .map { $0.trimmingCharacters(in: .whitespaces) }
  }

  private func lines(_ name: String, _ version: String, pinned: Bool = false) -> [String] {
    ["coppice \(name)", "Version: \(version)"] + (pinned ? ["Pinned: yes"] : [])
      + ["origin refspec: \(TestSysroot.ref)"]
  }

  @Test func `ostree lists what coppice deployed`() throws {
    try sysroot.deploy(TestSysroot.one)
    try sysroot.deploy(TestSysroot.two)
    #expect(
      try status() == lines("\(TestSysroot.two).0", "2.0") + lines("\(TestSysroot.one).0", "1.0"))
  }

  @Test func `ostree deploys on top of coppice, and coppice on top of that`() throws {
    try sysroot.deploy(TestSysroot.one) { $0.argumentChanges = [.append("quiet")] }
    let folder = "ostree/deploy/coppice/deploy/\(TestSysroot.one).0/etc"
    try sysroot.folder.write("mine\n", to: "sysroot/\(folder)/local.conf")
    try sysroot.ostree("admin", "deploy", "--os=coppice", TestSysroot.ref)
    #expect(try sysroot.order() == ["\(TestSysroot.three).0", "\(TestSysroot.one).0"])

    let report = try sysroot.deploy(TestSysroot.two)
    #expect(report.etc?.changes.added == ["local.conf"])
    #expect(try sysroot.read("\(report.deployment.path)/etc/local.conf") == "mine\n")
    #expect(report.deployment.arguments.contains(key: "quiet"))
    #expect(
      try status()
        == lines("\(TestSysroot.two).0", "2.0") + lines("\(TestSysroot.three).0", "3.0"))
    // ostree had renamed over `loader`; the exchange has both links again.
    #expect(try sysroot.shell("readlink boot/loader boot/loader.next") == "loader.1\nloader.0")

    try sysroot.ostree("admin", "deploy", "--os=coppice", TestSysroot.ref)
    #expect(try sysroot.order().first == "\(TestSysroot.three).1")
    #expect(try sysroot.ostree("fsck", "--repo=\(sysroot.path)/ostree/repo").contains("no errors"))
  }

  @Test func `a sysroot that ostree made is taken over`() throws {
    let other = try TestSysroot(makes: false)
    try mustRun("mkdir", "-p", other.path)
    try mustRun("ostree", "admin", "init-fs", other.path)
    try other.ostree("admin", "os-init", "coppice")
    try other.importCommits()
    try other.ostree("admin", "deploy", "--os=coppice", "--karg=root=LABEL=x", TestSysroot.one)
    let varBefore = try other.shell("ls -A ostree/deploy/coppice/var")
    let report = try other.deploy(TestSysroot.two)
    #expect(try other.shell("ls -A ostree/deploy/coppice/var") == varBefore)
    #expect(report.deployment.arguments.value(of: "root") == "LABEL=x")
    #expect(try other.order() == ["\(TestSysroot.two).0", "\(TestSysroot.one).0"])
    #expect(try other.ostree("admin", "status").contains("coppice \(TestSysroot.two).0"))
  }

  @Test func `both see the same pins`() throws {
    try sysroot.deploy(TestSysroot.one)
    try sysroot.deploy(TestSysroot.two)
    let opened = try sysroot.open()
    #expect(try opened.setPinned(true, 1, try opened.lock()))
    #expect(try status().contains("Pinned: yes"))
    try sysroot.ostree("admin", "pin", "-u", "1")
    try sysroot.ostree("admin", "pin", "0")
    #expect(try opened.status().deployments.map { $0.isPinned } == [true, false])
    #expect(try opened.setPinned(false, 0, try opened.lock()))
    #expect(try !opened.setPinned(false, 0, try opened.lock()))
    #expect(try !status().contains("Pinned: yes"))
    let origin = try sysroot.read("ostree/deploy/coppice/deploy/\(TestSysroot.two).0.origin")
    #expect(origin == "[origin]\nrefspec=\(TestSysroot.ref)\n")
  }

  @Test func `each undeploys what the other deployed`() throws {
    try sysroot.deploy(TestSysroot.one)
    try sysroot.ostree("admin", "deploy", "--os=coppice", "--retain", TestSysroot.two)
    try sysroot.deploy(TestSysroot.three) { $0.retention = .all }
    try sysroot.ostree("admin", "undeploy", "0")
    #expect(try sysroot.order() == ["\(TestSysroot.two).0", "\(TestSysroot.one).0"])
    let opened = try sysroot.open()
    _ = try opened.undeploy(0, try opened.lock())
    #expect(try status() == lines("\(TestSysroot.one).0", "1.0"))
    #expect(
      try sysroot.names("ostree/deploy/coppice/deploy")
        == ["\(TestSysroot.one).0", "\(TestSysroot.one).0.origin"])
    #expect(try sysroot.names("boot/ostree").count == 1)
  }

  @Test func `ostree finds nothing to clean up after coppice`() throws {
    try sysroot.deploy(TestSysroot.one)
    try sysroot.deploy(TestSysroot.two)
    try sysroot.deploy(TestSysroot.three)
    let before = try sysroot.shell("find boot ostree/deploy ostree/boot.* ostree/repo/refs | sort")
    try sysroot.ostree("admin", "cleanup")
    #expect(
      try sysroot.shell("find boot ostree/deploy ostree/boot.* ostree/repo/refs | sort") == before)
  }

  @Test func `coppice cleans up after ostree`() throws {
    try sysroot.ostree("admin", "deploy", "--os=coppice", TestSysroot.one)
    _ = try sysroot.shell(
      """
      cp -a boot/loader.1 boot/loader.0; cp -a ostree/boot.1.1 ostree/boot.1.0
      mkdir -p boot/ostree/initramfs-overlays; echo x >boot/ostree/initramfs-overlays/a.img
      cp -a boot/ostree/coppice-* boot/ostree/coppice-\(String(repeating: "a", count: 64))
      mkdir ostree/deploy/coppice/deploy/\(TestSysroot.two).7
      chattr +i ostree/deploy/coppice/deploy/\(TestSysroot.two).7
      """)
    let opened = try sysroot.open()
    let report = try opened.cleanup(try opened.lock())
    #expect(report.removed.contains("ostree/deploy/coppice/deploy/\(TestSysroot.two).7"))
    #expect(try sysroot.names("boot") == ["boot", "loader", "loader.1", "ostree"])
    #expect(try sysroot.names("boot/ostree").filter { $0.hasPrefix("coppice-a") } == [])
    #expect(try sysroot.names("boot/ostree/initramfs-overlays") == [])
    #expect(
      try sysroot.names("ostree").sorted() == ["boot.1", "boot.1.1", "deploy", "repo"])
    #expect(try status().first == "coppice \(TestSysroot.one).0")
  }

  @Test func `ostree and coppice exclude each other`() throws {
    try sysroot.deploy(TestSysroot.one)
    let opened = try sysroot.open()
    // flock(1) holds a lock of the other kind; python's fcntl the one that ostree takes.
    let holder = try RunningProgram(
      "python3",
      [
        "-c",
        """
        import fcntl, struct, sys, time
        file = open('\(sysroot.path)/ostree/lock', 'w')
        fcntl.fcntl(file, 37, struct.pack('hhqqi4x', fcntl.F_WRLCK, 0, 0, 0, 0))
        print('locked', file=sys.stderr, flush=True)
        time.sleep(60)
        """,
      ])
    for _ in 0..<200 where !holder.standardErrorSoFar.contains("locked") {
      Thread.sleep(forTimeInterval: 0.05)
    }
    #expect(holder.standardErrorSoFar.contains("locked"))
    let busy = Result { () throws(DeployError) in
      _ = try opened.lock(waitSeconds: 0)
      return true
    }
    #expect(busy == .failure(.busy(path: "\(sysroot.path)/ostree/lock")))
    holder.send(signal: SIGKILL)
    _ = try holder.wait()
    let lock = try opened.lock(waitSeconds: 5)
    #expect(sysroot.exists("ostree/lock"))
    extendLifetime(lock)
  }

  /// The /etc of a deploy by either, from the same start.
  @Test func `both merge etc alike`() throws {
    let changes = """
      echo local >>default.conf; rm toremove.conf; echo new >added.conf; mkdir -p sub/dir
      echo y >sub/dir/y; chmod 700 sub; ln -s default.conf link; chown 3:4 unchanged.conf
      echo z >conf.d/z; chmod 750 conf.d
      """
    let other = try TestSysroot()
    for one in [sysroot, other] {
      try one.deploy(TestSysroot.one)
      _ = try one.shell("cd ostree/deploy/coppice/deploy/\(TestSysroot.one).0/etc; \(changes)")
    }
    try sysroot.deploy(TestSysroot.three)
    try other.ostree("admin", "deploy", "--os=coppice", TestSysroot.ref)
    let list = """
      cd ostree/deploy/coppice/deploy/\(TestSysroot.three).0/etc
      find . -printf '%M %U:%G %p %l ' -type f -exec sha256sum {} + -printf '\\n' | sort
      """
    #expect(try sysroot.shell(list) == other.shell(list))
    #expect(
      try sysroot.shell("cat ostree/deploy/coppice/deploy/*.0/etc/added.conf").contains("new"))
  }

  @Test func `both list the same changes of etc`() throws {
    try sysroot.deploy(TestSysroot.one)
    _ = try sysroot.shell(
      """
      cd ostree/deploy/coppice/deploy/\(TestSysroot.one).0/etc
      echo local >>default.conf; rm toremove.conf; rm -r conf.d; mkdir -p sub/dir; echo y >sub/dir/y
      """)
    let diff = try sysroot.open().etcDiff()
    let ours =
      diff.modified.map { "M    \($0)" } + diff.removed.map { "D    \($0)" }
      + diff.added.map { "A    \($0)" }
    let theirs = try sysroot.ostree("admin", "config-diff", "--os=coppice")
    #expect(ours.sorted() == theirs.split(separator: "\n").map(String.init).sorted())
    #expect(ours.count == 6)
  }
}
