// SPDX-License-Identifier: Apache-2.0
import Cryptography
import Foundation
import Linux
import OSTree
import Support
import Testing

@testable import Deploy

/// The second merge of /etc, at the first boot: with what the source had at shutdown, whatever
/// happens in between.
@Suite struct FinalizeTests {
  private let sysroot: TestSysroot
  private let source = "ostree/deploy/coppice/deploy/\(TestSysroot.one).0"
  private let target = "ostree/deploy/coppice/deploy/\(TestSysroot.two).0"
  private let record = "ostree/coppice/pending/coppice/\(TestSysroot.two).0"

  /// Version 1 runs, version 2 is to boot next, and then something is changed.
  init() throws {
    sysroot = try TestSysroot()
    try sysroot.deploy(TestSysroot.one)
    sysroot.environment.root = "\(sysroot.path)/\(source)"
    _ = try sysroot.shell("echo early >\(source)/etc/early")
    try sysroot.deploy(TestSysroot.two) { $0.lateMerge = .always }
    _ = try sysroot.shell("echo late >\(source)/etc/late; rm \(source)/etc/early")
  }

  /// As the kernel command line of the default entry names it.
  private func link() throws -> String {
    try #require(try sysroot.open().state().deployments[0].arguments.value(of: "ostree"))
  }

  private func finalize(_ link: String? = nil) throws -> Finalization {
    let path = sysroot.path
    let link = try link ?? self.link()
    return try Result { () throws(DeployError) in
      let root = try at(path) { () throws(Errno) in try FileDescriptor.openDirectory(path) }
      let deployment = try BootedDeployment(behind: link, in: root)
      return try EtcFinalizer(deployment, in: root, path: path).run { "failed: \($0)" }
    }.get()
  }

  private func state() throws -> EtcState {
    try sysroot.open().status().deployments[0].etc
  }

  private func expectSound() throws {
    #expect(!sysroot.exists("\(target)/etc.new"))
    #expect(try sysroot.shell("lsattr -d \(target)").contains("i"))
    #expect(try sysroot.read("\(source)/etc/late") == "late\n")
  }

  @Test func `what was changed up to the shutdown goes along`() throws {
    #expect(try state() == .pending)
    #expect(sysroot.exists("\(target)/etc/early"))
    guard case .merged(let merge) = try finalize() else {
      Issue.record("not merged")
      return
    }
    #expect(merge.changes.added == ["late"])
    #expect(try sysroot.read("\(target)/etc/late") == "late\n")
    #expect(!sysroot.exists("\(target)/etc/early"))
    try expectSound()
    #expect(try state() == .merged)
    #expect(!sysroot.exists(record))
    _ = try sysroot.shell("echo own >\(target)/etc/own")
    #expect(try finalize() == .notPending)
    #expect(sysroot.exists("\(target)/etc/own"))
  }

  @Test func `a run that was cut before the exchange is done again`() throws {
    _ = try sysroot.shell(
      "chattr -i \(target); mkdir -p \(target)/etc.new/half; echo x >\(target)/etc.new/late")
    guard case .merged = try finalize() else {
      Issue.record("not merged")
      return
    }
    #expect(try sysroot.read("\(target)/etc/late") == "late\n")
    #expect(!sysroot.exists("\(target)/etc/half"))
    try expectSound()
  }

  @Test func `a run that was cut after the exchange is only cleared up`() throws {
    _ = try sysroot.shell(
      """
      cp \(record) kept; chattr -i \(target); cp -a \(target)/etc \(target)/etc.new
      echo merged >\(target)/etc.new/merged
      mv \(target)/etc old; mv \(target)/etc.new \(target)/etc; mv old \(target)/etc.new
      """)
    #expect(try finalize() == .wasMerged)
    #expect(sysroot.exists("\(target)/etc/merged"))
    try expectSound()
    #expect(try state() == .merged)
  }

