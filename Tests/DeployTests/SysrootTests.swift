// SPDX-License-Identifier: Apache-2.0
import Boot
import Cryptography
import Foundation
import Linux
import OSTree
import Support
import Testing

@testable import Deploy

@Suite struct SysrootTests {
  private let sysroot: TestSysroot

  init() throws { sysroot = try TestSysroot() }

  private func name(_ commit: String, _ serial: Int = 0) -> String { "\(commit).\(serial)" }

  /// Names, inodes, times and sizes of everything but the repo's objects.
  private func snapshot() throws -> String {
    try sysroot.shell(
      """
      find . -path ./ostree/repo/objects -prune -o -path ./ostree/lock -prune \
        -o -name ostree -prune -o -printf '%p %i %s %T@ %C@ %l\\n' | sort
      find ostree/deploy ostree/boot.* ostree/repo/refs -printf '%p %i %s %T@ %C@ %l\\n' | sort
      """)
  }

  // MARK: Boot order

  @Test func `a deploy keeps what it merged from and drops the rest`() throws {
    try sysroot.deploy(TestSysroot.one)
    try sysroot.deploy(TestSysroot.two)
    let report = try sysroot.deploy(TestSysroot.three)
    #expect(try sysroot.order() == [name(TestSysroot.three), name(TestSysroot.two)])
    #expect(report.countBefore == 2)
    #expect(report.countAfter == 2)
    #expect(report.removed.contains("ostree/deploy/coppice/deploy/\(name(TestSysroot.one))"))
    #expect(try sysroot.names("boot/ostree").count == 2)
    #expect(try sysroot.names("ostree/repo/refs/heads/ostree/1/1") == ["0", "1"])
  }

