// SPDX-License-Identifier: Apache-2.0
import Cryptography
import Foundation
import Linux
import OSTree
import Support
import Testing

@testable import Boot
@testable import Deploy

private let (one, two, three) = (TestSysroot.one, TestSysroot.two, TestSysroot.three)

/// Trial boots from the deploy to the proof or the fallback, with a boot loader that counts.
@Suite struct TrialTests {
  let board: GrubBoard

  init() throws { board = try GrubBoard() }

  // MARK: Begin

  @Test func `a deploy arms a trial of the new deployment, with the proven one behind it`() throws {
    let report = try board.deploy(two)
    #expect(report.trialBoots == 3)
    #expect(try board.store() == ["boot_counter": "3", "boot_success": "0"])
    #expect(try board.order() == [two, one])
    #expect(try board.proofs() == [.trial(left: 3, max: 3), .proven])
    let status = try board.open().status()
    #expect(status.deployments.map { $0.isNext } == [true, false])
    #expect(status.needsReboot)
  }

  @Test func `nothing is tried where nothing runs, nothing counts or nobody wants it`() throws {
    let report = try board.deploy(two, trialBoots: 0)
    #expect(report.trialBoots == nil)
    #expect(try board.store() == [:])
    #expect(try board.proofs() == [.unknown, .proven])

    board.sysroot.environment.root = "/"
    #expect(try board.deploy(three).trialBoots == nil)
    #expect(try board.store() == [:])
  }

  @Test func `GRUB gets the entries in its own words, swapped with the entries`() throws {
    try board.deploy(two)
    let text = try board.sysroot.read("boot/loader/grub-entries.cfg")
    let state = try board.open().state()
    #expect(text == GrubEntries.text(for: state.deployments.map { $0.entry }))
  }

  @Test func `what is pinned does not come between`() throws {
    try board.deploy(two)
    try board.start()
    try board.markGood()
    let opened = try board.open()
    try opened.setPinned(true, 1, try opened.lock())  // version 1
    try board.deploy(three)
    #expect(try board.order() == [three, two, one])
    // Pinned and in front of the running one.
    let hex = try board.sysroot.commit("echo next >usr/next")
    try opened.setPinned(true, 0, try opened.lock())  // version 3, never started
    try board.deploy(hex)
    #expect(try board.order() == [hex, two, three, one])
  }

  @Test func `while one is on trial the proven one stays what the board falls back on`() throws {
    try board.deploy(two)
    try board.start()
    try board.deploy(three)  // by hand: update would wait
    #expect(try board.order() == [three, one, two])
    #expect(try board.startUntilFallback() == [three, three, three, one])
  }

  @Test func `a store that cannot be written refuses the deploy, and the old order stays`() throws {
    try board.sysroot.folder.write("damaged", to: "sysroot/boot/grub/grubenv")
    let result = try board.tryDeploy(two, trialBoots: 3)
    #expect(result == .failure(.boot(.environmentDamaged(path: board.grubenv))))
    #expect(try board.order() == [one])
    #expect(try board.sysroot.names("ostree/deploy/coppice/deploy").count == 2)
  }

  @Test func `a damaged store is no hindrance where nothing is to be tried`() throws {
    try board.deploy(two)
    try board.start()
    try board.markGood()
    try board.sysroot.folder.write("damaged", to: "sysroot/boot/grub/grubenv")
    #expect(try board.tryDeploy(three, trialBoots: 0) == .success(nil))
    #expect(try board.order() == [three, two])
    let opened = try board.open()
    let report = try opened.rollback(try opened.lock())
    #expect(report.trialFailure == nil)
    #expect(try board.order() == [two, three])
  }

  @Test func `an order is in force though the trial before it could not be ended`() throws {
    try board.deploy(two)
    try board.start()
    let opened = try board.open()
    // The record can be read, and not written anew.
    try board.sysroot.folder.makeDirectory("sysroot/ostree/coppice/.trials.new")
    let report = try opened.rollback(try opened.lock())
    #expect(report.trialFailure == .file(path: opened.trialRecordPath, .isDirectory))
    #expect(try board.order() == [one, two])
  }

