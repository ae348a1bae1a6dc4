// SPDX-License-Identifier: Apache-2.0
public import Linux

/// Carries what was changed in one deployment's /etc over into the /etc of another.
///
/// Three trees: the old defaults (`usr/etc` of the source), what became of them (its `etc`), and
/// the new `etc`, a fresh copy of the new defaults. What was changed wins; what was not takes the
/// new default; what was deleted stays deleted (ostree-sysroot-deploy.c).
///
/// Better than libostree in four ways: a new mode or owner of a directory is carried over; a
/// directory of the defaults that was replaced by a file or link stays replaced; fifos and sockets
/// inside of an added directory are left out and not an error; removal never follows a link.
///
/// Not transactional: after an error the new `etc` must be made afresh. Durable after
/// `syncFileSystem()`.
public struct EtcMerge: Hashable, Sendable {
  /// What was carried over.
  public let changes: EtcDiff
  /// Devices, fifos and sockets, which were not. Paths relative to /etc.
  public private(set) var leftOut: [String] = []

  private init(_ changes: EtcDiff) { self.changes = changes }

  /// `path` names the source's `etc` in errors, `newPath` the new one.
  public static func run(
    old: borrowing FileDescriptor, current: borrowing FileDescriptor, path: String,
    into new: borrowing FileDescriptor, newPath: String
  ) throws(DeployError) -> EtcMerge {
    var merge = EtcMerge(try EtcDiff.between(old, current, path: path))
    for removed in merge.changes.removed { try remove(removed, new, newPath) }
    for changed in merge.changes.modified + merge.changes.added {
      let isCarried = try EtcRace.bear(
        isThere: { () throws(DeployError) in try isThere(changed, current, path) },
        isNotFound: { $0.isNotFound },
        { () throws(DeployError) in try merge.carry(changed, old, current, new, newPath) })
      if isCarried { continue }
      // It went after it was listed.
      if try isThere(changed, old, path) { try remove(changed, new, newPath) }
    }
    return merge
  }

  /// From the deployment `tree`, which `path` names; nil if it has no /etc of its own.
  static func run(
    from tree: borrowing FileDescriptor, path: String, into new: borrowing FileDescriptor,
    newPath: String
  ) throws(DeployError) -> EtcMerge? {
    let (defaults, etc) = try at(path) { () throws(Errno) in
      (try tree.statusIfPresent(of: "usr/etc"), try tree.statusIfPresent(of: "etc"))
    }
    guard defaults?.type == .directory, etc?.type == .directory else { return nil }
    let old = try at("\(path)/usr/etc") { () throws(Errno) in
      try tree.openBeneath("usr/etc", [.readOnly, .directory])
    }
    let current = try at("\(path)/etc") { () throws(Errno) in try tree.openDirectory("etc") }
    return try run(old: old, current: current, path: "\(path)/etc", into: new, newPath: newPath)
  }

  private static func isThere(
    _ file: String, _ folder: borrowing FileDescriptor, _ path: String
  ) throws(DeployError) -> Bool {
    try at("\(path)/\(file)") { () throws(Errno) in
      try folder.contains(file.utf8.isEmpty ? "." : file)
    }
  }

  private static func remove(
    _ path: String, _ new: borrowing FileDescriptor, _ newPath: String
  ) throws(DeployError) {
    try at("\(newPath)/\(path)") { () throws(Errno) in
      do throws(Errno) {
        let parent = try new.openBeneath(EtcPath(path).folder, [.readOnly, .directory])
        try parent.removeTree(EtcPath(path).name)
      } catch {
        // Gone in the new defaults too, with its directory.
        if error != .notFound && error != .notDirectory && error != .tooManySymbolicLinks {
          throw error
        }
      }
    }
  }

  private mutating func carry(
    _ path: String, _ old: borrowing FileDescriptor, _ current: borrowing FileDescriptor,
    _ new: borrowing FileDescriptor, _ newPath: String
  ) throws(DeployError) {
    if path.utf8.isEmpty {  // /etc itself has another mode or owner
      return try at(newPath) { () throws(Errno) in
        try EtcCopy.copyMetadata(from: current, to: new)
      }
    }
    let split = EtcPath(path)
    let source = try at("\(newPath)/\(path)") { () throws(Errno) in
      try current.openBeneath(split.folder, [.readOnly, .directory])
    }
    let target = try EtcMerge.parents(of: split, current, new, newPath)
    let wasDirectory = try at("\(newPath)/\(path)") { () throws(Errno) in
      try old.statusIfPresent(of: path)?.type == .directory
    }
    try place(split.name, path, source, target, wasDirectory: wasDirectory, newPath)
  }

