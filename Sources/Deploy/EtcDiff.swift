// SPDX-License-Identifier: Apache-2.0
public import Linux

/// What was changed in /etc: the difference between a deployment's `usr/etc` and its `etc`.
///
/// Compared are types, owners, modes, and the contents of files and links. Times and extended
/// attributes do not count (ostree-diff.c). Nothing is read but files that agree in all else.
public struct EtcDiff: Hashable, Sendable {
  /// Paths relative to /etc; the empty path is /etc itself. A directory that was removed or added
  /// stands for all below it.
  public var modified: [String] = []
  public var removed: [String] = []
  public var added: [String] = []

  fileprivate mutating func append(_ other: EtcDiff) {
    modified += other.modified
    removed += other.removed
    added += other.added
  }

  public var isEmpty: Bool { modified.isEmpty && removed.isEmpty && added.isEmpty }

  /// Compares the directories `old` and `current`.
  ///
  /// `listsAll`: added directories are followed by all below them, as `ostree admin config-diff`
  /// lists them. Throws `file` with a path below `path`, which names `current`.
  public static func between(
    _ old: borrowing FileDescriptor, _ current: borrowing FileDescriptor, path: String,
    listsAll: Bool = false
  ) throws(DeployError) -> EtcDiff {
    var diff = EtcDiff()
    let walk = EtcDiffWalk(path: path, listsAll: listsAll)
    try walk.compare(old, current, at: "", &diff)
    return diff
  }
}

/// One run of the comparison.
private struct EtcDiffWalk {
  let path: String
  let listsAll: Bool

  func compare(
    _ old: borrowing FileDescriptor, _ current: borrowing FileDescriptor, at folder: String,
    _ diff: inout EtcDiff
  ) throws(DeployError) {
    let place = folder.utf8.isEmpty ? path : "\(path)/\(folder)"
    let (before, after) = try Deploy.at(place) { () throws(Errno) in
      (try old.status(), try current.status())
    }
    if !hasSameMetadata(before, after) { diff.modified.append(folder) }
    let oldEntries = try Deploy.at(place) { () throws(Errno) in try old.sortedEntries() }
    for entry in oldEntries {
      try compareEntry(entry.name, old, current, join(folder, entry.name), &diff)
    }
    let newEntries = try Deploy.at(place) { () throws(Errno) in try current.sortedEntries() }
    for entry in newEntries {
      let isOld = try Deploy.at(place) { () throws(Errno) in try old.contains(entry.name) }
      if !isOld { try add(entry.name, current, join(folder, entry.name), &diff) }
    }
  }

  private func compareEntry(
    _ name: String, _ old: borrowing FileDescriptor, _ current: borrowing FileDescriptor,
    _ full: String, _ diff: inout EtcDiff
  ) throws(DeployError) {
    let isThere = try EtcRace.bear(
      isThere: { () throws(DeployError) in
        try Deploy.at("\(path)/\(full)") { () throws(Errno) in try current.contains(name) }
      },
      isNotFound: { $0.isNotFound },
      { () throws(DeployError) in
        var found = EtcDiff()
        try compareFound(name, old, current, full, &found)
        diff.append(found)
      })
    if !isThere { diff.removed.append(full) }
  }

  /// An entry that both have.
  private func compareFound(
    _ name: String, _ old: borrowing FileDescriptor, _ current: borrowing FileDescriptor,
    _ full: String, _ diff: inout EtcDiff
  ) throws(DeployError) {
    let (before, after) = try Deploy.at("\(path)/\(full)") { () throws(Errno) in
      (try old.status(of: name), try current.status(of: name))
    }
    if before.type == .directory, after.type == .directory {
      let from = try Deploy.at("\(path)/\(full)") { () throws(Errno) in
        try old.openDirectory(name)
      }
      let to = try Deploy.at("\(path)/\(full)") { () throws(Errno) in
        try current.openDirectory(name)
      }
      return try compare(from, to, at: full, &diff)
    }
    let isSame = try Deploy.at("\(path)/\(full)") { () throws(Errno) in
      try isSameFile(name, old, before, current, after)
    }
    if !isSame { diff.modified.append(full) }
  }

  private func add(
    _ name: String, _ current: borrowing FileDescriptor, _ full: String, _ diff: inout EtcDiff
  ) throws(DeployError) {
    diff.added.append(full)
    guard listsAll else { return }
    let directory = try Deploy.at("\(path)/\(full)") { () throws(Errno) -> FileDescriptor? in
      guard try current.status(of: name).type == .directory else { return nil }
      return try current.openDirectory(name)
    }
    guard let directory else { return }
    let entries = try Deploy.at("\(path)/\(full)") { () throws(Errno) in
      try directory.sortedEntries()
    }
    for entry in entries { try add(entry.name, directory, join(full, entry.name), &diff) }
  }

  private func join(_ folder: String, _ name: String) -> String {
    folder.utf8.isEmpty ? name : "\(folder)/\(name)"
  }
}

private func hasSameMetadata(_ first: FileStatus, _ second: FileStatus) -> Bool {
  first.mode == second.mode && first.uid == second.uid && first.gid == second.gid
}

/// Cheapest first: a file is read only if type, mode, owner and size agree.
private func isSameFile(
  _ name: String, _ old: borrowing FileDescriptor, _ before: FileStatus,
  _ current: borrowing FileDescriptor, _ after: FileStatus
) throws(Errno) -> Bool {
  guard hasSameMetadata(before, after) else { return false }
  if before.isSameFile(as: after) { return true }
  switch before.type {
  case .symbolicLink:
    return same(
      try old.symbolicLinkTarget(of: name), try current.symbolicLinkTarget(of: name))
  case .regular:
    guard before.sizeBytes == after.sizeBytes else { return false }
    let from = try old.open(name, [.readOnly, .noFollow])
    let to = try current.open(name, [.readOnly, .noFollow])
    return try haveSameContents(from, to)
  default: return true
  }
}

private func haveSameContents(
  _ first: borrowing FileDescriptor, _ second: borrowing FileDescriptor
) throws(Errno) -> Bool {
  var a = [UInt8](repeating: 0, count: 32 << 10)
  var b = a
  while true {
    let count = try first.readFully(into: &a)
    guard try second.readFully(into: &b) == count else { return false }
    if count == 0 { return true }
    guard a[..<count] == b[..<count] else { return false }
  }
}
