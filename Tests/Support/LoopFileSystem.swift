// SPDX-License-Identifier: Apache-2.0
import Foundation

/// A file system of its own in a file, mounted by a loop device. Needs root.
public final class LoopFileSystem: Sendable {
  private let folder: TemporaryDirectory
  /// Where it is mounted.
  public let path: String
  /// The file that it lies in.
  public var image: String { folder.file("image") }

  /// Makes one of `megabytes` with the program `make`, for example `mkfs.ext4 -q -F`, and mounts it
  /// at `path`, or in a folder of its own.
  public init(_ make: String, megabytes: Int = 16, at path: String? = nil) throws {
    folder = try TemporaryDirectory("loop")
    self.path = try path ?? folder.makeDirectory("mnt")
    try mustRun(
      "sh", "-ec",
      """
      PATH=$PATH:/usr/sbin:/sbin; truncate -s \(megabytes)M image; \(make) image >&2
      mount -o loop image '\(self.path)'
      """, in: folder.path)
  }

  deinit { _ = try? run("umount", "-l", path) }

  public func remount(_ options: String) throws {
    try mustRun("mount", "-o", "remount,\(options)", path)
  }

  /// Whether file systems of this kind can be made and mounted here.
  public static func isAvailable(_ make: String) -> Bool {
    (try? LoopFileSystem(make)) != nil
  }
}
