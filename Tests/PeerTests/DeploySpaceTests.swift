// SPDX-License-Identifier: Apache-2.0
import Foundation
import Support
import Testing

/// Deploys for which there is no room: on the file system of the sysroot, and in `/boot`.
@Suite(
  .enabled(if: DeviceFixture.canHaveOwnBoot, "needs root and loop devices")
) struct DeploySpaceTests {
  /// What a failed deploy may not have changed.
  private func snapshot(_ path: String) throws -> String {
    try mustRun(
      "sh", "-ec",
      """
      find boot ostree/deploy ostree/boot.* ostree/repo/refs -printf '%p %y %s %l\\n' | sort
      cat boot/loader/entries/*
      """, in: path)
  }

  /// Commits an image with this much in `/etc`, and a kernel of its own.
  private func commit(_ repo: String, etcFiles: Int, kernelMegabytes: Int) throws -> String {
    let tree = try TemporaryDirectory("tree")
    try mustRun(
      "bash", "-ec",
      """
      mkdir -p usr/lib/modules/6.1 usr/etc boot
      head -c \(kernelMegabytes)M /dev/urandom > usr/lib/modules/6.1/vmlinuz
      echo 'PRETTY_NAME="Large OS"' > usr/lib/os-release
      for i in {1..\(etcFiles)}; do head -c 8000 /dev/urandom > usr/etc/$i; done
      """, in: tree.path)
    return try mustRun(
      "ostree", "--repo=\(repo)", "commit", "-b", "large", "--tree=dir=\(tree.path)")
  }

  private func refuse(
    _ commit: String, on path: String, full: String, location: SourceLocation = #_sourceLocation
  ) throws {
    let before = try snapshot(path)
    let run = try Coppice(["--sysroot", path, "deploy", commit])
    #expect(run.exit == 5, "\(run)", sourceLocation: location)
    #expect(run.error?.name == "no-space", sourceLocation: location)
    #expect(run.error?.path == full, "\(run)", sourceLocation: location)
    let numbers = try #require(run.error?.message.matches(of: /([0-9]+) bytes/))
      .compactMap { Int($0.1) }
    #expect(numbers.count == 2 && numbers[0] > numbers[1], "\(run)", sourceLocation: location)
    #expect(try snapshot(path) == before, sourceLocation: location)
  }

  @Test func `a tree for which there is no room is not left half made`() throws {
    let disk = try LoopFileSystem(DeviceFixture.ext4, megabytes: 16)
    let path = disk.path
    _ = try Coppice(["--sysroot", path, "init-sysroot", "--stateroot", "coppice"])
    let repo = "\(path)/ostree/repo"
    try mustRun(
      "bash", "-c", "printf 'min-free-space-percent=0\\n' >> \"$1/config\"", "config", repo)
    let small = try commit(repo, etcFiles: 1, kernelMegabytes: 1)
    #expect(try Coppice(["--sysroot", path, "deploy", small]).exit == 0)
    let large = try commit(repo, etcFiles: 300, kernelMegabytes: 1)
    // The last of the room but 1 MB; the copy of /etc takes more than 2 MB.
    try mustRun(
      "bash", "-c",
      "free=$(stat -f -c '%f*%S' .); fallocate -l $((free - 1000000)) filler", in: path)
    try refuse(large, on: path, full: "\(path)/ostree")
    try mustRun("rm", "\(path)/filler")
    #expect(try Coppice(["--sysroot", path, "deploy", large]).exit == 0)
    // Immutable trees would keep the folder of the test from going.
    try mustRun("bash", "-c", "chattr -i ostree/deploy/coppice/deploy/*.0", in: path)
  }

  @Test func `a kernel for which there is no room in boot is not left half made`() throws {
    let device = try DeviceFixture(hasOwnBoot: true)
    try device.upgrade(to: 1)
    let large = try commit(device.repo.path, etcFiles: 1, kernelMegabytes: 20)
    try refuse(large, on: device.path, full: "\(device.path)/boot")
    #expect(try device.leftovers() == [])
    #expect(try device.defectsOfDefault() == "")
    try device.upgrade(to: 2)
    #expect(try device.order() == ["2.0", "1.0"])
  }
}
