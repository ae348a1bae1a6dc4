// SPDX-License-Identifier: Apache-2.0
internal import CLinux

/// What a file system has and has left. statfs(2).
public struct FileSystemStatus: Sendable {
  /// The magic number of the kind, for example 0xEF53 for ext4.
  public let type: UInt64
  public let blockBytes: UInt64
  public let blocks: UInt64
  /// Free for root.
  public let blocksFree: UInt64
  /// Free for everyone else.
  public let blocksAvailable: UInt64
  public let inodesFree: UInt64
  public let isReadOnly: Bool

  /// What the caller may still fill.
  public var freeBytes: UInt64 {
    let blocks = clinux_effective_user() == 0 ? blocksFree : blocksAvailable
    return blocks.multipliedReportingOverflow(by: blockBytes).partialValue
  }
}

/// The magic numbers of file systems that are treated apart. statfs(2), linux/magic.h.
public enum FileSystemKind {
  public static let ext4: UInt64 = 0xEF53
  public static let xfs: UInt64 = 0x5846_5342
  public static let btrfs: UInt64 = 0x9123_683E
  public static let f2fs: UInt64 = 0xF2F5_2010
  public static let fat: UInt64 = 0x4D44
  public static let tmpfs: UInt64 = 0x0102_1994
  public static let overlay: UInt64 = 0x794C_7630
  public static let ubifs: UInt64 = 0x2405_1905
}

extension FileDescriptor {
  /// Of the file system that this file lies on. fstatfs(2).
  public borrowing func fileSystemStatus() throws(Errno) -> FileSystemStatus {
    let raw = self.raw
    var found = clinux_statfs()
    _ = try retrying { unsafe clinux_fstatfs(raw, &found) }
    return FileSystemStatus(
      type: found.type, blockBytes: max(found.block_size, 1), blocks: found.blocks,
      blocksFree: found.blocks_free, blocksAvailable: found.blocks_available,
      inodesFree: found.files_free, isReadOnly: found.read_only != 0)
  }

  /// Makes all that was written to this file system survive a power cut; reports write errors
  /// from Linux 5.8. syncfs(2).
  public borrowing func syncFileSystem() throws(Errno) {
    let raw = self.raw
    _ = try retrying { clinux_syncfs(raw) }
  }

  /// Writes the whole journal to its places, so that a boot loader that does not replay journals
  /// sees what Linux sees. Throws `.notTerminal` or `.notSupported` where the file system has no
  /// such call. ext4, `EXT4_IOC_CHECKPOINT`, Linux 5.14; needs CAP_SYS_ADMIN.
  public borrowing func checkpointJournal() throws(Errno) {
    let raw = self.raw
    _ = try retrying { clinux_checkpoint(raw) }
  }

  /// Stops and restarts all writes to this file system, which flushes its journal. A child process
  /// thaws if this one dies in between. Never for the file system that this program runs from.
  /// ioctl_fifreeze(2); needs CAP_SYS_ADMIN.
  public borrowing func freezeAndThaw(limitSeconds: Int32 = 30) throws(Errno) {
    let raw = self.raw
    var child: Int32 = 0
    let guardPipe = try retrying { unsafe clinux_thaw_guard_start(raw, limitSeconds, &child) }
    defer { clinux_thaw_guard_end(guardPipe, child) }
    _ = try retrying { clinux_freeze(raw) }
    _ = try retrying { clinux_thaw(raw) }
  }

  /// Sets or clears the flag that forbids every change to the inode. Throws `.notTerminal` or
  /// `.notSupported` on file systems without it. ioctl_iflags(2), `FS_IMMUTABLE_FL`.
  public borrowing func setImmutable(_ immutable: Bool) throws(Errno) {
    let raw = self.raw
    var flags: UInt32 = 0
    _ = try retrying { unsafe clinux_get_inode_flags(raw, &flags) }
    let bit = UInt32(CLINUX_FS_IMMUTABLE)
    let wanted = immutable ? flags | bit : flags & ~bit
    if wanted == flags { return }
    _ = try retrying { clinux_set_inode_flags(raw, wanted) }
  }

  /// Clears the flags that keep an inode from being removed or its names from changing: those that
  /// `chattr +i` and `chattr +a` set. Throws as `setImmutable`.
  public borrowing func clearProtection() throws(Errno) {
    let raw = self.raw
    var flags: UInt32 = 0
    _ = try retrying { unsafe clinux_get_inode_flags(raw, &flags) }
    let wanted = flags & ~UInt32(CLINUX_FS_IMMUTABLE | CLINUX_FS_APPEND)
    if wanted == flags { return }
    _ = try retrying { clinux_set_inode_flags(raw, wanted) }
  }

  /// Whether the inode carries the immutable flag; false where there is no such flag.
  public borrowing func isImmutable() -> Bool {
    var flags: UInt32 = 0
    let result = unsafe clinux_get_inode_flags(raw, &flags)
    return result == 0 && flags & UInt32(CLINUX_FS_IMMUTABLE) != 0
  }
}
