// SPDX-License-Identifier: Apache-2.0
import Configuration
import Cryptography
import Deploy
import OSTree
import Pull
import Support
import Testing

@testable import Updater

@Suite struct UpdateTests {
  private let device: DeviceFixture

  init() throws { device = try DeviceFixture() }

  private typealias OS = DeviceFixture

  @Test func `a new device gets its first deployment, as the real ostree sees it`() throws {
    try device.publish(OS.one)
    let report = try device.update().get()
    #expect(report.result == .deployed)
    #expect(report.check.commit?.hex == OS.one)
    #expect(report.check.version == "1.0")
    #expect(report.check.deployed == nil)
    #expect(report.pull?.fetchedContent ?? 0 > 0)
    #expect(report.next?.name == "\(OS.one).0")
    #expect(!report.needsReboot)
    let status = try device.ostree("admin", "status")
    #expect(status.contains("coppice \(OS.one).0"))
    #expect(status.contains("origin refspec: origin:\(OS.ref)"))
    #expect(
      try device.ostree("fsck", "--repo=\(device.path)/ostree/repo").contains("no errors"))
  }

  @Test func `what is deployed already is not deployed again`() throws {
    try device.publish(OS.one)
    _ = try device.update().get()
    let before = try device.listing()
    let report = try device.update().get()
    #expect(report.result == .upToDate)
    #expect(report.pull == nil)
    #expect(report.deploy == nil)
    #expect(report.next?.name == "\(OS.one).0")
    // The lock is made and removed.
    let after = try device.listing()
    #expect(after.split(separator: "\n").count == before.split(separator: "\n").count)
    #expect(try device.order() == ["\(OS.one).0"])
  }

  @Test func `each version takes the first place, and what falls out of use goes`() throws {
    for version in [OS.one, OS.two, OS.three] {
      try device.publish(version)
      #expect(try device.update().get().result == .deployed)
    }
    #expect(try device.order() == ["\(OS.three).0", "\(OS.two).0"])
    let repo = try device.sysroot().repo
    let commits = try [OS.one, OS.two, OS.three].map {
      try repo.contains(ObjectName(try #require(Checksum(hex: $0)), .commit))
    }
    #expect(commits == [false, true, true])
    try PeerRepo(existing: repo.path).fsck()
  }

  @Test func `what was only downloaded is deployed without being fetched again`() throws {
    try device.publish(OS.one)
    let first = try device.update { $0.deploys = false }.get()
    #expect(first.result == .downloaded)
    #expect(first.deploy == nil)
    #expect(try device.order() == [])
    let second = try device.update().get()
    #expect(second.result == .deployed)
    #expect(second.pull?.fetchedContent == 0)
  }

  @Test func `an update that broke off is completed by the next one`() throws {
    try device.publish(OS.one)
    _ = try device.update().get()
    try device.publish(OS.two)
    let (missing, restore) = try device.hideFile(of: OS.two, besides: OS.one)
    let url = "\(device.web.url)/objects/\(missing.loosePath(archive: true))"
    #expect(try device.update().failure == .pull(.missing(missing, url: url)))
    #expect(try device.order() == ["\(OS.one).0"])
    try restore()
    #expect(try device.update().get().result == .deployed)
    #expect(try device.order() == ["\(OS.two).0", "\(OS.one).0"])
    try PeerRepo(existing: "\(device.path)/ostree/repo").fsck()
  }

  @Test func `force deploys what is deployed already`() throws {
    try device.publish(OS.one)
    _ = try device.update().get()
    #expect(try device.update { $0.isForced = true }.get().result == .deployed)
    #expect(try device.order() == ["\(OS.one).1", "\(OS.one).0"])
  }

  @Test func `a ref that the server lacks is named, and nothing changes`() throws {
    device.configuration = "[device]\nremote=origin\nref=coppice/none\n"
    let url = "\(device.web.url)/refs/heads/coppice/none"
    #expect(try device.update().failure == .pull(.unknownRef("coppice/none", url: url)))
    #expect(try device.order() == [])
  }

  @Test func `an older commit than the deployed one is refused`() throws {
    try device.publish(OS.two)
    _ = try device.update().get()
    try device.publish(OS.one)
    let older = UpdaterError.older(
      try #require(Checksum(hex: OS.one)), timestamp: 1_000_000_000,
      deployed: try #require(Checksum(hex: OS.two)), deployedTimestamp: 1_000_000_100)
    #expect(try device.update().failure == older)
    #expect(try device.update { $0.isForced = true }.failure == older)
    #expect(try device.order() == ["\(OS.two).0"])
  }

  @Test(arguments: ["directory", "url", "sysroot"])
  func `an update comes from a stick when the server is away`(kind: String) throws {
    try device.publish(OS.one)
    try device.web.stop()
    var from = device.server.path
    if kind == "url" { from = "file://\(from)" }
    if kind == "sysroot" {
      try device.folder.makeDirectory("stick/ostree")
      try mustRun("cp", "-r", device.server.path, device.folder.file("stick/ostree/repo"))
      from = device.folder.file("stick")
    }
    let report = try device.update { $0.from = from }.get()
    #expect(report.result == .deployed)
    #expect(try device.order() == ["\(OS.one).0"])
    #expect(try device.update().failure != nil)
  }

  @Test func `somebody else's lock is respected`() throws {
    try device.publish(OS.one)
    let holder = try RunningProgram(
      "python3",
      [
        "-c",
        """
        import fcntl, os, struct, sys, time
        f = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT, 0o660)
        fcntl.fcntl(f, 37, struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 0, 0, 0))
        print("locked", file=sys.stderr, flush=True)
        time.sleep(60)
        """, "\(device.path)/ostree/lock",
      ])
    while !holder.standardErrorSoFar.contains("locked") { try mustRun("sleep", "0.05") }
    #expect(
      try device.update().failure == .deploy(.busy(path: "\(device.path)/ostree/lock")))
    holder.send(signal: 9)
  }

  @Test func `the end of a branch's life is reported`() throws {
    try device.server.ostree(
      "commit", "-b", OS.ref, "--tree=ref=\(OS.three)", "--timestamp=@1000000300",
      "--add-metadata-string=ostree.endoflife=use version 4",
      "--add-metadata-string=ostree.endoflife-rebase=coppice/x86_64/four")
    let report = try device.update().get()
    #expect(report.check.endOfLife == "use version 4")
    #expect(report.check.endOfLifeRebase == "coppice/x86_64/four")
  }

  @Test func `what another stateroot boots is still new to this one`() throws {
    try device.publish(OS.one)
    _ = try device.update().get()
    _ = try device.ostree("admin", "os-init", "other")
    device.configuration += "[device]\nstateroot=other\n"
    #expect(try device.update().get().result == .deployed)
    #expect(try device.sysroot().state().deployments.first?.stateroot == "other")
  }

  @Test func `what was checked is pulled, whatever the server says meanwhile`() throws {
    try device.publish(OS.one)
    let updater = try device.updater()
    let check = try updater.check()
    let commit = try #require(check.commit)
    try device.publish(OS.two)
    _ = try updater.pull(commit, check, UpdateOptions(), planOnly: false) { _ in }
    let repo = try device.sysroot().repo
    #expect(try repo.contains(ObjectName(commit, .commit)))
    #expect(try !repo.contains(ObjectName(try #require(Checksum(hex: OS.two)), .commit)))
  }

  @Test func `on the device that runs, the state is its own and a reboot is due`() throws {
    try device.publish(OS.one)
    _ = try device.update().get()
    let tree = "\(device.path)/ostree/deploy/coppice/deploy/\(OS.one).0"
    device.environment.root = tree
    #expect(try !device.update().get().needsReboot)
    try device.publish(OS.two)
    let report = try device.update().get()
    #expect(report.needsReboot)
    #expect(report.next?.name == "\(OS.two).0")
    let sysroot = try device.sysroot()
    #expect(try StateFolder.path(of: sysroot, sysroot.state()) == "\(tree)/var/lib/coppice")
  }

  /// libostree puts it first when the machine goes down, whatever boots next until then.
  @Test func `what libostree has staged gives way to what the server has`() throws {
    try device.publish(OS.one)
    _ = try device.update().get()
    device.environment.root = "\(device.path)/ostree/deploy/coppice/deploy/\(OS.one).0"
    #expect(try device.update().get().result == .upToDate)
    let target = StagedDeployment.Target(
      commit: try #require(Checksum(hex: OS.two)), serial: 0, stateroot: "coppice",
      bootcsum: String(repeating: "0", count: 64))
    let staged = StagedDeployment(target: target, mergeDeployment: nil, kernelArguments: nil)
    try device.folder.write(staged.serialized(), to: "run/ostree/staged-deployment")
    #expect(try device.update().get().result == .deployed)
    let state = try device.sysroot().state()
    #expect(state.staged == nil)
    #expect(state.deployments.first?.commit.hex == OS.one)
  }

  @Test func `the state of another sysroot lies in its stateroot`() throws {
    let sysroot = try device.sysroot()
    #expect(
      try StateFolder.path(of: sysroot, sysroot.state())
        == "\(device.path)/ostree/deploy/coppice/var/lib/coppice")
  }
}