  @Test func `without its source the etc of deploy time stands`() throws {
    let link = try link()
    _ = try sysroot.shell("chattr -i \(source); mv \(source) gone")
    let path = "\(sysroot.path)/\(source)"
    #expect(try finalize(link) == .failed(.noMergeSource(path: path)))
    #expect(try sysroot.read("\(target)/etc/early") == "early\n")
    #expect(!sysroot.exists("\(target)/etc.new"))
    _ = try sysroot.shell("mv gone \(source)")
    guard case .failed(let reason) = try state() else {
      Issue.record("the failure is not shown")
      return
    }
    #expect(reason.contains("noMergeSource"))
    // What runs now may change its /etc: never again.
    #expect(try finalize() == .notPending)
    #expect(!sysroot.exists("\(target)/etc/late"))
  }

  @Test func `a merge that cannot be done leaves the etc of deploy time`() throws {
    _ = try sysroot.shell(
      "chattr -i \(target); mkdir \(target)/usr/etc/late; echo x >\(target)/usr/etc/late/x")
    #expect(try finalize() == .failed(.etcNowDirectory(path: "late")))
    #expect(try sysroot.read("\(target)/etc/early") == "early\n")
    #expect(!sysroot.exists("\(target)/etc.new"))
  }

  @Test(arguments: [
    "s/version=1/version=2/", "s/^source=.*/source=..\\/x/", "s/^etc=.*/etc=-1/", "/^source/d",
    "1d",
    "s/^etc=.*/etc=99999999999999999999999/",
  ])
  func `a record that is not understood is not acted upon`(edit: String) throws {
    _ = try sysroot.shell("sed -i '\(edit)' \(record)")
    let before = try sysroot.shell("find \(target)/etc | sort")
    #expect(try finalize() == .failed(.strangePending(path: "\(sysroot.path)/\(record)")))
    #expect(try sysroot.shell("find \(target)/etc | sort") == before)
    #expect(try state() == .merged)
  }

  @Test func `a deploy before the reboot takes the record along`() throws {
    try sysroot.deploy(TestSysroot.three) { $0.lateMerge = .always }
    #expect(!sysroot.exists(record))
    guard case .merged = try finalize() else {
      Issue.record("not merged")
      return
    }
    let third = "ostree/deploy/coppice/deploy/\(TestSysroot.three).0"
    #expect(try sysroot.read("\(third)/etc/late") == "late\n")
  }

  @Test func `a record of a deploy that was cut is not that of the next one`() throws {
    let third = "ostree/coppice/pending/coppice/\(TestSysroot.three).0"
    _ = try sysroot.shell("cp \(record) \(third)")
    try sysroot.deploy(TestSysroot.three)
    #expect(!sysroot.exists(third))
    #expect(try state() == .merged)
  }

  @Test func `nothing takes the place of the etc of a system that runs`() throws {
    sysroot.environment.root = "\(sysroot.path)/\(target)"
    let opened = try sysroot.open()
    _ = try opened.cleanup(try opened.lock())
    #expect(!sysroot.exists(record))
    #expect(try finalize() == .notPending)
  }

  @Test(arguments: [
    ("", "", false), ("printf initramfs | sha256sum", "", true),
    ("printf initramfs | sha256sum | cut -c1-64", "", true),
    ("printf other | sha256sum", "", false), ("echo nonsense", "", false),
    ("printf initramfs | sha256sum", "stopped", false),
  ])
  func `an image that is marked is merged at boot by a running system`(
    marker: String, situation: String, isPending: Bool
  ) throws {
    let commit = try sysroot.commit(
      marker.isEmpty ? "" : "mkdir -p usr/lib/coppice; \(marker) >usr/lib/coppice/initramfs")
    if situation == "stopped" { sysroot.environment.root = "/" }
    let report = try sysroot.deploy(commit) { $0.lateMerge = .ifMarked }
    #expect(report.isEtcPending == isPending)
    #expect(try state() == (isPending ? .pending : .merged))
  }

  @Test(arguments: [
    "", "/", "/ostree/boot.1", "/ostree/boot.1/coppice/x/0/../..", "/etc/passwd",
    "/ostree/deploy/coppice/deploy/x/y",
  ])
  func `a link that leads to no deployment is refused`(link: String) throws {
    let path = sysroot.path
    let result = Result { () throws(DeployError) in
      let root = try at(path) { () throws(Errno) in try FileDescriptor.openDirectory(path) }
      return try BootedDeployment(behind: link, in: root)
    }
    #expect(result == .failure(.strangeBootLink(link)))
  }
}
