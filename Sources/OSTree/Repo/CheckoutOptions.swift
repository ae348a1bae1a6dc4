// SPDX-License-Identifier: Apache-2.0

/// Whose the files of a checkout become.
public enum CheckoutMode: Sendable {
  /// Owner, mode and extended attributes as the commit says. Needs root where the owner differs.
  case native
  /// All is ours: no owner, no extended attributes, no set-user-id bits, and every file can be
  /// read by its owner. `ostree checkout -U`.
  case user
}

/// How a commit becomes a tree of files.
public struct CheckoutOptions: Sendable {
  public var mode = CheckoutMode.native
  /// Fail where a hard link cannot be made, in place of copying. `ostree checkout -H`. Empty files
  /// and what has to look different from the object are copied all the same.
  public var requiresHardLinks = false
  /// Empty files get an inode of their own, as libostree gives them: thousands of names of one
  /// empty object would meet the file system's limit of links.
  public var copiesEmptyFiles = true
  /// `.ostree-wh.NAME` becomes the character device 0:0 `NAME`, overlayfs's mark of a deleted
  /// file. Deployments have it so.
  public var passesWhiteouts = false
  /// Hash also what is hard-linked. Folders and what is copied are hashed in any case.
  public var verifies = false

  public init() {}
}

/// What a checkout did.
public struct CheckoutReport: Sendable, Hashable {
  /// Files and symbolic links that share their inode with the repo.
  public var linked: UInt64 = 0
  /// Files and symbolic links that have their own, whiteouts included.
  public var copied: UInt64 = 0
  public var directories: UInt64 = 0
  /// Content that was written.
  public var copiedBytes: UInt64 = 0
}
