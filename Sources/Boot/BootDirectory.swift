// SPDX-License-Identifier: Apache-2.0
public import Linux

/// `/boot` of a sysroot: the two sets of boot entries and the links that say which is in force.
///
/// ```
/// boot/loader          -> loader.0
/// boot/loader.next     -> loader.1
/// boot/loader.0/entries/ostree-2-poky.conf      position 0: the highest version
/// boot/loader.0/entries/ostree-1-poky.conf      position 1
/// boot/loader.0/uEnv.txt                        where U-Boot reads it
/// boot/boot            -> .                     for loaders that see /boot as their root
/// ```
public struct BootDirectory: ~Copyable, Sendable {
  /// The largest entry or `uEnv.txt` that is read: a kernel takes 4 KiB of arguments at most, and
  /// a `uEnv.txt` holds one entry for each deployment.
  static let textBytesMax = 1 << 20

  public let directory: FileDescriptor
  /// For errors.
  public let path: String
  /// On another file system than the deployments.
  public let isSeparate: Bool
  /// Nor on the one that this program runs from: it may be frozen without stopping the machine.
  let mayFreeze: Bool

  /// Opens `path`. `sysroot` is the directory that holds the deployments.
  public init(
    _ path: String, sysroot: borrowing FileDescriptor
  ) throws(BootError) {
    let opened = try at(path) { () throws(Errno) in try FileDescriptor.openDirectory(path) }
    let device = try at(path) { () throws(Errno) in try opened.status().device }
    let ours = try at("/") { () throws(Errno) in try FileDescriptor.status(of: "/").device }
    let theirs = try at(path) { () throws(Errno) in try sysroot.status().device }
    self.path = path
    isSeparate = device != theirs
    mayFreeze = isSeparate && device != ours
    directory = opened
  }

  public borrowing func links() throws(BootError) -> BootLinks {
    try BootLinks.read(in: directory, path: path)
  }
}