  /// Puts one changed file, link or directory into its place in the new /etc. `full` is its path
  /// relative to /etc; `wasDirectory` says what the old defaults had there.
  private mutating func place(
    _ name: String, _ full: String, _ source: borrowing FileDescriptor,
    _ target: borrowing FileDescriptor, wasDirectory: Bool, _ newPath: String
  ) throws(DeployError) {
    let (found, existing) = try at("\(newPath)/\(full)") { () throws(Errno) in
      (try source.status(of: name).type, try target.statusIfPresent(of: name)?.type)
    }
    switch (found, existing) {
    case (.directory, .directory):
      try placeDirectory(name, full, source, target, wasDirectory: wasDirectory, newPath)
    case (.regular, .directory) where !wasDirectory,
      (.symbolicLink, .directory) where !wasDirectory:
      throw .etcNowDirectory(path: full)
    case (.directory, _), (.regular, _), (.symbolicLink, _):
      try at("\(newPath)/\(full)") { () throws(Errno) in
        try target.removeTree(name)
        try EtcCopy.run(name, in: source, to: name, in: target, times: .ofSource)
      }
    default: leftOut.append(full)
    }
  }

  /// A directory that the new defaults have as well. What changed in one of the old defaults is
  /// listed by itself; one that is all new is gone through here.
  private mutating func placeDirectory(
    _ name: String, _ full: String, _ source: borrowing FileDescriptor,
    _ target: borrowing FileDescriptor, wasDirectory: Bool, _ newPath: String
  ) throws(DeployError) {
    let path = "\(newPath)/\(full)"
    let from = try at(path) { () throws(Errno) in try source.openDirectory(name) }
    let to = try at(path) { () throws(Errno) in try target.openDirectory(name) }
    try at(path) { () throws(Errno) in try EtcCopy.copyMetadata(from: from, to: to) }
    if wasDirectory { return }
    let entries = try at(path) { () throws(Errno) in try from.sortedEntries() }
    for entry in entries {
      try place(entry.name, "\(full)/\(entry.name)", from, to, wasDirectory: false, newPath)
    }
  }

  /// The directory in the new /etc that is to hold `path`. Each one on the way gets the owner, mode
  /// and attributes that it has in the source, also where it was there before.
  private static func parents(
    of path: EtcPath, _ current: borrowing FileDescriptor, _ new: borrowing FileDescriptor,
    _ newPath: String
  ) throws(DeployError) -> FileDescriptor {
    var folder = ""
    var target = try at(newPath) { () throws(Errno) in try new.open(".", [.readOnly, .directory]) }
    for name in path.folders {
      folder = folder.utf8.isEmpty ? name : "\(folder)/\(name)"
      let existing = try at("\(newPath)/\(folder)") { () throws(Errno) in
        try target.statusIfPresent(of: name)?.type
      }
      if let existing, existing != .directory { throw .etcNoLongerDirectory(path: folder) }
      let next = try at("\(newPath)/\(folder)") { () throws(Errno) in
        if existing == nil { try target.makeDirectory(name, mode: 0o700) }
        let next = try target.openDirectory(name)
        try EtcCopy.copyMetadata(
          from: try current.openBeneath(folder, [.readOnly, .directory]), to: next)
        return next
      }
      target = next
    }
    return target
  }
}

/// A path relative to /etc, taken apart.
private struct EtcPath {
  let text: String
  /// The names of the directories on the way.
  let folders: [String]
  let name: String

  init(_ text: String) {
    self.text = text
    var parts = text.utf8.split(separator: UInt8(ascii: "/")).compactMap { String($0) }
    name = parts.popLast() ?? ""
    folders = parts
  }

  /// The directory that holds it; `.` for /etc itself.
  var folder: String { folders.isEmpty ? "." : folders.joined(separator: "/") }
}
