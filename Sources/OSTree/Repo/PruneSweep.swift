// SPDX-License-Identifier: Apache-2.0
import Codec
import Cryptography
import Linux

/// Removes what is not reachable: commits, then other objects, then what is named for commits that
/// are gone. One folder of `objects/` at a time.
struct PruneSweep {
  private let repo: Repo
  private let reachable: Reachability
  private let isDryRun: Bool
  private(set) var report = PruneReport()
  private var removedCommits: [Checksum] = []

  init(_ repo: Repo, _ reachable: Reachability, isDryRun: Bool) {
    self.repo = repo
    self.reachable = reachable
    self.isDryRun = isDryRun
  }

  mutating func run() throws(OSTreeError) {
    let folders = try repo.objects.folders()
    for folder in folders { try removeCommits(folder) }
    if !removedCommits.isEmpty, !isDryRun {
      try naming(repo.path) { () throws(Errno) in try repo.root.syncFileSystem() }
    }
    for folder in folders { try removeRest(folder) }
    if !isDryRun {
      for commit in removedCommits { try repo.clearPartial(commit) }
    }
    try removeDeltas()
    if !isDryRun { try removeSummaries() }
  }

  private mutating func removeCommits(_ folder: String) throws(OSTreeError) {
    for name in try repo.objects.names(inFolder: folder) where name.type == .commit {
      report.objects += 1
      if reachable.contains(name) { continue }
      if !isDryRun, repo.configuration.keepsTombstones { try writeTombstone(name.checksum) }
      try remove(name)
      report.removedCommits += 1
      removedCommits.append(name.checksum)
    }
  }

  private mutating func removeRest(_ folder: String) throws(OSTreeError) {
    for name in try repo.objects.names(inFolder: folder) where name.type != .commit {
      if name.type.isContentAddressed { report.objects += 1 }
      if !reachable.contains(name) { try remove(name) }
    }
    if !isDryRun { try removePayloadLinks(folder) }
  }

  private mutating func remove(_ name: ObjectName) throws(OSTreeError) {
    guard let status = try repo.objects.status(name) else { return }
    if name.type.isContentAddressed { report.removedObjects += 1 }
    if status.links == 1 { report.freedBytes += status.sizeBytes }
    if !isDryRun { try repo.objects.remove(name) }
  }

  /// What stays of a commit where `core.tombstone-commits` is set: pulls of its children then know
  /// that it is not missing by mistake. `a{sv}` with `commit`, the digits as a byte string.
  private func writeTombstone(_ commit: Checksum) throws(OSTreeError) {
    let digits = Array(commit.hex.utf8) + [0]
    let value = GVariantValue.array(
      elementType: "{sv}", [.dictEntry(.string("commit"), .variant(.bytes(digits)))])
    let name = ObjectName(commit, .tombstoneCommit)
    let folder = String(commit.hex.utf8.prefix(2))!
    let file = String(repo.objects.loosePath(name).utf8.dropFirst(3))!
    try naming(repo.objects.fullPath(name)) { () throws(Errno) in
      let directory = try repo.objects.directory.openDirectory(folder)
      try directory.replaceFile(file, with: value.serialized())
    }
  }

  /// libostree's links from content to file objects, of use to nobody once the object is gone.
  private func removePayloadLinks(_ folder: String) throws(OSTreeError) {
    try naming("\(repo.objects.path)/\(folder)") { () throws(Errno) in
      let directory = try repo.objects.directory.openDirectory(folder)
      for entry in try directory.entries()
      where entry.name.utf8.suffix(13).elementsEqual(
        ".payload-link".utf8)
      {
        guard try directory.symbolicLinkTargetIfPresent(of: entry.name) != nil else { continue }
        do throws(Errno) { _ = try directory.status(of: entry.name, following: true) } catch {
          if error == .notFound { try directory.unlinkIfPresent(entry.name) }
        }
      }
    }
  }
}

extension PruneSweep {
  /// Static deltas lie at `deltas/PREFIX/REST/`, indexes at `delta-indexes/PREFIX/REST.index`;
  /// PREFIX and REST together name the commit, or `FROM-TO`.
  private mutating func removeDeltas() throws(OSTreeError) {
    for (folder, suffix) in [("deltas", ""), ("delta-indexes", ".index")] {
      for prefix in try names(in: folder) {
        for rest in try names(in: "\(folder)/\(prefix)") {
          guard rest.utf8.suffix(suffix.utf8.count).elementsEqual(suffix.utf8),
            let target = PruneSweep.target(
              ofDelta: prefix + String(rest.utf8.dropLast(suffix.utf8.count))!)
          else { continue }
          let name = ObjectName(target, .commit)
          if reachable.contains(name), try repo.contains(name) { continue }
          report.removedDeltas += suffix.isEmpty ? 1 : 0
          if isDryRun { continue }
          try naming("\(repo.path)/\(folder)/\(prefix)/\(rest)") { () throws(Errno) in
            let directory = try repo.root.openDirectory(folder).openDirectory(prefix)
            try directory.removeTree(rest)
          }
        }
      }
    }
  }

  /// None if there is no such folder.
  private func names(in folder: String) throws(OSTreeError) -> [String] {
    do throws(Errno) {
      return try repo.root.open(folder, [.readOnly, .directory]).sortedEntries().map { $0.name }
    } catch {
      if error == .notFound || error == .notDirectory { return [] }
      throw .file(path: "\(repo.path)/\(folder)", error)
    }
  }

  /// The commit that a delta leads to: base64 with `_` for `/` and without the `=`.
  static func target(ofDelta name: String) -> Checksum? {
    let last = name.utf8.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false).last
    guard let last else { return nil }
    let slash = UInt8(ascii: "/")
    let digits = last.map { $0 == UInt8(ascii: "_") ? slash : $0 } + [UInt8(ascii: "=")]
    guard let text = String(validating: digits, as: UTF8.self), let bytes = Base64.decode(text)
    else { return nil }
    return Checksum(bytes)
  }

  /// `tmp/cache/summaries/REMOTE` and `REMOTE.sig`.
  private func removeSummaries() throws(OSTreeError) {
    let folder = "tmp/cache/summaries"
    let cached = try names(in: folder)
    if cached.isEmpty { return }
    let remotes = try repo.remoteNames()
    for name in cached {
      let isSignature = name.utf8.suffix(4).elementsEqual(".sig".utf8)
      let remote = isSignature ? String(name.utf8.dropLast(4))! : name
      let isKept = remotes.contains {
        $0.utf8.elementsEqual(remote.utf8) || $0.utf8.elementsEqual(name.utf8)
      }
      if isKept { continue }
      try naming("\(repo.path)/\(folder)/\(name)") { () throws(Errno) in
        _ = try repo.root.open(folder, [.readOnly, .directory]).unlinkIfPresent(name)
      }
    }
  }
}
