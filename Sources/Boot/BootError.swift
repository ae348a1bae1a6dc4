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
  /// This file system has no symbolic links. `type` is the magic number of statfs(2).
  case noSymbolicLinks(path: String, type: UInt64)
}

/// Runs calls on the file `path` and gives their errors its name.
func at<Value: ~Copyable>(
  _ path: String, _ body: () throws(Errno) -> Value
) throws(BootError) -> Value {
  do throws(Errno) { return try body() } catch { throw .file(path: path, error) }
}
