// SPDX-License-Identifier: Apache-2.0
import Cryptography
import Deploy
import OSTree
import Pull
import Support
import Testing

@testable import Updater

@Suite struct UpdatePlanTests {
  private let device: DeviceFixture

  init() throws { device = try DeviceFixture() }

  private typealias OS = DeviceFixture

  @Test func `a check says what there is and changes nothing`() throws {
    try device.publish(OS.one)
    let before = try device.listing()
    let check = try device.updater().check()
    #expect(check.isAvailable)
    #expect(check.commit?.hex == OS.one)
    #expect(check.timestamp == 1_000_000_000)
    #expect(check.deployed == nil)
    #expect(try device.listing() == before)

    _ = try device.update().get()
    #expect(try !device.updater().check().isAvailable)
    try device.publish(OS.two)
    let next = try device.updater().check()
    #expect(next.isAvailable)
    #expect(next.deployed?.commit.hex == OS.one)
    #expect(next.deployedVersion == "1.0")
  }

  @Test func `a plan counts what the update then fetches`() throws {
    try device.publish(OS.one)
    _ = try device.update().get()
    try device.publish(OS.two)
    let plan = try device.updater().plan()
    #expect(plan.check.isAvailable)
    #expect(plan.content > 0)
    #expect(plan.reused > 0)
    #expect(plan.fetchedMetadata > 0)
    #expect(plan.contentBytes == nil)
    #expect(plan.sysroot.isEnough == nil)
    #expect(plan.boot.neededBytes == 0)
    #expect(plan.systemPartition == nil)
    #expect(plan.removed == [])
    #expect(try device.order() == ["\(OS.one).0"])

    let report = try device.update().get()
    #expect(report.pull?.fetchedContent == plan.content)
    #expect(report.pull?.fetchedMetadata == 0)
  }

  @Test func `a plan names the deployments that go`() throws {
    for version in [OS.one, OS.two] {
      try device.publish(version)
      _ = try device.update().get()
    }
    try device.publish(OS.three)
    #expect(try device.updater().plan().removed.map { $0.name } == ["\(OS.one).0"])
  }

  @Test func `where the commit says sizes the plan has bytes`() throws {
    try mustRun("mkdir", device.folder.file("tree"))
    try mustRun(
      "ostree", "--repo=\(device.server.path)", "checkout", "-U", OS.three,
      device.folder.file("tree/os"))
    try device.folder.write(String(repeating: "x", count: 5000), to: "tree/os/usr/lib/new")
    try device.server.ostree(
      "commit", "-b", OS.ref, "--tree=dir=\(device.folder.file("tree/os"))", "--generate-sizes",
      "--owner-uid=0", "--owner-gid=0", "--timestamp=@1000000300")
    let plan = try device.updater().plan()
    #expect(plan.contentBytes ?? 0 > 0)
    #expect(plan.writtenBytes ?? 0 > 5000)
    #expect(plan.sysroot.isEnough == true)
    let report = try device.update().get()
    #expect(report.pull?.fetchedContent == plan.content)
    #expect(report.pull?.fetchedBytes ?? 0 >= plan.contentBytes ?? .max)
  }

  @Test func `kernels that are copied to an ESP need room there`() throws {
    try device.folder.write("default ostree-*\n", to: "sysroot/efi/loader/loader.conf")
    try device.publish(OS.one)
    _ = try device.update().get()
    #expect(try device.updater().plan().systemPartition?.neededBytes == 0)
    try device.publish(OS.two)
    #expect(try device.updater().plan().systemPartition?.neededBytes == nil)
    _ = try device.update { $0.deploys = false }.get()
    let plan = try device.updater().plan()
    let room = try #require(plan.systemPartition)
    #expect(room.path == "\(device.path)/efi")
    #expect(room.neededBytes ?? 0 > UpdatePlan.bootMarginBytes)
    #expect(room.isEnough == true)
    #expect(plan.boot.neededBytes == 0)
  }

  static let ext4 = "mkfs.ext4 -q -F -m 0"

  @Test(.enabled(if: LoopFileSystem.isAvailable(ext4)))
  func `kernels need room on a boot partition of its own`() throws {
    let boot = try LoopFileSystem(Self.ext4, at: "\(device.path)/boot")
    try device.publish(OS.one)
    _ = try device.update().get()
    #expect(try device.updater().plan().boot.neededBytes == 0)
    try device.publish(OS.two)
    let unknown = try device.updater().plan().boot
    #expect(unknown.path == boot.path)
    #expect(unknown.neededBytes == nil && unknown.isEnough == nil)
    _ = try device.update { $0.deploys = false }.get()
    let plan = try device.updater().plan()
    #expect(plan.systemPartition == nil)
    #expect(plan.boot.isEnough == true)
    let needed = try #require(plan.boot.neededBytes)
    // Less would be left than the margin.
    let rest = plan.boot.freeBytes - UpdatePlan.bootMarginBytes / 2
    try mustRun("fallocate", "-l", "\(rest)", "\(boot.path)/filler")
    let full = try device.updater().plan().boot
    #expect(full.neededBytes == needed && full.isEnough == false)
    guard case .deploy(.noSpace(let path, _, _))? = try device.update().failure else {
      Issue.record("deployed where there is no room")
      return
    }
    #expect(path == boot.path)
    #expect(try device.order() == ["\(OS.one).0"])

    try mustRun("rm", "\(boot.path)/filler")
    let before = try device.updater().plan().boot.freeBytes
    #expect(try device.update().get().result == .deployed)
    let after = try device.updater().plan().boot
    #expect(after.neededBytes == 0)
    #expect(before - after.freeBytes <= needed, "the plan promised \(needed)")
  }

  @Test func `a plan for what is deployed already has nothing to do`() throws {
    try device.publish(OS.one)
    _ = try device.update().get()
    let plan = try device.updater().plan()
    #expect(!plan.check.isAvailable)
    #expect(plan.content == 0)
    #expect(plan.contentBytes == 0)
    #expect(plan.writtenBytes == 0)
    #expect(plan.removed == [])
  }

  @Test func `what does not fit is refused before the first file`() throws {
    device.configuration += "reserve-space=99%\n"
    try device.publish(OS.one)
    guard case .pull(.noSpace(let path, _, _)) = try device.update().failure else {
      Issue.record("an update fits into one percent of the disk that is left")
      return
    }
    #expect(path == "\(device.path)/ostree/repo")
    #expect(
      try !device.web.requests().contains { $0.hasSuffix(".filez") })
  }
}
