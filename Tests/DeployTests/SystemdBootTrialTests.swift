// SPDX-License-Identifier: Apache-2.0
import Cryptography
import Foundation
import OSTree
import Support
import Testing

@testable import Boot
@testable import Deploy

private let (one, two, three) = (TestSysroot.one, TestSysroot.two, TestSysroot.three)

/// Trial boots with systemd-boot, whose entries follow the boot order and are what boots.
@Suite struct SystemdBootTrialTests {
  let board: EFIBoard

  init() throws { board = try EFIBoard() }

  // MARK: Begin and proof

  @Test func `a deploy puts a counted entry in front of the proven one`() throws {
    #expect(try board.names() == ["ostree-1-coppice.conf"])
    let report = try board.deploy(two)
    #expect(report.trialBoots == 3)
    #expect(try board.names() == ["ostree-2-coppice.conf", "ostree-3-coppice+3.conf"])
    #expect(try board.proofs() == [.trial(left: 3, max: 3), .proven])
    #expect(try board.order() == [two, one])
    let state = try board.open().state()
    #expect(try board.kernels() == state.deployments.map { $0.bootName }.sorted())
  }

  @Test func `a start takes one off, and mark-good ends the counting`() throws {
    try board.deploy(two)
    #expect(try board.start() == two)
    #expect(try board.names() == ["ostree-2-coppice.conf", "ostree-3-coppice+2-1.conf"])
    #expect(try board.proofs() == [.trial(left: 2, max: 3), .proven])
    #expect(try board.markGood().isNew)
    #expect(try board.names() == ["ostree-2-coppice.conf", "ostree-3-coppice.conf"])
    #expect(try board.proofs() == [.proven, .proven])
    #expect(try board.trials().trial == nil)
    #expect(try board.start() == two)
  }

  @Test func `a proof in the last start counts`() throws {
    try board.deploy(two, trialBoots: 1)
    #expect(try board.start() == two)
    #expect(try board.names().last == "ostree-3-coppice+0-1.conf")
    #expect(try board.proofs() == [.trial(left: 0, max: 1), .proven])
    try board.markGood()
    #expect(try board.start() == two)
    #expect(try board.trials().rejected == [])
  }

  @Test func `systemd-bless-boot may have been there before`() throws {
    try board.deploy(two)
    try board.start()
    try FileManager.default.moveItem(
      atPath: "\(board.entries)/ostree-3-coppice+2-1.conf",
      toPath: "\(board.entries)/ostree-3-coppice.conf")
    try board.markGood()
    #expect(try board.proofs() == [.proven, .proven])
    #expect(try board.names() == ["ostree-2-coppice.conf", "ostree-3-coppice.conf"])
  }

  @Test func `without a trial nothing is counted`() throws {
    try board.deploy(two, trialBoots: 0)
    #expect(try board.names() == ["ostree-2-coppice.conf", "ostree-3-coppice.conf"])
    #expect(try board.start() == two)
  }

  @Test func `a change behind the one on trial leaves its count`() throws {
    let opened = try board.open()
    try opened.setPinned(true, 0, try opened.lock())
    try board.deploy(two)
    try board.start()
    try board.markGood()
    try board.deploy(three)
    #expect(try board.start() == three)
    let later = try board.open()
    _ = try later.undeploy(2, try later.lock())
    #expect(try board.order() == [three, two])
    #expect(try board.names().last?.hasSuffix("-coppice+2-1.conf") == true)
    #expect(try board.names().count == 2)
  }

  @Test func `a rollback by hand ends the trial`() throws {
    try board.deploy(two)
    try board.start()
    let opened = try board.open()
    _ = try opened.rollback(try opened.lock())
    #expect(try board.order() == [one, two])
    #expect(try board.names() == ["ostree-4-coppice.conf", "ostree-5-coppice.conf"])
    #expect(try board.start() == one)
    #expect(try board.trials().trial == nil)
  }

  // MARK: Fallback

  @Test func `what never proves itself falls back, is rejected and leaves the ESP`() throws {
    try board.deploy(two)
    #expect(try board.startUntilFallback() == [two, two, two, one])
    let status = try board.open().status()
    #expect(status.deployments.map { $0.proof } == [.failed, .proven])
    #expect(status.deployments.map { $0.isNext } == [false, true])
    #expect(!status.needsReboot)

    let report = try board.markGood()
    #expect(report.fallback?.rejected?.commit.hex == two)
    #expect(try board.order() == [one])
    #expect(try board.names() == ["ostree-4-coppice.conf"])
    #expect(try board.kernels().count == 1)
    #expect(try board.trials().rejected.map { $0.deployment.commit.hex } == [two])
    #expect(try board.start() == one)
    #expect(try board.settleFallback() == nil)
  }

  @Test func `the next update after a fallback is counted anew`() throws {
    try board.deploy(two)
    _ = try board.startUntilFallback()
    try board.deploy(three)
    #expect(try board.order() == [three, one])
    #expect(try board.menu().map { $0.left } == [3, nil])
    #expect(try board.startUntilFallback() == [three, three, three, one])
  }

  // MARK: Links and entries

