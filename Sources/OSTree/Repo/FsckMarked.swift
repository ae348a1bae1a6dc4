// SPDX-License-Identifier: Apache-2.0
import Cryptography
import Linux

// What a pull does first. A commit that fsck has marked lacks objects; others of it may be damaged
// and still be there: found because one was missing, or left by a power cut between the mark and
// the removal. A pull takes what is there for good, so what is not is taken away before it looks.
extension Repo {
  /// Hashes what is there of the commits that fsck has marked, and removes what is damaged.
  ///
  /// Costs reading one folder where no commit is marked. Otherwise takes the exclusive lock; throws
  /// `busy` if it is not to be had. Durable when it returns.
  public func removeDamagedOfMarkedCommits() throws(OSTreeError) {
    let marked = try markedCommits()
    if !marked.isEmpty { try removeDamaged(of: marked, under: try lock(.exclusive)) }
  }

  private func removeDamaged(
    of commits: [Checksum], under lock: borrowing RepoLock
  ) throws(OSTreeError) {
    var removal = DamageRemoval(self)
    for commit in commits { try removal.run(commit) }
    guard removal.hasRemoved else { return }
    try naming(path) { () throws(Errno) in try root.syncFileSystem() }
  }

  /// Those with a mark of fsck's, in order.
  private func markedCommits() throws(OSTreeError) -> [Checksum] {
    let entries: [DirectoryEntry]
    do throws(Errno) { entries = try root.openDirectory("state").entries() } catch {
      if error == .notFound { return [] }
      throw .file(path: "\(path)/state", error)
    }
    let suffix = ".commitpartial".utf8
    var found: [Checksum] = []
    for entry in entries where entry.name.utf8.suffix(suffix.count).elementsEqual(suffix) {
      guard let name = String(entry.name.utf8.dropLast(suffix.count)),
        let commit = Checksum(hex: name), try isMarkedDamaged(commit)
      else { continue }
      found.append(commit)
    }
    return found.sorted()
  }
}

/// Walks trees as far as they are there and sound; each object is hashed once.
private struct DamageRemoval: ~Copyable {
  private let repo: Repo
  private var hash = FileHash()
  private var walked: Set<Checksum> = []
  private(set) var hasRemoved = false

  init(_ repo: Repo) { self.repo = repo }

  mutating func run(_ checksum: Checksum) throws(OSTreeError) {
    guard try isSound(ObjectName(checksum, .commit)) else { return }
    let commit = try repo.loadCommit(checksum)
    _ = try isSound(ObjectName(commit.rootMeta, .dirMeta))
    var waiting = [commit.rootTree]
    while let next = waiting.popLast() {
      guard walked.insert(next).inserted, try isSound(ObjectName(next, .dirTree)) else { continue }
      let tree = try repo.loadDirTree(next)
      for index in 0..<tree.fileCount {
        _ = try isSound(ObjectName(tree.fileChecksum(at: index), .file))
      }
      for index in 0..<tree.directoryCount {
        let directory = tree.directory(at: index)
        _ = try isSound(ObjectName(directory.meta, .dirMeta))
        waiting.append(directory.tree)
      }
    }
  }

  /// Whether the object is here and what its name says. One that is something else is removed.
  private mutating func isSound(_ name: ObjectName) throws(OSTreeError) -> Bool {
    do throws(OSTreeError) {
      if try repo.objects.checksum(of: name, &hash, dropping: true) == name.checksum { return true }
    } catch {
      switch error {
      case .missing: return false
      case .malformed, .tooLarge: break
      default: throw error
      }
    }
    try repo.objects.remove(name)
    hasRemoved = true
    return false
  }
}
