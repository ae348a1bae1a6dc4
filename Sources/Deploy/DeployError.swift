// SPDX-License-Identifier: Apache-2.0
public import Boot
public import Codec
public import Cryptography
public import Linux
public import OSTree

/// What can go wrong between a commit in the repo and a deployment that boots.
///
/// After any of these the board boots what it booted before.
public enum DeployError: Error, Hashable, Sendable {
  /// A system call on this file failed.
  case file(path: String, Errno)
  case boot(BootError)
  case ostree(OSTreeError)
  /// A file system has not the room. What is needed may be a lower bound.
  case noSpace(path: String, neededBytes: UInt64, freeBytes: UInt64)
  /// Another coppice or ostree works on the sysroot: it holds the lock at `path`.
  case busy(path: String)

  /// `path` holds no `ostree` or no `boot`.
  case notASysroot(path: String)
  /// The repo's configuration has a value that makes no sense.
  case configuration(path: String, key: String, value: String)
  /// A name that cannot stand for a stateroot in paths and boot entries.
  case invalidStateroot(String)
  case noStateroot(path: String, name: String)
  /// There are several stateroots, or none, and nothing says which one is meant.
  case whichStateroot([String])
  /// A boot entry whose `ostree=` is missing or leads to no deployment.
  case strangeEntry(path: String, deployment: String?)
  /// A file by which libostree or the kernel speaks of the running system cannot be read.
  case strangeRunFile(path: String)
  /// The record of a pending merge is damaged, or of a newer coppice.
  case strangePending(path: String)
  /// The deployment whose /etc was to be merged is gone, or has none.
  case noMergeSource(path: String)
  /// No deployment is behind this `ostree=`.
  case strangeBootLink(String)
  /// What is recorded about trial boots cannot be read, or a newer coppice wrote it.
  case strangeRecord(path: String)
  /// The store that the boot loader reads, by the name that it told the kernel, is not the one that
  /// is read here.
  case storeDiffers(told: String, found: String?)
  /// Nothing runs from the sysroot at `path`.
  case notBooted(path: String)
  /// No deployment has this index; there are `count`.
  case noDeployment(index: Int, count: Int)
  /// Indices that name not every deployment, or one twice.
  case notAnOrder([Int])
  /// The deployment that is running can neither be removed nor lose its place.
  case isBooted(index: Int)
  /// The deployment at `path` runs, and no boot entry in `boot` leads to it.
  case bootedNotListed(path: String, boot: String)
  /// What libostree has staged can be dropped, but not pinned, ordered or changed.
  case isStaged
  /// There is no other deployment to go back to.
  case nothingToRollBackTo
  /// The deployment's directory is gone.
  case missingTree(path: String)
  /// Objects of the commit are missing in the repo.
  case partialCommit(Checksum)
  /// The image is to be labelled by SELinux, which coppice cannot do. `path` says so.
  case selinuxUnsupported(path: String)
  /// The image demands composefs, of which coppice makes no images. `path` says so: a file, or the
  /// tree where a kernel argument does.
  case composefsUnsupported(path: String)
  /// What the medium gives back of the kernel files is not what was written there.
  case damagedKernel(path: String, expected: Checksum, found: Checksum)

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

  /// A keyfile that is none.
  case keyfile(path: String, KeyfileError)
}

/// Runs calls on the file `path` and gives their errors its name.
func at<Value: ~Copyable>(
  _ path: String, _ body: () throws(Errno) -> Value
) throws(DeployError) -> Value {
  do throws(Errno) { return try body() } catch { throw .file(path: path, error) }
}

/// Runs calls on the repo.
func inRepo<Value: ~Copyable>(
  _ body: () throws(OSTreeError) -> Value
) throws(DeployError) -> Value {
  do throws(OSTreeError) { return try body() } catch {
    switch error {
    case .noSpace(let path, let needed, let free):
      throw .noSpace(path: path, neededBytes: needed, freeBytes: free)
    default: throw .ostree(error)
    }
  }
}

/// Runs calls on `/boot`.
func inBoot<Value: ~Copyable>(
  _ body: () throws(BootError) -> Value
) throws(DeployError) -> Value {
  do throws(BootError) { return try body() } catch { throw .boot(error) }
}

/// Whether two names are the same bytes. `==` of strings calls different bytes equal where Unicode
/// sees the same characters; file systems and the kernel do not.
func same(_ first: String, _ second: String) -> Bool {
  first.utf8.elementsEqual(second.utf8)
}