  @Test func `a plan does not count what a trial would fall back on as gone`() throws {
    try board.deploy(two)
    try board.start()
    let opened = try board.open()
    var options = DeployOptions()
    let commit = try #require(Checksum(hex: three))
    let state = try opened.state()
    #expect(try opened.forecast(of: commit, options, state).removed.map { $0.commit.hex } == [one])
    options.trialBoots = 3
    #expect(try opened.forecast(of: commit, options, state).removed == [])
    try board.deploy(three)
    #expect(try board.order() == [three, one, two])
  }

  // MARK: Proof

  @Test func `a start takes one off, and mark-good ends the trial`() throws {
    try board.deploy(two)
    try board.start()
    #expect(try board.proofs() == [.trial(left: 2, max: 3), .proven])
    let report = try board.markGood()
    #expect(report.isNew)
    #expect(report.fallback == nil)
    #expect(try board.store() == ["boot_success": "1"])
    #expect(try board.proofs() == [.proven, .proven])
    #expect(try board.trials().trial == nil)
    #expect(try board.markGood().isNew == false)
  }

  @Test func `mark-good of the old one does not touch what waits for its first start`() throws {
    try board.deploy(two)
    #expect(try board.markGood().isNew == false)
    #expect(try board.store() == ["boot_counter": "3", "boot_success": "0"])
    #expect(try board.proofs() == [.trial(left: 3, max: 3), .proven])
  }

  @Test func `mark-good needs a running deployment`() throws {
    board.sysroot.environment.root = "/"
    let opened = try board.open()
    let lock = try opened.lock()
    let result = Result { () throws(DeployError) in try opened.markGood(lock).isNew }
    #expect(result == .failure(.notBooted(path: board.sysroot.path)))
  }

  @Test func `a rollback by hand ends the trial and rejects nobody`() throws {
    try board.deploy(two)
    try board.start()
    let opened = try board.open()
    _ = try opened.rollback(try opened.lock())
    #expect(try board.order() == [one, two])
    #expect(try board.store() == ["boot_success": "1"])
    #expect(try board.trials().trial == nil)
    #expect(try board.trials().rejected == [])
  }

  @Test func `the only deployment stays on trial when nothing is left to count`() throws {
    try board.deploy(two)
    try board.start()
    try board.set("boot_counter=-1")
    #expect(try board.settleFallback() == nil)
    try board.markGood()
    #expect(try board.proofs() == [.proven, .proven])
    #expect(try board.store() == ["boot_success": "1"])
  }

  // MARK: The same store

  @Test func `the boot loader proves at a start that it reads the store that is written`() throws {
    func proof() throws -> StoreProof? {
      let opened = try board.open()
      return try opened.storeProof(try opened.state())
    }
    let name = try #require(try board.value(of: "coppice_store"))
    #expect(name.count == 8)
    #expect(try proof() == .untold(name: name))
    try board.start()
    #expect(try proof() == .proven)
    try board.markGood()
    #expect(try board.value(of: "coppice_store") == name)
  }

  @Test func `a store that is not the boot loader's is not armed`() throws {
    try board.sysroot.folder.write("coppice.store=other\n", to: "cmdline")
    let name = try board.value(of: "coppice_store")
    let result = try board.tryDeploy(two, trialBoots: 3)
    #expect(result == .failure(.storeDiffers(told: "other", found: name)))
    #expect(try board.order() == [one])
    #expect(try board.store() == [:])
  }

  // MARK: Fallback

