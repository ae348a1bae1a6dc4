// SPDX-License-Identifier: Apache-2.0
import Codec
import Cryptography
import Linux

/// A store of commits and their objects, on disk as libostree has it:
/// ```
/// REPO/config                          keyfile: mode, remotes
/// REPO/objects/XX/REST.TYPE            objects, each named for its checksum
/// REPO/refs/heads/…  refs/remotes/…    names of commits
/// REPO/state/COMMIT.commitpartial      this commit may lack objects
/// REPO/.lock                           shared: adding; exclusive: removing
/// REPO/tmp/                            libostree's scratch; what is foreign there is deleted
/// REPO/coppice/                        ours: staging, left-overs, partial downloads, lock
/// ```
/// Safe to share between threads: nothing in it changes. ostree spec: docs/repo.md.
public final class Repo: Sendable {
  public let path: String
  public let configuration: RepoConfig
  /// What `core.parent` names: objects and refs that are not here are looked for there.
  public let parent: Repo?
  let root: FileDescriptor
  let objects: LooseObjects

  public var mode: RepoMode { configuration.mode }

  /// How many repos may stand behind each other by `core.parent`.
  private static let parentsMax = 8

  /// Opens the repo at `path`. Throws `notARepo` if there is none.
  public static func open(_ path: String) throws(OSTreeError) -> Repo {
    try Repo(path, parentsLeft: parentsMax)
  }

  private init(_ path: String, parentsLeft: Int) throws(OSTreeError) {
    self.path = path
    let configuration = try Repo.configuration(path)
    self.configuration = configuration
    root = try Repo.openFolder(path, repo: path)
    objects = LooseObjects(
      try Repo.openFolder("\(path)/objects", repo: path), path: "\(path)/objects",
      mode: configuration.mode)
    if let parent = configuration.parentPath {
      guard parentsLeft > 0 else { throw .notARepo(path: parent) }
      self.parent = try Repo(parent, parentsLeft: parentsLeft - 1)
    } else {
      self.parent = nil
    }
  }

  private static func openFolder(
    _ path: String, repo: String
  ) throws(OSTreeError) -> FileDescriptor {
    do throws(Errno) { return try FileDescriptor.openDirectory(path) } catch {
      if error == .notFound || error == .notDirectory { throw .notARepo(path: repo) }
      throw .file(path: path, error)
    }
  }

  private static func configuration(_ path: String) throws(OSTreeError) -> RepoConfig {
    let text: [UInt8]
    do throws(Errno) {
      text = try FileDescriptor.open("\(path)/config").readAll(limit: configLimitBytes)
    } catch {
      if error == .notFound { throw .notARepo(path: path) }
      throw .file(path: "\(path)/config", error)
    }
    return try RepoConfig(parsing: text, path: "\(path)/config")
  }

  /// Far above any honest file of settings.
  static let configLimitBytes = 1 << 20

  /// Makes an empty repo; `path` may exist if it is an empty directory. Durable when it returns.
  /// `settings` are further lines of `[core]`.
  public static func create(
    _ path: String, mode: RepoMode, settings: [(key: String, value: String)] = []
  ) throws(OSTreeError) -> Repo {
    try naming(path) { () throws(Errno) in
      let here = try FileDescriptor.openDirectory(".")
      try here.makeDirectories(path, mode: 0o775)
      let root = try FileDescriptor.openDirectory(path)
      if try root.contains("config") { throw .exists }
      for folder in [
        "objects", "tmp", "tmp/cache", "extensions", "state", "refs", "refs/heads", "refs/mirrors",
        "refs/remotes",
      ] {
        try root.makeDirectories(folder, mode: 0o775)
      }
      var config = Keyfile()
      config.set("core", "repo_version", to: "1")
      config.set("core", "mode", to: mode.configValue)
      for setting in settings { config.set("core", setting.key, to: setting.value) }
      try root.replaceFile("config", with: config.serialized())
      try root.syncFileSystem()
    }
    return try open(path)
  }

  /// Whether the caller may change the repo.
  public var isWritable: Bool { root.isWritable("objects") }

  /// Whether the object is here or in a parent repo. One stat(2).
  public func contains(_ name: ObjectName) throws(OSTreeError) -> Bool {
    if try objects.contains(name) { return true }
    return try parent?.contains(name) ?? false
  }
}
