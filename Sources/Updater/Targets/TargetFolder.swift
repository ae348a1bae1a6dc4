// SPDX-License-Identifier: Apache-2.0
import Linux

/// Where the content of targets is kept that are not OSTree commits: a folder of coppice's state.
/// ```
/// targets/sha256-4e67ea…          whole and verified
/// targets/sha256-91b2c7….part     what came of one so far
/// targets/sha256-91b2c7….resume   where that can go on
/// ```
/// A name says what the content must be, never what the target is called.
public struct TargetFolder: Sendable {
  /// It need not exist.
  public let path: String

  public init(_ path: String) { self.path = path }

  static let partSuffix = ".part"
  static let resumeSuffix = ".resume"

  public func path(of content: TargetContent) -> String { "\(path)/\(content.fileName)" }

  /// Whether the content is there, every byte of it: it is hashed again. What is damaged is
  /// removed.
  public func contains(_ content: TargetContent) throws(UpdaterError) -> Bool {
    try at(path(of: content)) { () throws(Errno) in
      guard let folder = try open() else { return false }
      let file: FileDescriptor
      do throws(Errno) {
        file = try folder.open(content.fileName, [.readOnly, .noFollow, .nonBlocking])
      } catch {
        if error == .notFound { return false }
        throw error
      }
      let status = try file.status()
      if status.type == .regular, status.sizeBytes == content.lengthBytes {
        var hash = ContentHash(content)
        _ = try hash.update(with: file, count: content.lengthBytes)
        if hash.finish() == .holds { return true }
      }
      try folder.unlink(content.fileName)
      return false
    }
  }

  /// Removes everything but these, and what is on its way to be one of them.
  public func remove(allBut kept: [TargetContent]) throws(UpdaterError) {
    let names = kept.map { $0.fileName }
    try at(path) { () throws(Errno) in
      guard let folder = try open() else { return }
      for entry in try folder.entries() {
        if names.contains(where: { TargetFolder.belongs(entry.name, to: $0) }) { continue }
        try folder.removeTree(entry.name)
      }
      try folder.sync()
    }
  }

  private static func belongs(_ name: String, to kept: String) -> Bool {
    same(name, kept) || same(name, kept + partSuffix) || same(name, kept + resumeSuffix)
  }

  private func open() throws(Errno) -> FileDescriptor? {
    do throws(Errno) { return try FileDescriptor.openDirectory(path) } catch {
      if error == .notFound { return nil }
      throw error
    }
  }

  /// Opens the folder, made if it is missing. A target may hold secrets.
  func make() throws(Errno) -> FileDescriptor { try StateFolder.openPrivate(path) }
}