  @Test func `what never proves itself falls back, is rejected and leaves the boot order`() throws {
    try board.deploy(two)
    #expect(try board.startUntilFallback() == [two, two, two, one])
    let before = try board.open().status()
    #expect(before.deployments.map { $0.proof } == [.failed, .proven])
    #expect(before.deployments.map { $0.isNext } == [false, true])
    #expect(!before.needsReboot)

    let report = try board.markGood()
    #expect(report.fallback?.rejected?.commit.hex == two)
    #expect(report.isNew == false)
    #expect(try board.order() == [one])
    #expect(try board.store() == ["boot_success": "1"])
    let trials = try board.trials()
    #expect(trials.trial == nil)
    #expect(trials.rejected.map { $0.deployment.commit.hex } == [two])
    #expect(try board.sysroot.names("ostree/deploy/coppice/deploy").count == 2)
    #expect(try board.start() == 0)
    #expect(try board.booted() == one)
    #expect(try board.settleFallback() == nil)
  }

  @Test func `what is tried again and proves itself is rejected no longer`() throws {
    try board.deploy(two)
    _ = try board.startUntilFallback()
    try board.settleFallback()
    try board.deploy(two)
    #expect(try board.trials().rejected == [])
    try board.start()
    try board.markGood()
    #expect(try board.proofs() == [.proven, .proven])
  }

  @Test func `a deploy on the fallback first deals with what failed`() throws {
    try board.deploy(two)
    _ = try board.startUntilFallback()
    try board.deploy(three)
    #expect(try board.order() == [three, one])
    #expect(try board.trials().rejected.map { $0.deployment.commit.hex } == [two])
    #expect(try board.store() == ["boot_counter": "3", "boot_success": "0"])
  }

  @Test func `a fallback that nobody recorded rejects nobody, and what runs comes first`() throws {
    try board.deploy(two, trialBoots: 0)
    try board.set("boot_success=0")
    try board.set("boot_counter=0")
    #expect(try board.start() == 1)
    let report = try #require(try board.settleFallback())
    #expect(report.rejected == nil)
    #expect(try board.order() == [one, two])
    #expect(try board.store() == ["boot_success": "1"])
    #expect(try board.trials().rejected == [])
  }

  // MARK: Cuts

  /// A cut between the arming and the commit step: the old one is first and is counted.
  @Test func `starts of the old one that were counted reject nobody, and mark-good ends it`() throws
  {
    let opened = try board.open()
    let state = try opened.state()
    let plan = TrialPlan(
      deployment: Deployment(
        stateroot: "coppice", commit: try #require(Checksum(hex: two)), serial: 0,
        bootChecksum: state.deployments[0].bootChecksum, entry: BootEntry()),
      order: [], boots: 3)
    try opened.arm(plan)
    try board.start()
    #expect(try board.booted() == one)
    #expect(try board.markGood().fallback == nil)
    #expect(try board.store() == ["boot_success": "1"])
    #expect(try board.trials().trial == nil)
    #expect(try board.trials().rejected == [])
  }

  /// Between the record and the store: nothing counts, and nothing but a word is left.
  @Test func `a record without a counter is dropped`() throws {
    let opened = try board.open()
    var record = try opened.trialRecord()
    let state = try opened.state()
    var other = state.deployments[0]
    other.bootChecksum = Checksum(hex: two) ?? other.bootChecksum
    record.begin(
      Deployment(
        stateroot: "coppice", commit: try #require(Checksum(hex: two)), serial: 0,
        bootChecksum: other.bootChecksum, entry: BootEntry()), boots: 3)
    try opened.write(record)
    try board.start()
    try board.markGood()
    #expect(try board.trials().trial == nil)
    #expect(try board.order() == [one])
  }

  /// mark-good: store cleared, and cut before the record. It is run again at the next start.
  @Test func `a proof that was cut half way is given by the next mark-good`() throws {
    try board.deploy(two)
    try board.start()
    try GrubEnvironment(board.grubenv).clear()
    #expect(try board.proofs() == [.trial(left: nil, max: 3), .proven])
    try board.start()
    #expect(try board.booted() == two)
    #expect(try board.markGood().isNew)
    #expect(try board.proofs() == [.proven, .proven])
  }

