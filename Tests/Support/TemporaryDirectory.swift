// SPDX-License-Identifier: Apache-2.0
import Foundation

/// A folder that is removed, with all that is in it, when its last owner lets go of it.
///
/// It lies below `.build/tmp`: on a real file system, with hard links, extended attributes and
/// the immutable flag, which a tmpfs on `/tmp` may not have.
public final class TemporaryDirectory: Sendable {
  public let path: String

  public init(_ name: String = "test") throws {
    path = PackagePaths.root + "/.build/tmp/\(name)-\(UUID().uuidString.prefix(8))"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit {
    if (try? FileManager.default.removeItem(atPath: path)) != nil { return }
    // Deployments are immutable, and a tree under test may hold folders that nobody may write to.
    _ = try? run("chattr", "-R", "-f", "-i", path)
    _ = try? run("chmod", "-R", "u+rwX", path)
    _ = try? run("rm", "-rf", "--one-file-system", path)
  }

  /// The path of something in this folder.
  public func file(_ name: String) -> String { path + "/" + name }

  /// Makes a folder and those above it; gives its path.
  @discardableResult
  public func makeDirectory(_ name: String) throws -> String {
    try FileManager.default.createDirectory(
      atPath: file(name), withIntermediateDirectories: true)
    return file(name)
  }

  /// Writes a file and makes the folders above it; gives its path.
  @discardableResult
  public func write(_ bytes: [UInt8], to name: String) throws -> String {
    let url = URL(fileURLWithPath: file(name))
    try FileManager.default.createDirectory(
      at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(bytes).write(to: url)
    return url.path
  }

  @discardableResult
  public func write(_ text: String, to name: String) throws -> String {
    try write([UInt8](text.utf8), to: name)
  }

  public func read(_ name: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: file(name))))
  }

  public func readText(_ name: String) throws -> String {
    String(decoding: try read(name), as: UTF8.self)
  }
}
