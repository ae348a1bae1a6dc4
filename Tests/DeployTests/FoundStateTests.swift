// SPDX-License-Identifier: Apache-2.0
import Boot
import Cryptography
import Foundation
import Linux
import OSTree
import Support
import Testing

@testable import Deploy

/// What is found in a sysroot that was changed by hand, cut off, or taken apart.
@Suite struct FoundStateTests {
  private let sysroot: TestSysroot

  init() throws { sysroot = try TestSysroot() }

  private func folder(_ hex: String, _ serial: Int = 0) -> String {
    "ostree/deploy/coppice/deploy/\(hex).\(serial)"
  }

  private func result(of hex: String) throws -> Result<Int, DeployError> {
    let opened = try sysroot.open()
    return Result { () throws(DeployError) in
      try opened.deploy(
        Checksum(hex: hex)!, origin: Origin(refspec: "x"), DeployOptions(), try opened.lock()
      ).countAfter
    }
  }

  @Test(arguments: ["mv boot/loader boot/gone", "rm boot/loader/entries/*"])
  func `nothing is changed where no entry leads to what runs`(script: String) throws {
    try sysroot.deploy(TestSysroot.one)
    try sysroot.deploy(TestSysroot.two)
    sysroot.environment.root = "\(sysroot.path)/\(folder(TestSysroot.two))"
    // As if the file system of `/boot` were not mounted.
    _ = try sysroot.shell(script)
    let error = DeployError.bootedNotListed(
      path: "\(sysroot.path)/\(folder(TestSysroot.two))", boot: "\(sysroot.path)/boot")
    #expect(try result(of: TestSysroot.three) == .failure(error))
    let opened = try sysroot.open()
    let cleaned = Result { () throws(DeployError) in
      try opened.cleanup(try opened.lock()).removed
    }
    #expect(cleaned == .failure(error))
    #expect(sysroot.exists(folder(TestSysroot.one)))
  }

  /// `chattr +i /etc/resolv.conf` is what many do to keep it.
  @Test func `files that were made immutable do not keep a tree from going`() throws {
    try sysroot.deploy(TestSysroot.one)
    let etc = "\(folder(TestSysroot.one))/etc"
    _ = try sysroot.shell(
      """
      echo x >\(etc)/resolv.conf; mkdir -p \(etc)/d; echo x >\(etc)/d/log
      chattr +i \(etc)/resolv.conf; chattr +a \(etc)/d/log; chattr +a \(etc)/d
      """)
    try sysroot.deploy(TestSysroot.two)
    let report = try sysroot.deploy(TestSysroot.three)
    #expect(report.cleanupFailure == nil)
    #expect(!sysroot.exists(folder(TestSysroot.one)))
    #expect(try sysroot.read("\(report.deployment.path)/etc/d/log") == "x\n")
  }