  /// The steps of a fallback are: rejection recorded, order, store, record. A cut behind each.
  @Test(arguments: 1...3) func `a fallback that was cut goes on where it was`(steps: Int) throws {
    try board.deploy(two)
    _ = try board.startUntilFallback()
    let opened = try board.open()
    let state = try opened.state()
    var record = try opened.trialRecord()
    record.reject(state.deployments[0], at: 1)
    try opened.write(record)
    if steps > 1 {
      let lock = try opened.lock()
      _ = try opened.write([state.deployments[1]], over: state, lock) { () throws(DeployError) in }
    }
    if steps > 2 { try GrubEnvironment(board.grubenv).clear() }
    try board.start()
    #expect(try board.booted() == one, "never the rejected one again")
    try board.markGood()
    #expect(try board.order() == [one])
    #expect(try board.store() == ["boot_success": "1"])
    #expect(try board.trials().trial == nil)
    #expect(try board.trials().rejected.map { $0.deployment.commit.hex } == [two])
  }

  /// The commit step fails after the arming: what is first keeps the trial that it had.
  @Test func `a deploy that fails behind the arming leaves the trial before it`() throws {
    try board.deploy(two)
    let before = try board.trials()
    // The spare link cannot be made anew where a directory with something in it has its name.
    try board.sysroot.folder.write("x", to: "sysroot/boot/loader.tmp/x")
    let result = try board.tryDeploy(three, trialBoots: 2)
    guard case .failure = result else {
      Issue.record("the deploy did not fail")
      return
    }
    _ = try board.sysroot.shell("rm -r boot/loader.tmp")
    #expect(try board.order() == [two, one])
    #expect(try board.trials() == before)
    #expect(try board.store()["boot_success"] == "0", "it is still counted")
  }
}

@Suite struct TrialRecordTests {
  private func deployment(_ hex: String, _ serial: Int = 0) throws -> Deployment {
    Deployment(
      stateroot: "os", commit: try #require(Checksum(hex: hex)), serial: serial,
      bootChecksum: try #require(Checksum(hex: hex)), entry: BootEntry())
  }

  @Test func `a record is read as it was written`() throws {
    var record = TrialRecord()
    #expect(TrialRecord(parsing: record.serialized()) == record)
    record.prove(try deployment(one))
    record.prove(try deployment(two, 1))
    record.begin(try deployment(three), boots: 3)
    record.reject(try deployment(three), at: 1_700_000_000)
    #expect(TrialRecord(parsing: record.serialized()) == record)
    #expect(record.proven.map { $0.commit.hex } == [two, one])
  }

  @Test(arguments: [
    "", "[trials]\nversion=2\n", "[trials]\nversion=1\n[trial]\nstateroot=os\n", "x=y\n",
    "[trials]\nversion=1\n[trial]\nstateroot=../x\nchecksum=\(one)\nserial=0\nboots=3\n",
  ])
  func `what is none, or a newer one, is refused`(text: String) {
    #expect(TrialRecord(parsing: Array(text.utf8)) == nil)
  }

  @Test func `a record that cannot be read stops a deploy, not the status`() throws {
    let board = try GrubBoard()
    try board.sysroot.folder.write("?", to: "sysroot/ostree/coppice/trials")
    let opened = try board.open()
    let result = Result { () throws(DeployError) in try opened.trialRecord() }
    let path = "\(board.sysroot.path)/ostree/coppice/trials"
    #expect(result == .failure(.strangeRecord(path: path)))
    let status = try opened.status()
    #expect(status.loaderFailure == .strangeRecord(path: path))
    #expect(status.deployments.map { $0.proof } == [.unknown])
  }

  @Test func `only so many are remembered, the newest`() throws {
    var record = TrialRecord()
    for serial in 0..<40 {
      record.prove(try deployment(one, serial))
      record.reject(try deployment(two, serial), at: Int64(serial))
    }
    #expect(record.proven.count == 8)
    #expect(record.rejected.count == 16)
    #expect(record.proven[0].serial == 39)
    #expect(record.rejected[0].deployment.serial == 39)
    #expect(TrialRecord(parsing: record.serialized()) == record)
  }
}
