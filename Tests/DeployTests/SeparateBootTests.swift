// SPDX-License-Identifier: Apache-2.0
import Boot
import Cryptography
import Foundation
import Linux
import OSTree
import Support
import Testing

@testable import Deploy

private let ext4 = "mkfs.ext4 -q -F -m 0"

/// `/boot` on a file system of its own: copies in place of links, room that is short, and mounts
/// that are read-only.
@Suite(.serialized, .enabled(if: LoopFileSystem.isAvailable(ext4), "needs root and loop devices"))
struct SeparateBootTests {
  private let sysroot: TestSysroot
  private let boot: LoopFileSystem

  init() throws {
    sysroot = try TestSysroot()
    boot = try LoopFileSystem(ext4, megabytes: 16, at: "\(sysroot.path)/boot")
  }

  /// A commit whose kernel has this size.
  private func commit(_ name: String, megabytes: Int) throws -> String {
    try sysroot.commit(
      "head -c \(megabytes)M /dev/urandom >usr/lib/modules/6.1/vmlinuz; echo \(name) >usr/name")
  }

  private func kernel(_ deployment: Deployment) throws -> FileStatus {
    try FileDescriptor.status(of: "\(boot.path)/\(deployment.bootFolder)/vmlinuz-6.1")
  }

  @Test func `kernels are copied, verified, and the journal is flushed`() throws {
    try sysroot.deploy(try commit("a", megabytes: 1))
    let report = try sysroot.deploy(try commit("b", megabytes: 1))
    guard case .swapped(let commit) = report.change else {
      Issue.record("not swapped")
      return
    }
    #expect(commit.step == .exchanged)
    #expect(commit.flush == .checkpoint || commit.flush == .freeze)
    let status = try kernel(report.deployment)
    #expect(status.links == 1)
    #expect(status.sizeBytes == 1 << 20)
    #expect(try sysroot.open().status().isBootSeparate)
    #expect(try sysroot.ostree("admin", "status").contains(report.deployment.name))
  }

  /// What GRUB and U-Boot see: the file system as it lies on the disk, without its journal.
  @Test func `a loader that replays no journal sees the new order`() throws {
    let report = try sysroot.deploy(try commit("a", megabytes: 1))
    let copy = sysroot.folder.file("image")
    try mustRun("cp", boot.image, copy)
    func show(_ request: String) throws -> String {
      try mustRun("debugfs", "-c", "-n", "-R", request, copy)
    }
    #expect(try show("stat loader").contains("\"loader.1\""))
    #expect(
      try show("cat loader.1/entries/ostree-1-coppice.conf").contains(
        report.deployment.bootChecksum.hex))
    #expect(try show("stat \(report.deployment.bootFolder)/vmlinuz-6.1").contains("Size: 1048576"))
  }

  @Test func `kernels that nothing refers to make way`() throws {
    try sysroot.deploy(try commit("a", megabytes: 5))
    let stray = "\(boot.path)/ostree/coppice-\(String(repeating: "b", count: 64))"
    try mustRun("sh", "-ec", "mkdir \(stray); head -c 6M /dev/zero >\(stray)/vmlinuz-5")
    try sysroot.deploy(try commit("b", megabytes: 5))
    #expect(!FileManager.default.fileExists(atPath: stray))
    #expect(try sysroot.order().count == 2)
  }

  @Test func `a deployment that goes anyway goes first where room is short`() throws {
    let first = try commit("a", megabytes: 5)
    let second = try commit("b", megabytes: 5)
    let third = try commit("c", megabytes: 5)
    try sysroot.deploy(first)
    try sysroot.deploy(second)
    // Running the second: the first makes way.
    sysroot.environment.root = "\(sysroot.path)/ostree/deploy/coppice/deploy/\(second).0"
    let report = try sysroot.deploy(third)
    #expect(try sysroot.order() == ["\(third).0", "\(second).0"])
    #expect(try kernel(report.deployment).sizeBytes == 5 << 20)
  }

  @Test func `what never fits is refused with both numbers, and nothing changes`() throws {
    let first = try commit("a", megabytes: 5)
    try sysroot.deploy(first)
    let before = try sysroot.shell("find boot ostree/deploy ostree/boot.* | sort")
    let large = try commit("b", megabytes: 12)
    let opened = try sysroot.open()
    let result = Result { () throws(DeployError) in
      try opened.deploy(
        Checksum(hex: large)!, origin: Origin(refspec: "x"), DeployOptions(), try opened.lock()
      ).countAfter
    }
    guard case .failure(.noSpace(let path, let needed, let free)) = result else {
      Issue.record("not refused: \(result)")
      return
    }
    #expect(path == boot.path)
    #expect(needed > 12 << 20 && needed < 14 << 20)
    #expect(free > 1 << 20 && free < 12 << 20)
    #expect(try sysroot.shell("find boot ostree/deploy ostree/boot.* | sort") == before)
  }

  @Test func `read-only mounts are written to in a namespace of our own`() throws {
    try sysroot.deploy(try commit("a", megabytes: 1))
    try boot.remount("ro")
    func deploy() -> Result<Int, DeployError> {
      Result { () throws(DeployError) in
        let opened = try Sysroot.open(sysroot.path, environment: sysroot.environment)
        return try opened.deploy(
          Checksum(hex: TestSysroot.one)!, origin: Origin(refspec: "x"), DeployOptions(),
          try opened.lock()
        ).countAfter
      }
    }
    guard case .failure(.file(_, .readOnlyFileSystem)) = deploy() else {
      Issue.record("not refused")
      return
    }
    // A thread may have a mount namespace of its own; it ends with the thread.
    let path = sysroot.path
    let prepared = onThread {
      let result = Result { () throws(DeployError) in
        try Sysroot.prepareForWriting(path)
        return 0
      }
      if case .failure = result { return result }
      return deploy()
    }
    #expect(prepared == .success(2))
    #expect(try sysroot.order().count == 2)
    let isReadOnly = try FileDescriptor.openDirectory(boot.path).fileSystemStatus().isReadOnly
    #expect(isReadOnly)
  }

  private func onThread(
    _ body: @escaping () -> Result<Int, DeployError>
  ) -> Result<Int, DeployError>? {
    final class Box: @unchecked Sendable {
      var body: () -> Result<Int, DeployError>
      var result: Result<Int, DeployError>?
      init(_ body: @escaping () -> Result<Int, DeployError>) { self.body = body }
    }
    let box = Box(body)
    let done = DispatchSemaphore(value: 0)
    let thread = Foundation.Thread {
      box.result = box.body()
      done.signal()
    }
    thread.start()
    done.wait()
    return box.result
  }
}
