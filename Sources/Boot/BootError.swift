// SPDX-License-Identifier: Apache-2.0
public import Linux

/// What can go wrong on the way to what the board boots next.
///
/// After any of these the board boots what it booted before.
public enum BootError: Error, Hashable, Sendable {
  /// A system call on this file failed.
  case file(path: String, Errno)
  /// `loader` or `loader.next` is not a link to `loader.0` or `loader.1`.
  case strangeLink(path: String, target: String)
  /// `loader` is there and is not a symbolic link: another system owns this `/boot`.
  case notALink(path: String)
  /// A boot entry cannot be read. `line` counts from 1; 0 stands for the whole file.
  case malformedEntry(path: String, line: Int)
  /// A boot entry lacks a key without which it starts nothing.
  case missingKey(path: String, key: String)
  /// A value would break the line format of the file it is to be written to.
  case unwritable(path: String, key: String, value: String)
  /// The board is set up for a boot loader whose configuration coppice does not write. `path` is
  /// what shows it: a file of the boot loader, or the repo's configuration.
  case unsupportedBootloader(name: String, path: String)
  /// No file of the boot loader in which it could count was found; looked for below `path`.
  case noGrubEnvironment(path: String)
  /// `fw_env.config` names no device.
  case noEnvironment(path: String)
  /// A device that `fw_env.config` names is not there or too short, or the two copies differ in
  /// size or kind.
  case environmentUnusable(path: String)
  /// The boot loader's store is not what it should be: a wrong checksum, or no environment block.
  /// `path` is the store, or the `fw_env.config` that leads to it.
  case environmentDamaged(path: String)
  /// What is to be kept does not fit, or not where one write changes it as a whole.
  case environmentFull(path: String)
  /// U-Boot's `.flags` do not let this variable be set.
  case environmentRefused(path: String, name: String)
  /// What was read back is not what was written, or a write failed.
  case environmentNotKept(path: String)
  /// GRUB cannot write to this file in place. `type` is the magic number of statfs(2).
  case unfitEnvironmentFile(path: String, type: UInt64)
  /// The EFI system partition is not mounted where it was looked for, `path` being the first place.
  case noSystemPartition(path: String)
  /// What was read back from the EFI system partition is not what was written there.
  case copyNotKept(path: String)
  /// This file system has no symbolic links. `type` is the magic number of statfs(2).
  case noSymbolicLinks(path: String, type: UInt64)
}

/// Runs calls on the file `path` and gives their errors its name.
func at<Value: ~Copyable>(
  _ path: String, _ body: () throws(Errno) -> Value
) throws(BootError) -> Value {
  do throws(Errno) { return try body() } catch { throw .file(path: path, error) }
}