  @Test func `a cleanup that cannot be done does not undo the deploy`() throws {
    try sysroot.deploy(TestSysroot.one)
    try sysroot.deploy(TestSysroot.two)
    let busy = "\(sysroot.path)/\(folder(TestSysroot.one))/var"
    try mustRun("mount", "-t", "tmpfs", "none", busy)
    defer { _ = try? mustRun("umount", busy) }
    let report = try sysroot.deploy(TestSysroot.three)
    #expect(
      report.cleanupFailure == .file(path: "\(sysroot.path)/\(folder(TestSysroot.one))", .busy))
    #expect(try sysroot.order() == ["\(TestSysroot.three).0", "\(TestSysroot.two).0"])
    // Nor does it stand in the way of the next one.
    #expect(try result(of: TestSysroot.one) == .success(2))
    let opened = try sysroot.open()
    let order = try opened.rollback(try opened.lock())
    #expect(order.change != .unchanged)
    #expect(
      order.cleanupFailure == .file(path: "\(sysroot.path)/\(folder(TestSysroot.one))", .busy))
  }

  @Test func `what runs that were cut have left beside the trees goes`() throws {
    try sysroot.deploy(TestSysroot.one)
    let names = [
      ".\(TestSysroot.one).0.origin.new", "\(TestSysroot.two).3.origin",
      ".\(TestSysroot.two).3.origin.new",
    ]
    for name in names {
      try sysroot.folder.write("x", to: "sysroot/ostree/deploy/coppice/deploy/\(name)")
    }
    _ = try sysroot.shell(
      "ln -s boot.0.0 ostree/boot.0.tmp; echo mine >ostree/deploy/coppice/deploy/mine")
    let refs = "ostree/repo/refs/heads"
    _ = try sysroot.shell("mkdir \(refs)/ostree/0; touch \(refs)/ostree/1/1/.2.new \(refs)/.a.new")
    let opened = try sysroot.open()
    _ = try opened.cleanup(try opened.lock())
    #expect(
      try sysroot.shell("find \(refs) -name '*.new'") == "\(refs)/.a.new", "not the sysroot's")
    #expect(
      try sysroot.names("ostree/deploy/coppice/deploy")
        == ["\(TestSysroot.one).0", "\(TestSysroot.one).0.origin", "mine"])
    #expect(!sysroot.exists("ostree/boot.0.tmp"))
  }

  @Test func `a deploy that fails leaves nothing in boot`() throws {
    try sysroot.deploy(TestSysroot.one)
    let before = try sysroot.shell("find boot ostree/boot.* ostree/deploy | sort")
    let opened = try sysroot.open()
    let failed = Result { () throws(DeployError) in
      try opened.deploy(
        Checksum(hex: TestSysroot.two)!, origin: Origin(refspec: "x"), DeployOptions(),
        try opened.lock(),
        beforeCommit: { () throws(DeployError) in throw .nothingToRollBackTo }
      ).countAfter
    }
    #expect(failed == .failure(.nothingToRollBackTo))
    #expect(try sysroot.shell("find boot ostree/boot.* ostree/deploy | sort") == before)
  }

  @Test func `an origin that is too large or a fifo is an error and not a wait`() throws {
    try sysroot.deploy(TestSysroot.one)
    let origin = "\(folder(TestSysroot.one)).origin"
    _ = try sysroot.shell("truncate -s 1G \(origin)")
    #expect(
      try result(of: TestSysroot.two)
        == .failure(.file(path: "\(sysroot.path)/\(origin)", .overflow)))
    _ = try sysroot.shell("rm \(origin); mkfifo \(origin)")
    // Nobody writes to it: it is read as an empty file.
    #expect(try result(of: TestSysroot.two) == .success(2))
  }

  @Test(
    arguments: [
      ("", "linux"), ("title x\n", "linux"), ("linux \0\n", nil), ("\u{FF}\n", nil),
    ] as [(String, String?)])
  func `a damaged boot entry is refused by its name`(text: String, missing: String?) throws {
    try sysroot.deploy(TestSysroot.one)
    try sysroot.deploy(TestSysroot.two)
    let entry = "boot/loader/entries/ostree-1-coppice.conf"
    let bytes = text == "\u{FF}\n" ? [0xFF, 0x0A] : Array(text.utf8)
    try sysroot.folder.write(bytes, to: "sysroot/\(entry)")
    let path = "\(sysroot.path)/boot/loader.0/entries/ostree-1-coppice.conf"
    let error: BootError =
      missing.map { .missingKey(path: path, key: $0) } ?? .malformedEntry(path: path, line: 1)
    #expect(try result(of: TestSysroot.three) == .failure(.boot(error)))
    #expect(sysroot.exists(folder(TestSysroot.one)))
  }

  @Test(arguments: [
    "/ostree/boot.1/coppice/../../../../etc/0", "/ostree/boot.2/coppice/x/0", "/ostree/boot.1",
    "/ostree/boot.1/coppice/\(String(repeating: "a", count: 64))/-1", "",
  ])
  func `an entry that names no deployment is refused`(argument: String) throws {
    try sysroot.deploy(TestSysroot.one)
    _ = try sysroot.shell(
      "sed -i 's|ostree=.*|ostree=\(argument)|' boot/loader/entries/ostree-1-coppice.conf")
    let path = "\(sysroot.path)/boot/loader.1/entries/ostree-1-coppice.conf"
    #expect(
      try result(of: TestSysroot.two)
        == .failure(.strangeEntry(path: path, deployment: argument)))
  }

  @Test func `links of boot that go in circles are an error`() throws {
    try sysroot.deploy(TestSysroot.one)
    _ = try sysroot.shell("rm ostree/boot.1; ln -s boot.1 ostree/boot.1")
    let opened = try sysroot.open()
    let state = Result { () throws(DeployError) in try opened.state().deployments.count }
    guard case .failure(.file(let path, .tooManySymbolicLinks)) = state else {
      Issue.record("not refused: \(state)")
      return
    }
    #expect(path.hasPrefix("\(sysroot.path)/ostree/boot.1/coppice/"))
  }

  @Test func `kernel arguments of an edit that was not booted yet are kept by the next one`() throws
  {
    try sysroot.deploy(TestSysroot.one) { $0.argumentChanges = [.append("quiet")] }
    try sysroot.deploy(TestSysroot.two)
    sysroot.environment.root = "\(sysroot.path)/\(folder(TestSysroot.one))"
    let opened = try sysroot.open()
    let first = try opened.editKernelArguments([.append("one")], try opened.lock())
    #expect(first?.deployment.commit.hex == TestSysroot.two)
    let second = try opened.editKernelArguments([.append("two")], try opened.lock())
    let arguments = try #require(second?.deployment.arguments.arguments)
    #expect(arguments.filter { !$0.hasPrefix("ostree=") } == ["quiet", "panic=10", "one", "two"])
    // One that is named is edited as it is.
    let third = try opened.editKernelArguments([.append("three")], of: 1, try opened.lock())
    #expect(third?.deployment.commit.hex == TestSysroot.one)
    #expect(third?.deployment.arguments.contains(key: "one") == false)
    #expect(third?.deployment.arguments.contains(key: "three") == true)
  }
}
