// SPDX-License-Identifier: Apache-2.0
import Linux

/// A boot entry and the name of its file.
public struct BootEntryFile: Hashable, Sendable {
  public var name: String
  public var entry: BootEntry

  public init(name: String, entry: BootEntry) {
    self.name = name
    self.entry = entry
  }

  /// The trial counter in the file name, if there is one.
  public var counter: BootCounter? { BootEntryName(name)?.counter }
}

extension BootDirectory {
  /// The entries of a set that OSTree made, in boot order: the highest `version` first. None where
  /// the set is missing. Throws `malformedEntry` or `missingKey` for one that cannot be read.
  public borrowing func entries(of version: BootVersion) throws(BootError) -> [BootEntryFile] {
    let folder = "\(version.loaderName)/entries"
    var found: [BootEntryFile] = []
    for name in try entryNames(in: folder) where BootEntryName.isOurs(name) {
      let file = "\(path)/\(folder)/\(name)"
      let text = try read("\(folder)/\(name)")
      found.append(BootEntryFile(name: name, entry: try BootEntry(parsing: text, path: file)))
    }
    return found.sorted { VersionOrder.compare($0.entry.version, $1.entry.version) > 0 }
  }

  /// The text of `uEnv.txt` in a set, or nil.
  public borrowing func uEnvironment(of version: BootVersion) throws(BootError) -> String? {
    let name = "\(version.loaderName)/\(UEnvironment.name)"
    let found = try at("\(path)/\(name)") { () throws(Errno) in
      try directory.statusIfPresent(of: name)
    }
    if found == nil { return nil }
    guard let text = String(validating: try read(name), as: UTF8.self) else {
      throw .malformedEntry(path: "\(path)/\(name)", line: 0)
    }
    return text
  }

  /// Writes a whole set anew: `entries` in boot order, and `uEnv.txt` and `grub-entries.cfg` where
  /// there is text for them. Entries of others in the set in force are carried over.
  ///
  /// `version` must not be in force. Durable after `commit`.
  public borrowing func write(
    _ entries: [BootEntryFile], uEnvironment: String?, grubEntries: String? = nil,
    as version: BootVersion
  ) throws(BootError) {
    let links = try links()
    precondition(links.current != version, "the set in force is never written to")
    try remove(version)
    let folder = "\(version.loaderName)/entries"
    try at("\(path)/\(folder)") { () throws(Errno) in try directory.makeDirectories(folder) }
    for file in entries {
      let name = "\(folder)/\(file.name)"
      try create(name, Array(try file.entry.serialized(path: "\(path)/\(name)").utf8))
    }
    if let current = links.current {
      let source = "\(current.loaderName)/entries"
      for name in try entryNames(in: source) where !BootEntryName.isOurs(name) {
        try create("\(folder)/\(name)", try read("\(source)/\(name)"))
      }
    }
    if let uEnvironment {
      try create("\(version.loaderName)/\(UEnvironment.name)", Array(uEnvironment.utf8))
    }
    if let grubEntries {
      try create("\(version.loaderName)/\(GrubEntries.name)", Array(grubEntries.utf8))
    }
    try makeRootLink()
  }

  /// Removes a set that is not in force; nothing to do if it is missing.
  public borrowing func remove(_ version: BootVersion) throws(BootError) {
    try at("\(path)/\(version.loaderName)") { () throws(Errno) in
      try directory.removeTree(version.loaderName)
    }
  }

  /// The commit step: from here on the board boots `version`. Durable and atomic; everything that
  /// the set names must be durable before, on every other file system.
  public borrowing func commit(_ version: BootVersion) throws(BootError) -> BootCommit {
    try BootLinks.commit(version, in: directory, path: path, mayFreeze: mayFreeze)
  }

  /// Makes `loader.next` anew where it is missing or leads to the set in force, as libostree leaves
  /// it. Durable when it returns. False if it was right.
  @discardableResult
  public borrowing func restoreNextLink() throws(BootError) -> Bool {
    try BootLinks.restoreNext(in: directory, path: path, mayFreeze: mayFreeze)
  }

  /// Makes what was written to `/boot` survive a power cut, and visible to its boot loader.
  @discardableResult
  public borrowing func flush() throws(BootError) -> BootFlush {
    try BootFlush.run(directory, path: path, mayFreeze: mayFreeze)
  }

  /// `boot/boot -> .`, by which paths that begin with `/boot` hold on a separate `/boot` as well.
  private borrowing func makeRootLink() throws(BootError) {
    do throws(Errno) { try directory.symbolicLink("boot", to: ".") } catch {
      if error == .exists { return }
      if error == .notPermitted {
        let type = try at(path) { () throws(Errno) in try directory.fileSystemStatus().type }
        throw .noSymbolicLinks(path: path, type: type)
      }
      throw .file(path: "\(path)/boot", error)
    }
  }

  /// The names of the entry files in a folder, sorted.
  private borrowing func entryNames(in folder: String) throws(BootError) -> [String] {
    let entries = try at("\(path)/\(folder)") { () throws(Errno) -> [DirectoryEntry] in
      do throws(Errno) {
        return try directory.open(folder, [.readOnly, .directory]).sortedEntries()
      } catch {
        if error == .notFound { return [] }
        throw error
      }
    }
    return entries.map { $0.name }.filter { $0.utf8.reversed().starts(with: "fnoc.".utf8) }
  }

  private borrowing func read(_ name: String) throws(BootError) -> [UInt8] {
    try at("\(path)/\(name)") { () throws(Errno) in
      try directory.open(name).readAll(limit: BootDirectory.textBytesMax)
    }
  }

  private borrowing func create(_ name: String, _ bytes: [UInt8]) throws(BootError) {
    try at("\(path)/\(name)") { () throws(Errno) in
      let file = try directory.open(name, [.writeOnly, .create, .exclusive], mode: 0o644)
      try file.setMode(0o644)
      try file.write(bytes)
    }
  }
}