  @Test func `pinned and retained deployments stay`() throws {
    try sysroot.deploy(TestSysroot.one)
    let opened = try sysroot.open()
    try opened.setPinned(true, 0, try opened.lock())
    try sysroot.deploy(TestSysroot.two)
    try sysroot.deploy(TestSysroot.three)
    try sysroot.deploy(TestSysroot.three) { $0.retention = .all }
    #expect(
      try sysroot.order() == [
        name(TestSysroot.three, 1), name(TestSysroot.three), name(TestSysroot.two),
        name(TestSysroot.one),
      ])
  }

  @Test func `the previous deployment comes first after a rollback, and back again`() throws {
    let opened = try sysroot.open()
    let nothing = Result { () throws(DeployError) in try opened.rollback(try opened.lock()) }
    #expect(nothing == .failure(.nothingToRollBackTo))
    try sysroot.deploy(TestSysroot.one)
    try sysroot.deploy(TestSysroot.two)
    _ = try opened.rollback(try opened.lock())
    #expect(try sysroot.order() == [name(TestSysroot.one), name(TestSysroot.two)])
    _ = try opened.rollback(try opened.lock())
    #expect(try sysroot.order() == [name(TestSysroot.two), name(TestSysroot.one)])
  }

  @Test func `the running deployment is known by its directory and stays`() throws {
    try sysroot.deploy(TestSysroot.one)
    try sysroot.deploy(TestSysroot.two)
    sysroot.environment.root =
      "\(sysroot.path)/ostree/deploy/coppice/deploy/\(name(TestSysroot.one))"
    let opened = try sysroot.open()
    #expect(try opened.state().bootedIndex == 1)
    #expect(try opened.status().needsReboot)
    let refused = Result { () throws(DeployError) in
      try opened.undeploy(1, try opened.lock())
    }
    #expect(refused == .failure(.isBooted(index: 1)))
    // Merged from the booted one, and the pending one makes way.
    try sysroot.deploy(TestSysroot.three)
    #expect(try sysroot.order() == [name(TestSysroot.three), name(TestSysroot.one)])
    // Nothing is behind the booted one: it comes in front of what is pending.
    _ = try opened.rollback(try opened.lock())
    #expect(try sysroot.order() == [name(TestSysroot.one), name(TestSysroot.three)])
    #expect(try !opened.status().needsReboot)
  }

  @Test func `with an overlay as root the running deployment is named in run`() throws {
    try sysroot.deploy(TestSysroot.one)
    let folder = "\(sysroot.path)/ostree/deploy/coppice/deploy/\(name(TestSysroot.one))"
    let status = try FileDescriptor.status(of: folder)
    var bytes = try [UInt8](
      Data(contentsOf: URL(fileURLWithPath: "\(PackagePaths.golden)/ostree/ostree-booted.bin")))
    // The golden file has device 2049 and inode 131073.
    func littleEndian(_ value: UInt64) -> [UInt8] {
      (0..<8).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
    }
    func replace(_ old: UInt64, _ new: UInt64) {
      let start = bytes.indices.first { bytes[$0...].starts(with: littleEndian(old)) }!
      bytes.replaceSubrange(start..<start + 8, with: littleEndian(new))
    }
    replace(2049, status.device)
    replace(131073, status.inode)
    try sysroot.folder.write(bytes, to: "run/ostree-booted")
    #expect(try sysroot.open().state().bootedIndex == 0)
  }

  @Test func `an order names every deployment once`() throws {
    try sysroot.deploy(TestSysroot.one)
    try sysroot.deploy(TestSysroot.two)
    let opened = try sysroot.open()
    for order in [[0], [0, 0], [1, 0, 1]] {
      let refused = Result { () throws(DeployError) in
        try opened.reorder(order, try opened.lock())
      }
      #expect(refused == .failure(.notAnOrder(order)))
    }
    let outside = Result { () throws(DeployError) in
      try opened.reorder([0, 2], try opened.lock())
    }
    #expect(outside == .failure(.noDeployment(index: 2, count: 2)))
    _ = try opened.reorder([1, 0], try opened.lock())
    #expect(try sysroot.order() == [name(TestSysroot.one), name(TestSysroot.two)])
  }

  @Test func `an unchanged order writes nothing`() throws {
    try sysroot.deploy(TestSysroot.one)
    try sysroot.deploy(TestSysroot.two)
    let before = try snapshot()
    let opened = try sysroot.open()
    #expect(try opened.reorder([0, 1], try opened.lock()) == OrderReport(change: .unchanged))
    #expect(try snapshot() == before)
  }

  @Test func `trees with the same entries change places behind their links`() throws {
    try sysroot.deploy(TestSysroot.one)
    try sysroot.deploy(TestSysroot.one) { $0.retention = .all }
    let entries = try sysroot.shell("cat boot/loader/entries/*")
    let loader = try FileDescriptor.status(of: "\(sysroot.path)/boot/loader", following: false)
    let opened = try sysroot.open()
    #expect(try opened.rollback(try opened.lock()) == OrderReport(change: .relinked))
    #expect(try sysroot.order() == [name(TestSysroot.one, 0), name(TestSysroot.one, 1)])
    #expect(try sysroot.shell("cat boot/loader/entries/*") == entries)
    #expect(
      try FileDescriptor.status(of: "\(sysroot.path)/boot/loader", following: false) == loader)
    #expect(try sysroot.ostree("admin", "status").contains(name(TestSysroot.one, 0)))
  }

  @Test func `a new serial is above all that are there`() throws {
    try sysroot.deploy(TestSysroot.one)
    _ = try sysroot.shell("mkdir ostree/deploy/coppice/deploy/\(name(TestSysroot.one, 8))")
    // The left-over goes first, so that its number is free again.
    #expect(try sysroot.deploy(TestSysroot.one).deployment.serial == 1)
    let report = try sysroot.deploy(TestSysroot.one) { $0.retention = .all }
    #expect(report.deployment.serial == 2)
  }

  @Test func `a second stateroot shows in titles and keeps its deployments`() throws {
    try sysroot.deploy(TestSysroot.one)
    let opened = try sysroot.open()
    try opened.makeStateroot("other")
    // Not said, it is that of the deployments.
    try sysroot.deploy(TestSysroot.two)
    try sysroot.deploy(TestSysroot.three) { $0.stateroot = "other" }
    #expect(
      try opened.state().deployments.map { $0.entry.title } == [
        "Coppice Test OS 3.0 (ostree:other:0)", "Coppice Test OS 2.0 (ostree:coppice:1)",
        "Coppice Test OS 1.0 (ostree:coppice:2)",
      ])
    let none = Result { () throws(DeployError) in
      var options = DeployOptions()
      options.stateroot = "nope"
      return try opened.deploy(
        Checksum(hex: TestSysroot.two)!, origin: Origin(refspec: "x"), options, try opened.lock()
      ).countAfter
    }
    #expect(none == .failure(.noStateroot(path: sysroot.path, name: "nope")))
    #expect(try sysroot.ostree("admin", "status").contains("other \(name(TestSysroot.three))"))
  }

  // MARK: Kernel arguments

  @Test func `arguments are inherited, changed, and changed back`() throws {
    try sysroot.deploy(TestSysroot.one) {
      $0.argumentChanges = [.append("root=LABEL=a"), .append("console=tty0")]
    }
    let opened = try sysroot.open()
    let report = try opened.editKernelArguments(
      [.append("console=ttyS0"), .replace("root=LABEL=b")], try opened.lock())
    let arguments = try #require(report?.deployment.arguments)
    #expect(report?.deployment.serial == 1)
    #expect(
      arguments.arguments.filter { !$0.hasPrefix("ostree=") } == [
        "root=LABEL=b", "console=tty0", "panic=10", "console=ttyS0",
      ])
    let same = try opened.editKernelArguments([.replace("root=LABEL=b")], try opened.lock())
    #expect(same == nil)
    let unknown = Result { () throws(DeployError) in
      try opened.editKernelArguments([.delete("nope")], try opened.lock()) == nil
    }
    #expect(unknown == .failure(.noKernelArgument("nope")))
    #expect(try sysroot.order() == [name(TestSysroot.one, 1), name(TestSysroot.one, 0)])
  }

  @Test func `a kernel that panics restarts unless somebody has said otherwise`() throws {
    let first = try sysroot.deploy(TestSysroot.one) { $0.argumentChanges = [.append("panic=0")] }
    #expect(first.deployment.arguments.value(of: "panic") == "0")
    let second = try sysroot.deploy(TestSysroot.two) { $0.argumentChanges = [.delete("panic=0")] }
    #expect(!second.deployment.arguments.contains(key: "panic"))
    let third = try sysroot.deploy(TestSysroot.three)
    #expect(third.deployment.arguments.value(of: "panic") == "10")
  }

  @Test func `without merge arguments and etc are those of the image`() throws {
    let first = try sysroot.deploy(TestSysroot.one) { $0.argumentChanges = [.append("quiet")] }
    try sysroot.folder.write("x", to: "sysroot/\(first.deployment.path)/etc/local")
    let second = try sysroot.deploy(TestSysroot.two) { $0.merges = false }
    #expect(second.etc == nil)
    #expect(!sysroot.exists("\(second.deployment.path)/etc/local"))
    #expect(!second.deployment.arguments.contains(key: "quiet"))
  }

  // MARK: Staged by libostree

  @Test func `what libostree has staged is shown, kept from cleanup, and replaced`() throws {
    try sysroot.deploy(TestSysroot.one)
    sysroot.environment.root =
      "\(sysroot.path)/ostree/deploy/coppice/deploy/\(name(TestSysroot.one))"
    let target = StagedDeployment.Target(
      commit: Checksum(hex: TestSysroot.two)!, serial: 0, stateroot: "coppice",
      bootcsum: "eec4473df979817e4a4ddfe3631a750169e42717f901c4a68c36f7d29e1def05")
    let staged = StagedDeployment(target: target, mergeDeployment: nil, kernelArguments: nil)
    try sysroot.folder.write(staged.serialized(), to: "run/ostree/staged-deployment")
    let folder = "ostree/deploy/coppice/deploy/\(name(TestSysroot.two))"
    _ = try sysroot.shell("mkdir \(folder)")

    let opened = try sysroot.open()
    #expect(try opened.state().staged == staged)
    #expect(try opened.status().needsReboot)
    _ = try opened.cleanup(try opened.lock())
    #expect(sysroot.exists(folder))
    let pin = Result { () throws(DeployError) in
      try opened.setPinned(true, 0, try opened.lock())
    }
    #expect(pin == .failure(.isStaged))
    #expect(try opened.setPinned(true, 1, try opened.lock()))

    try sysroot.deploy(TestSysroot.three)
    #expect(try opened.state().staged == nil)
    #expect(!sysroot.exists("../run/ostree/staged-deployment"))
    #expect(!sysroot.exists(folder))
  }

  @Test func `a prune keeps the objects of deployments and refs alone`() throws {
    try sysroot.deploy(TestSysroot.one)
    try sysroot.deploy(TestSysroot.two)
    _ = try sysroot.shell("rm -r ostree/repo/refs/heads/keep")
    let opened = try sysroot.open()
    #expect(try opened.prune(try opened.lock()).objects.removedObjects == 0)
    _ = try opened.undeploy(1, try opened.lock())
    let report = try opened.prune(try opened.lock()).objects
    #expect(report.removedCommits == 1)
    let commits = try sysroot.shell("find ostree/repo/objects -name '*.commit' | wc -l")
    #expect(commits == "2")
    #expect(try sysroot.ostree("fsck", "--repo=\(sysroot.path)/ostree/repo").contains("no errors"))
    #expect(try sysroot.ostree("admin", "cleanup") == "")
  }

  @Test func `where boot is not mounted, that of the physical root is taken`() throws {
    try sysroot.deploy(TestSysroot.one)
    // A deployment's view: `ostree` leads into `sysroot`, and `boot` is empty.
    let view = sysroot.folder.file("view")
    try mustRun("sh", "-ec", "mkdir -p \(view)/boot; ln -s sysroot/ostree \(view)/ostree")
    try mustRun("ln", "-s", sysroot.path, "\(view)/sysroot")
    let opened = try Sysroot.open(view, environment: sysroot.environment)
    #expect(try opened.state().deployments.map { $0.name } == [name(TestSysroot.one)])
  }

  // MARK: What must be refused

  @Test func `a partial commit is refused`() throws {
    try sysroot.folder.write(
      "", to: "sysroot/ostree/repo/state/\(TestSysroot.one).commitpartial")
    let opened = try sysroot.open()
    let commit = Checksum(hex: TestSysroot.one)!
    let refused = Result { () throws(DeployError) in
      try opened.deploy(
        commit, origin: Origin(refspec: "x"), DeployOptions(), try opened.lock()
      ).countAfter
    }
    #expect(refused == .failure(.partialCommit(commit)))
    #expect(try sysroot.names("ostree/deploy/coppice") == ["var"])
  }

  @Test func `an entry that leads nowhere is refused, and nothing is removed`() throws {
    try sysroot.deploy(TestSysroot.one)
    _ = try sysroot.shell("rm ostree/boot.1.1/coppice/*/0")
    let opened = try sysroot.open()
    let entry = "\(sysroot.path)/boot/loader.1/entries/ostree-1-coppice.conf"
    guard
      case .failure(.strangeEntry(let path, let value)) =
        Result(catching: { () throws(DeployError) in try opened.cleanup(try opened.lock()).removed }
        )
    else {
      Issue.record("not refused")
      return
    }
    #expect(path == entry)
    #expect(value?.hasPrefix("/ostree/boot.1/coppice/") == true)
    #expect(sysroot.exists("ostree/deploy/coppice/deploy/\(name(TestSysroot.one))"))
  }

  @Test func `a folder that is no sysroot is refused`() throws {
    let path = try sysroot.folder.makeDirectory("empty")
    let refused = Result { () throws(DeployError) in try Sysroot.open(path).path }
    #expect(refused == .failure(.notASysroot(path: path)))
  }

  @Test(arguments: ["", ".", "a/b", "-a", "a b", "a\n", "é"])
  func `names that would take a path or an entry apart make no stateroot`(name: String) throws {
    let refused = Result { () throws(DeployError) in
      try Sysroot.initialise(sysroot.folder.file("x"), stateroot: name).path
    }
    #expect(refused == .failure(.invalidStateroot(name)))
    #expect(!sysroot.exists("../x"))
  }
}