  /// A cut between the links and the entries: the old one boots, and the next command does more.
  @Test func `entries that are behind the links are brought up by the next command`() throws {
    try board.deployLinks(two)
    let status = try board.open().status()
    #expect(!status.loaderFollows)
    #expect(status.deployments.map { $0.isNext } == [false, true])
    #expect(try board.start() == one, "the links alone change nothing of what boots")
    try board.markGood()
    #expect(try board.open().status().loaderFollows)
    #expect(try board.menu().map { $0.left } == [3, nil])
    #expect(try board.start() == two)
  }

  /// The new position 0 is in force, and nothing behind it yet.
  @Test func `a cut after the first entry leaves what it fell back on before`() throws {
    try board.deployLinks(two)
    let opened = try board.open()
    let wanted = try opened.boot.entries(of: try #require(try opened.state().bootVersion))
    let esp = SystemdBoot(board.esp)
    try esp.copyKernels(of: wanted.map { $0.entry }, from: opened.boot)
    _ = try #require(try esp.prepare(wanted, counter: BootCounter(left: 3)))
    #expect(try board.start() == one, "what is prepared is passed over")
    let first = try SystemdBootEntry(
      SystemdBoot.entry(wanted[0].entry, number: 3), path: "ostree-3-coppice+3.conf")
    try esp.complete("ostree-3-coppice+3.conf", first, try esp.open())
    let files = try board.menu().map { $0.file }
    #expect(files == ["ostree-3-coppice+3.conf", "ostree-1-coppice.conf"])
    #expect(try board.start() == two)
    try board.markGood()
    #expect(try board.menu().map { $0.left } == [nil, nil])
    #expect(try board.names().count == 2)
    #expect(try board.proofs() == [.proven, .proven])
  }

  @Test func `what the real ostree deploys boots after the next command`() throws {
    try board.sysroot.ostree("admin", "deploy", "--os=coppice", two)
    #expect(try board.open().status().loaderFollows == false)
    try board.markGood()
    #expect(try board.open().status().loaderFollows)
    #expect(try board.start() == two)
    #expect(try board.names().count == 2)
  }

  @Test func `ostree sees the deployments as before`() throws {
    try board.deploy(two)
    let status = try board.sysroot.ostree("admin", "status")
    #expect(status.contains("\(two).0") && status.contains("\(one).0"))
    try board.sysroot.ostree("admin", "cleanup")
    #expect(try board.start() == two)
  }

  @Test(.enabled(if: LoopFileSystem.isAvailable("mkfs.ext4 -q -F -m 0")))
  func `nothing is changed where the ESP has no room`() throws {
    let mounted = try LoopFileSystem("mkfs.ext4 -q -F -m 0", megabytes: 4, at: board.esp)
    try mustRun("sh", "-c", "mkdir loader; echo >loader/loader.conf", in: board.esp)
    try board.markGood()
    let before = try board.names()
    #expect(before == ["ostree-1-coppice.conf"])
    try mustRun(
      "sh", "-c", "dd if=/dev/zero of=full bs=64k 2>/dev/null; truncate -s -256k full; sync full",
      in: board.esp)
    let big = try board.sysroot.commit("true", kernel: "another kernel")
    let opened = try board.open()
    let lock = try opened.lock()
    let commit = try #require(Checksum(hex: big))
    let result = Result { () throws(DeployError) in
      try opened.deploy(commit, origin: Origin(refspec: "r"), DeployOptions(), lock).trialBoots
    }
    guard case .failure(.noSpace(board.esp, let needed, let free)) = result else {
      Issue.record("\(result)")
      return
    }
    #expect(needed > free)
    #expect(try board.names() == before)
    #expect(try board.order() == [one])
    #expect(try board.kernels().count == 1)
    _ = mounted.path
  }

  @Test func `an ESP that is not there is said, and nothing is changed`() throws {
    try FileManager.default.removeItem(atPath: board.esp)
    let opened = try Sysroot.open(
      board.sysroot.path, environment: board.sysroot.environment, loader: .systemdBoot)
    let lock = try opened.lock()
    let commit = try #require(Checksum(hex: two))
    let result = Result { () throws(DeployError) in
      try opened.deploy(commit, origin: Origin(refspec: "r"), DeployOptions(), lock).trialBoots
    }
    #expect(result == .failure(.boot(.noSystemPartition(path: board.esp))))
    #expect(try opened.status().loaderFailure == .boot(.noSystemPartition(path: board.esp)))
  }

  // MARK: The same ESP

  @Test func `the ESP that the boot loader came from must be the one that is written`() throws {
    func proof() throws -> StoreProof? {
      let opened = try board.open()
      return try opened.storeProof(try opened.state())
    }
    #expect(try proof() == .partitionUntold(path: board.esp))
    try board.setVariable("LoaderInfo", "systemd-boot 252.39-1~deb12u1")
    try board.setVariable("LoaderDevicePartUUID", "0F0E0D0C-0000-4000-8000-000000000001")
    let guid = "0f0e0d0c-0000-4000-8000-000000000001"
    #expect(try proof() == .partitionUnlinked(path: board.esp, partition: guid))
    let links = try board.sysroot.folder.makeDirectory("by-partuuid")
    try FileManager.default.createSymbolicLink(
      atPath: "\(links)/\(guid)", withDestinationPath: "/dev/null")
    #expect(try proof() == .differs(told: guid, found: board.esp))
    try board.setVariable("LoaderInfo", "GRUB 2.12")
    #expect(try proof() == .differs(told: "GRUB 2.12", found: "systemd-boot in \(board.esp)"))
  }
}
