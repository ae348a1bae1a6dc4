// SPDX-License-Identifier: Apache-2.0
import Foundation
import Linux
import Testing

@testable import Boot

/// A file system of its own in a loop device, mounted in a temporary directory.
private struct LoopMount: ~Copyable {
  let folder: URL
  var path: String { folder.appendingPathComponent("mnt").path }

  init(_ make: String) throws {
    folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(
      at: folder.appendingPathComponent("mnt"), withIntermediateDirectories: true)
    try shell("truncate -s 16M \(folder.path)/image && \(make) \(folder.path)/image")
    try shell("mount -o loop \(folder.path)/image \(path)")
  }

  deinit {
    try? shell("umount \(path)")
    try? FileManager.default.removeItem(at: folder)
  }
}

private struct ShellFailure: Error { let command: String }

private func shell(_ command: String) throws {
  let process = Foundation.Process()
  process.executableURL = URL(fileURLWithPath: "/bin/sh")
  process.arguments = ["-c", "PATH=$PATH:/usr/sbin:/sbin; \(command) >/dev/null 2>&1"]
  try process.run()
  process.waitUntilExit()
  if process.terminationStatus != 0 { throw ShellFailure(command: command) }
}

private func canMount(_ make: String) -> Bool {
  guard let mount = try? LoopMount(make) else { return false }
  return FileManager.default.fileExists(atPath: mount.path)
}

@Suite(.serialized) struct BootFlushTests {
  private static let ext4 = "mkfs.ext4 -q -F"
  private static let fat = "mkfs.vfat"

  @Test(.enabled(if: canMount(ext4), "needs root and loop devices"))
  func `a separate ext4 boot is flushed past its journal and exchanged`() throws {
    let mount = try LoopMount(Self.ext4)
    let sysroot = try FileDescriptor.openDirectory(mount.folder.path)
    let boot = try BootDirectory(mount.path, sysroot: sysroot)
    let isSeparate = boot.isSeparate
    #expect(isSeparate)
    var entry = BootEntry()
    entry.version = "1"
    entry.kernel = "/vmlinuz"
    let file = BootEntryFile(name: "ostree-1-os.conf", entry: entry)
    try boot.write([file], uEnvironment: nil, as: .one)
    _ = try boot.commit(.one)
    try boot.write([file], uEnvironment: nil, as: .zero)
    let commit = try boot.commit(.zero)
    #expect(commit.step == .exchanged)
    #expect(commit.flush == .checkpoint || commit.flush == .freeze)
  }

  @Test(.enabled(if: canMount(ext4), "needs root and loop devices"))
  func `freezing leaves the file system writable`() throws {
    let mount = try LoopMount(Self.ext4)
    let directory = try FileDescriptor.openDirectory(mount.path)
    try directory.freezeAndThaw()
    try directory.makeDirectory("after")
    #expect(try directory.contains("after"))
  }

  @Test(.enabled(if: canMount(fat), "needs root, loop devices and mkfs.vfat"))
  func `a boot without symbolic links is refused before anything boots from it`() throws {
    let mount = try LoopMount(Self.fat)
    let sysroot = try FileDescriptor.openDirectory(mount.folder.path)
    let boot = try BootDirectory(mount.path, sysroot: sysroot)
    var entry = BootEntry()
    entry.kernel = "/vmlinuz"
    let file = BootEntryFile(name: "ostree-1-os.conf", entry: entry)
    let result = Result { () throws(BootError) in
      try boot.write([file], uEnvironment: nil, as: .one)
      return true
    }
    #expect(
      result == .failure(.noSymbolicLinks(path: mount.path, type: FileSystemKind.fat)))
  }
}
