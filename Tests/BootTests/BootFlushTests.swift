// SPDX-License-Identifier: Apache-2.0
import Linux
import Support
import Testing

@testable import Boot

@Suite(.serialized) struct BootFlushTests {
  private static let ext4 = "mkfs.ext4 -q -F"
  private static let fat = "mkfs.vfat"

  @Test(.enabled(if: LoopFileSystem.isAvailable(ext4), "needs root and loop devices"))
  func `a separate ext4 boot is flushed past its journal and exchanged`() throws {
    let mount = try LoopFileSystem(Self.ext4)
    let sysroot = try FileDescriptor.openDirectory("/")
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

  @Test(.enabled(if: LoopFileSystem.isAvailable(ext4), "needs root and loop devices"))
  func `freezing leaves the file system writable`() throws {
    let mount = try LoopFileSystem(Self.ext4)
    let directory = try FileDescriptor.openDirectory(mount.path)
    try directory.freezeAndThaw()
    try directory.makeDirectory("after")
    #expect(try directory.contains("after"))
  }

  @Test(.enabled(if: LoopFileSystem.isAvailable(fat), "needs root, loop devices and mkfs.vfat"))
  func `a boot without symbolic links is refused before anything boots from it`() throws {
    let mount = try LoopFileSystem(Self.fat)
    let sysroot = try FileDescriptor.openDirectory("/")
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
