// SPDX-License-Identifier: Apache-2.0
import Cryptography
import Linux

// Names of commits: `refs/heads/REF` for our own, `refs/remotes/REMOTE/REF` for those pulled.
// Each is a file of 64 digits and a newline; a symbolic link in their place is an alias.
extension Repo {
  private static let refLimitBytes = 4096

  private func folder(of remote: String?) -> String {
    guard let remote else { return "refs/heads" }
    return "refs/remotes/\(remote)"
  }

  /// The commit that the ref names, or nil.
  public func readRef(_ refspec: Refspec) throws(OSTreeError) -> Checksum? {
    let file = "\(folder(of: refspec.remote))/\(refspec.ref)"
    if let found = try readRef(file: file) { return found }
    return try parent?.readRef(refspec)
  }

  private func readRef(file: String) throws(OSTreeError) -> Checksum? {
    let bytes: [UInt8]
    do throws(Errno) { bytes = try root.open(file).readAll(limit: Repo.refLimitBytes) } catch {
      switch error {
      case .notFound, .notDirectory, .isDirectory: return nil
      default: throw .file(path: "\(path)/\(file)", error)
      }
    }
    let end = bytes.lastIndex { $0 > UInt8(ascii: " ") }.map { $0 + 1 } ?? 0
    guard let text = String(validating: bytes[..<end], as: UTF8.self),
      let checksum = Checksum(hex: text)
    else { throw .file(path: "\(path)/\(file)", .invalid) }
    return checksum
  }

  /// Points the ref at a commit. Durable when it returns.
  public func writeRef(_ refspec: Refspec, _ commit: Checksum) throws(OSTreeError) {
    let folder = folder(of: refspec.remote)
    let (directory, name) = Repo.split("\(folder)/\(refspec.ref)")
    let file = "\(path)/\(folder)/\(refspec.ref)"
    do throws(Errno) {
      try root.makeDirectories(directory, mode: 0o777)
      let parent = try root.open(directory, [.readOnly, .directory])
      if try parent.statusIfPresent(of: name)?.type == .directory {
        // A folder that holds no refs any more may be replaced; one that does may not.
        try parent.removeEmptyTree(name)
      }
      try parent.replaceFile(name, with: Array("\(commit.hex)\n".utf8))
      // The folders on the way may be new.
      var above = directory
      while above.utf8.contains(UInt8(ascii: "/")) {
        above = Repo.split(above).directory
        try root.open(above, [.readOnly, .directory]).sync()
      }
    } catch {
      switch error {
      case .notDirectory, .exists, .notEmpty, .isDirectory:
        throw .refConflict(refspec.text, with: file)
      default: throw .file(path: file, error)
      }
    }
  }

  /// Removes the ref; false if there was none. Durable when it returns. Empty folders above it
  /// go as well.
  @discardableResult
  public func removeRef(_ refspec: Refspec) throws(OSTreeError) -> Bool {
    let top = folder(of: refspec.remote)
    let file = "\(top)/\(refspec.ref)"
    return try naming("\(path)/\(file)") { () throws(Errno) in
      do throws(Errno) { try root.unlink(file) } catch {
        if error == .notFound || error == .notDirectory { return false }
        throw error
      }
      var (directory, _) = Repo.split(file)
      try root.open(directory, [.readOnly, .directory]).sync()
      while directory.utf8.count > top.utf8.count {
        do throws(Errno) { try root.removeDirectory(directory) } catch { break }
        directory = Repo.split(directory).directory
      }
      return true
    }
  }

  /// Removes what a run that was cut while it wrote a ref has left below `prefix`, for whose refs
  /// nobody else may be writing.
  public func removeInterruptedRefs(below prefix: String) throws(OSTreeError) {
    try removeInterrupted("refs/heads/\(prefix)", depth: 0)
  }

