// SPDX-License-Identifier: Apache-2.0
import Boot
import Configuration
import Cryptography
import Deploy
import Foundation
import OSTree
import Support
import Testing

@testable import Updater

private let (one, two, three) = (DeviceFixture.one, DeviceFixture.two, DeviceFixture.three)

/// `update` on a device whose boot loader counts. Version 1 runs and is proven.
@Suite struct TrialUpdateTests {
  let device: DeviceFixture
  private var grubenv: String { "\(device.path)/boot/grub/grubenv" }

  init() throws {
    device = try DeviceFixture()
    try device.folder.write("# boot_counter\n", to: "sysroot/boot/grub/grub.cfg")
    try mustRun("grub-editenv", "\(device.path)/boot/grub/grubenv", "create")
    try device.publish(one)
    _ = try device.update().get()
    try start(0)
    try markGood()
  }

  /// The deployment at `position` runs; `counter` is what the boot loader has left of it.
  private func start(_ position: Int, counter: Int? = nil) throws {
    if let counter { try mustRun("grub-editenv", grubenv, "set", "boot_counter=\(counter)") }
    let deployment = try device.sysroot().state().deployments[position]
    device.environment.root = "\(device.path)/\(deployment.path)"
  }

  private func markGood() throws {
    let sysroot = try device.sysroot()
    _ = try sysroot.markGood(try sysroot.lock())
  }

  /// What counts.
  private func store() throws -> String {
    try mustRun("sh", "-c", "grub-editenv \(grubenv) list | grep -v coppice_store || :")
  }

  private func commits() throws -> [String] {
    try device.sysroot().state().deployments.map { $0.commit.hex }
  }

  private func has(_ hex: String) throws -> Bool {
    let commit = try #require(Checksum(hex: hex))
    return try device.sysroot().repo.contains(ObjectName(commit, .commit))
  }

  @Test func `what is deployed is on trial, and waits for its proof`() throws {
    try device.publish(two)
    let first = try device.update().get()
    #expect(first.result == .deployed)
    #expect(first.deploy?.trialBoots == 3)
    let second = try device.update().get()
    #expect(second.result == .awaitingProof)
    #expect(second.pull == nil)
    #expect(try commits() == [two, one])

    try start(0, counter: 2)
    #expect(try device.update().get().result == .awaitingProof)
    try markGood()
    #expect(try device.update().get().result == .upToDate)
  }

  @Test func `what never ran is replaced, and the running one stays what to fall back on`() throws {
    try device.publish(two)
    _ = try device.update().get()
    try device.publish(three)
    #expect(try device.update().get().result == .deployed)
    #expect(try commits() == [three, one])
    #expect(try store() == "boot_counter=3\nboot_success=0")
  }

  @Test func `while one is on trial the next one is fetched and not deployed`() throws {
    try device.publish(two)
    _ = try device.update().get()
    try start(0, counter: 2)
    try device.publish(three)
    let report = try device.update().get()
    #expect(report.result == .awaitingProof)
    #expect(report.pull != nil)
    #expect(try has(three))
    #expect(try commits() == [two, one])
    #expect(try store() == "boot_counter=2\nboot_success=0")

    try markGood()
    #expect(try device.update().get().result == .deployed)
    #expect(try commits() == [three, two])
  }

  /// Which one runs, and what the boot loader has left: a trial that it has not counted yet, and
  /// one that was begun before somebody chose the old version in its menu.
  @Test(arguments: [(0, 3), (1, 2)])
  func `a trial that has begun keeps its place`(running: Int, left: Int) throws {
    try device.publish(two)
    _ = try device.update().get()
    try start(running, counter: left)
    try device.publish(three)
    #expect(try device.update().get().result == .awaitingProof)
    #expect(try commits() == [two, one])
  }

  @Test func `what fell back is not deployed again, unless somebody insists`() throws {
    try device.publish(two)
    _ = try device.update().get()
    try start(1, counter: -1)
    let report = try device.update().get()
    #expect(report.fallback?.rejected?.commit.hex == two)
    #expect(report.result == .rejectedBefore)
    #expect(report.pull == nil)
    #expect(try commits() == [one])
    #expect(try store() == "boot_success=1")
    let again = try device.update().get()
    #expect(again.result == .rejectedBefore)
    #expect(again.fallback == nil)
    #expect(try device.updater().check().rejection?.deployment.commit.hex == two)

    #expect(try device.update { $0.isForced = true }.get().result == .deployed)
    #expect(try commits() == [two, one])
  }

  @Test func `a newer version than the rejected one is deployed`() throws {
    try device.publish(two)
    _ = try device.update().get()
    try start(1, counter: -1)
    try device.publish(three)
    let report = try device.update().get()
    #expect(report.fallback?.rejected?.commit.hex == two)
    #expect(report.result == .deployed)
    #expect(try commits() == [three, one])
  }

  @Test func `a configuration without trials arms none`() throws {
    device.configuration += "[boot]\ntrial-boots=0\n"
    try device.publish(two)
    #expect(try device.update().get().deploy?.trialBoots == nil)
    #expect(try store() == "")
    #expect(try device.update().get().result == .upToDate)
  }
}
