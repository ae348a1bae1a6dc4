// SPDX-License-Identifier: Apache-2.0
public import Boot
public import Linux

/// What can go wrong between a commit in the repo and a deployment that boots.
///
/// After any of these the board boots what it booted before.
public enum DeployError: Error, Hashable, Sendable {
  /// A system call on this file failed.
  case file(path: String, Errno)
  case boot(BootError)

  /// Nothing is to be deleted by that name: no argument has that key, or that key and value.
  case noKernelArgument(String)
  /// Several arguments have this key; which one is to be deleted must be said with its value.
  case ambiguousKernelArgument(String)

  /// The tree holds no kernel in any of the places where OSTree looks.
  case noKernel(tree: String)
  /// Kernel and initramfs of the older layout name different checksums.
  case kernelMismatch(kernel: String, initramfs: String)
  /// A name of the older layout that does not end in a checksum.
  case kernelName(path: String)
  /// The tree's os-release is missing, or names neither a `PRETTY_NAME` nor an `ID`.
  case noOSRelease(tree: String)

  /// The tree has settings in both /etc and /usr/etc.
  case twoEtcs(tree: String)
  /// A file that was changed is a directory in the new defaults. `path` is relative to /etc.
  case etcNowDirectory(path: String)
  /// A directory in which something was changed is no directory in the new defaults.
  case etcNoLongerDirectory(path: String)

  /// An origin file that is no keyfile. `line` counts from 1.
  case malformedOrigin(path: String, line: Int)
}

/// Runs calls on the file `path` and gives their errors its name.
func at<Value: ~Copyable>(
  _ path: String, _ body: () throws(Errno) -> Value
) throws(DeployError) -> Value {
  do throws(Errno) { return try body() } catch { throw .file(path: path, error) }
}

/// Whether two names are the same bytes. `==` of strings calls different bytes equal where Unicode
/// sees the same characters; file systems and the kernel do not.
func same(_ first: String, _ second: String) -> Bool {
  first.utf8.elementsEqual(second.utf8)
}