  private func removeInterrupted(_ folder: String, depth: Int) throws(OSTreeError) {
    guard depth < Repo.refDepthMax else { return }
    let folders = try naming("\(path)/\(folder)") { () throws(Errno) -> [String] in
      guard try root.statusIfPresent(of: folder)?.type == .directory else { return [] }
      let directory = try root.openDirectory(folder)
      var folders: [String] = []
      for entry in try directory.entries() {
        if entry.type == .directory { folders.append(entry.name) }
        // As `replaceFile` calls them.
        if entry.name.hasPrefix("."), entry.name.hasSuffix(".new") {
          try directory.unlinkIfPresent(entry.name)
        }
      }
      return folders
    }
    for name in folders { try removeInterrupted("\(folder)/\(name)", depth: depth + 1) }
  }

  /// Every ref, sorted by text. Files whose names are no ref names are passed over.
  public func refs() throws(OSTreeError) -> [(refspec: Refspec, commit: Checksum)] {
    var found: [(refspec: Refspec, commit: Checksum)] = []
    try collect("refs/heads", "", remote: nil, into: &found, depth: 0)
    let remotes: [DirectoryEntry]
    do throws(Errno) {
      remotes = try root.open("refs/remotes", [.readOnly, .directory]).entries()
    } catch {
      if error == .notFound { return Repo.sorted(found) }
      throw .file(path: "\(path)/refs/remotes", error)
    }
    for entry in remotes where RefName.isValidRemote(entry.name) {
      try collect("refs/remotes/\(entry.name)", "", remote: entry.name, into: &found, depth: 0)
    }
    return Repo.sorted(found)
  }

  /// What the refs of mirrored collections name, `refs/mirrors/COLLECTION/REF`.
  func mirrorRefs() throws(OSTreeError) -> [Checksum] {
    let top = "refs/mirrors"
    var found: [(refspec: Refspec, commit: Checksum)] = []
    let collections: [DirectoryEntry]
    do throws(Errno) {
      collections = try root.open(top, [.readOnly, .directory]).entries()
    } catch {
      if error == .notFound { return [] }
      throw .file(path: "\(path)/\(top)", error)
    }
    for entry in collections {
      try collect("\(top)/\(entry.name)", "", remote: nil, into: &found, depth: 0)
    }
    return found.map { $0.commit }
  }

  private static func sorted(
    _ refs: [(refspec: Refspec, commit: Checksum)]
  ) -> [(refspec: Refspec, commit: Checksum)] {
    refs.sorted { $0.refspec.text.utf8.lexicographicallyPrecedes($1.refspec.text.utf8) }
  }

  /// Fragments of a ref name; no honest one has more.
  private static let refDepthMax = 64

  private func collect(
    _ folder: String, _ prefix: String, remote: String?,
    into found: inout [(refspec: Refspec, commit: Checksum)], depth: Int
  ) throws(OSTreeError) {
    guard depth < Repo.refDepthMax else { return }
    let here = "\(folder)\(prefix.isEmpty ? "" : "/\(prefix)")"
    let entries: [DirectoryEntry]
    do throws(Errno) {
      entries = try root.open(here, [.readOnly, .directory]).entries()
    } catch {
      if error == .notFound || error == .notDirectory { return }
      throw .file(path: "\(path)/\(here)", error)
    }
    for entry in entries {
      let name = prefix.isEmpty ? entry.name : "\(prefix)/\(entry.name)"
      guard RefName.isValid(name) else { continue }
      if entry.type == .directory {
        try collect(folder, name, remote: remote, into: &found, depth: depth + 1)
      } else if let commit = try readRef(file: "\(folder)/\(name)") {
        found.append((Refspec(remote: remote, ref: name), commit))
      }
    }
  }

  static func split(_ path: String) -> (directory: String, name: String) {
    guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return (".", path) }
    return (String(path[..<slash]), String(path[path.utf8.index(after: slash)...]))
  }
}

extension FileDescriptor {
  /// Removes a directory that holds only directories. Throws `notEmpty` if there is a file in it.
  fileprivate borrowing func removeEmptyTree(_ name: String) throws(Errno) {
    let directory = try openDirectory(name)
    for entry in try directory.entries() {
      guard entry.type == .directory else { throw .notEmpty }
      try directory.removeEmptyTree(entry.name)
    }
    try removeDirectory(name)
  }
}
