// SPDX-License-Identifier: Apache-2.0
import Codec
import Linux

/// A remote that is to be added, and what is said about it.
public struct RemoteAddition: Sendable {
  public var name: String
  public var url: String
  /// What a pull without refs fetches.
  public var branches: [String] = []
  /// Further keys, in this order.
  public var settings: [(key: String, value: String)] = []
  /// For `sign-verify`: `false`, or the names of what must sign, separated by `;`. Nil: not said.
  public var signVerify: String?

  public init(_ name: String, url: String) {
    self.name = name
    self.url = url
  }
}

// Remotes stand in the repo's `config`; those of a system also in `*.conf` of a folder,
// `SYSROOT/etc/ostree/remotes.d`, which callers name where it counts. Read afresh each time.
extension Repo {
  private static let keyringSuffix = ".trustedkeys.gpg"

  /// Every remote, sorted by name. Throws `remoteExists` if two have the same name, and
  /// `configuration` if one of them makes no sense.
  public func remotes(folder: String? = nil) throws(OSTreeError) -> [RemoteConfig] {
    try RemoteConfig.all(in: try remoteFiles(folder).map { ($0.path, $0.keyfile) })
  }

  /// The names of all remotes, sorted, whatever is said about them.
  public func remoteNames(folder: String? = nil) throws(OSTreeError) -> [String] {
    try remoteFiles(folder).flatMap { $0.remotes }
      .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  /// Throws `unknownRemote` if there is none of that name, `remoteExists` if there are two.
  public func remote(_ name: String, folder: String? = nil) throws(OSTreeError) -> RemoteConfig {
    let files = try remoteFiles(folder).filter { $0.describes(name) }
    guard let file = files.first else { throw .unknownRemote(name) }
    if files.count > 1 { throw .remoteExists(name) }
    return try RemoteConfig(name, in: file.keyfile, path: file.path)
  }

  /// Adds a remote to the repo's config, or as `NAME.conf` to `folder` if `addsToFolder`. Durable
  /// when it returns.
  ///
  /// Keys in this order, as libostree writes them: `url`, `branches`, the settings, then
  /// `gpg-verify=false` unless a setting says otherwise (coppice has no GPG, and libostree demands
  /// it where the key is missing), `sign-verify`. Throws `invalidRemote` or `remoteExists`.
  public func addRemote(
    _ remote: RemoteAddition, folder: String? = nil, addsToFolder: Bool = false
  ) throws(OSTreeError) {
    guard RefName.isValidRemote(remote.name) else { throw .invalidRemote(remote.name) }
    if try remoteFiles(folder).contains(where: { $0.describes(remote.name) }) {
      throw .remoteExists(remote.name)
    }
    guard addsToFolder, let folder else {
      var file = try configFile()
      file.add(remote)
      return try file.write()
    }
    var file = RemoteFile(path: "\(folder)/\(remote.name).conf", keyfile: Keyfile())
    if try file.exists() { throw .exists(path: file.path) }
    file.add(remote)
    try file.write()
  }

  /// Takes a remote away, with its GPG keys. Refs that were pulled from it stay. A file of `folder`
  /// goes when it held nothing else. Durable when it returns. Throws `unknownRemote`.
  public func deleteRemote(_ name: String, folder: String? = nil) throws(OSTreeError) {
    guard var file = try remoteFiles(folder).first(where: { $0.describes(name) }) else {
      throw .unknownRemote(name)
    }
    file.remove(name)
    if file.isEmpty, !file.path.utf8.elementsEqual(configPath.utf8) {
      try file.delete()
    } else {
      try file.write()
    }
    try naming("\(path)/\(name)\(Repo.keyringSuffix)") { () throws(Errno) in
      if try root.unlinkIfPresent("\(name)\(Repo.keyringSuffix)") { try root.sync() }
    }
  }

  private var configPath: String { "\(path)/config" }

  private func configFile() throws(OSTreeError) -> RemoteFile {
    try RemoteFile(reading: configPath)
  }

  /// The config, then the files of the folder by name.
  private func remoteFiles(_ folder: String?) throws(OSTreeError) -> [RemoteFile] {
    var files = [try configFile()]
    guard let folder else { return files }
    let entries: [DirectoryEntry]
    do throws(Errno) {
      entries = try FileDescriptor.openDirectory(folder).sortedEntries()
    } catch {
      if error == .notFound { return files }
      throw .file(path: folder, error)
    }
    for entry in entries where entry.name.utf8.suffix(5).elementsEqual(".conf".utf8) {
      let path = "\(folder)/\(entry.name)"
      let status = try naming(path) { () throws(Errno) in
        try FileDescriptor.status(of: path)
      }
      if status.type == .regular { files.append(try RemoteFile(reading: path)) }
    }
    return files
  }
}

/// A keyfile that may have groups `[remote "NAME"]`. What it does not understand it keeps.
struct RemoteFile {
  let path: String
  private(set) var keyfile: Keyfile

  init(path: String, keyfile: Keyfile) {
    self.path = path
    self.keyfile = keyfile
  }

  init(reading path: String) throws(OSTreeError) {
    let text = try naming(path) { () throws(Errno) in
      try FileDescriptor.open(path).readAll(limit: Repo.configLimitBytes)
    }
    do throws(KeyfileError) {
      self.init(path: path, keyfile: try Keyfile(parsing: text))
    } catch { throw .configuration(path: path, .keyfile(error)) }
  }

  /// The names of the remotes in it.
  var remotes: [String] { RemoteConfig.names(in: keyfile) }

  func describes(_ name: String) -> Bool {
    remotes.contains { $0.utf8.elementsEqual(name.utf8) }
  }

  var isEmpty: Bool { keyfile.groups.isEmpty }

  mutating func add(_ remote: RemoteAddition) {
    let group = RemoteConfig.group(remote.name)
    keyfile.set(group, "url", to: remote.url)
    if !remote.branches.isEmpty { keyfile.set(group, "branches", to: remote.branches) }
    for setting in remote.settings { keyfile.set(group, setting.key, to: setting.value) }
    if keyfile.string(group, "gpg-verify") == nil { keyfile.set(group, "gpg-verify", to: "false") }
    if let signVerify = remote.signVerify { keyfile.set(group, "sign-verify", to: signVerify) }
  }

  mutating func remove(_ name: String) { keyfile.remove(group: RemoteConfig.group(name)) }

  func exists() throws(OSTreeError) -> Bool {
    try naming(path) { () throws(Errno) in
      do throws(Errno) { _ = try FileDescriptor.status(of: path, following: false) } catch {
        if error == .notFound { return false }
        throw error
      }
      return true
    }
  }

  func write() throws(OSTreeError) {
    let (folder, name) = Repo.split(path)
    try naming(path) { () throws(Errno) in
      let here = try FileDescriptor.openDirectory(".")
      try here.makeDirectories(folder, mode: 0o755)
      try FileDescriptor.openDirectory(folder).replaceFile(name, with: keyfile.serialized())
    }
  }

  func delete() throws(OSTreeError) {
    let (folder, name) = Repo.split(path)
    try naming(path) { () throws(Errno) in
      let directory = try FileDescriptor.openDirectory(folder)
      try directory.unlinkIfPresent(name)
      try directory.sync()
    }
  }
}
