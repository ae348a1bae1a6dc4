// SPDX-License-Identifier: Apache-2.0
import Configuration
import Cryptography
import Deploy
import Linux
import OSTree

// What the doctor looks for in the store, and on the file systems.
extension Doctor {
  /// Whether somebody is at work. Nothing is made: without the file nobody holds it.
  mutating func examineLocks(_ sysroot: Sysroot) {
    for path in ["\(prefix)/ostree/lock", "\(sysroot.repo.path)/coppice/lock"] {
      guard let file = try? FileDescriptor.open(path, [.readWrite]),
        let isFree = try? file.tryLock(.exclusive), !isFree
      else { continue }
      return add(.lock, .warn, .lockHeld(path: path))
    }
    add(.lock, .ok, .lockFree)
  }

  /// The sysroot without a slash at its end.
  var prefix: String {
    var bytes = path.utf8[...]
    while bytes.last == UInt8(ascii: "/") { bytes.removeLast() }
    return String(decoding: bytes, as: UTF8.self)
  }

  mutating func examineRepo(_ repo: Repo) throws(UpdaterError) {
    if repo.isWritable {
      add(.repo, .ok, .repo(path: repo.path, repo.mode))
    } else {
      add(.repo, .warn, .readOnlyRepo(path: repo.path))
    }
    let found = try inRepo { () throws(OSTreeError) in try repo.leftovers() }
    if found.objects == 0 {
      add(.leftovers, .ok, .noLeftovers)
    } else if repairs {
      try judgeLeftovers(repo)
    } else {
      // The next pull hashes them before it uses them.
      add(.leftovers, .ok, .leftovers(found))
    }
    try examineMarks(repo)
  }

  private mutating func judgeLeftovers(_ repo: Repo) throws(UpdaterError) {
    let judged = try inRepo { () throws(OSTreeError) in
      let lock = try repo.lock(.shared)
      let judged = try repo.stage().judgeLeftovers()
      extendLifetime(lock)
      return judged
    }
    add(.leftovers, .ok, .judgedLeftovers(kept: judged.kept, removed: judged.removed))
  }

  /// `state/COMMIT.commitpartial`.
  private mutating func examineMarks(_ repo: Repo) throws(UpdaterError) {
    var stale: [Checksum] = []
    var isComplete = true
    for commit in try markedCommits(repo) {
      let (isHere, isDamaged) = try inRepo { () throws(OSTreeError) in
        (
          try repo.contains(ObjectName(commit, .commit)),
          try repo.isMarkedDamaged(commit)
        )
      }
      if !isHere {
        stale.append(commit)
      } else {
        isComplete = false
        add(
          .commits, isDamaged ? .fail : .warn,
          isDamaged ? .damagedCommit(commit) : .partialCommit(commit))
      }
    }
    if isComplete { add(.commits, .ok, .completeCommits) }
    if !stale.isEmpty { try clear(stale, repo) }
  }

  private func markedCommits(_ repo: Repo) throws(UpdaterError) -> [Checksum] {
    let suffix = ".commitpartial"
    let folder = "\(repo.path)/state"
    let entries = try at(folder) { () throws(Errno) -> [DirectoryEntry] in
      do throws(Errno) {
        return try FileDescriptor.openDirectory(folder).sortedEntries()
      } catch {
        if error == .notFound { return [] }
        throw error
      }
    }
    return entries.compactMap { entry in
      let name = entry.name.utf8
      guard name.count == 64 + suffix.utf8.count,
        name.suffix(suffix.utf8.count).elementsEqual(suffix.utf8)
      else { return nil }
      return Checksum(hex: String(decoding: name.prefix(64), as: UTF8.self))
    }
  }

  /// The mark of a commit that an interrupted pull has staged is not stale: the next one counts on
  /// it. Which those are is only known while nobody else adds objects.
  private mutating func clear(_ marks: [Checksum], _ repo: Repo) throws(UpdaterError) {
    guard repairs else { return add(.commits, .ok, .staleMarks(count: marks.count)) }
    let cleared = try inRepo { () throws(OSTreeError) in
      let lock = try repo.lock(.shared)
      let staging = try repo.stage()
      var cleared = 0
      for commit in marks where try !staging.contains(ObjectName(commit, .commit)) {
        try repo.clearPartial(commit)
        cleared += 1
      }
      extendLifetime(lock)
      return cleared
    }
    if cleared > 0 { add(.commits, .ok, .clearedMarks(count: cleared)) }
  }

  /// Whether what the repo or the configuration reserves is free; in a `/boot` of its own, whether
  /// there is room to write entries at all.
  mutating func examineSpace(_ sysroot: Sysroot, _ settings: Settings?) throws(UpdaterError) {
    let status = try inDeploy { () throws(DeployError) in try sysroot.status() }
    let space = try at(sysroot.repo.path) { () throws(Errno) in
      try FileDescriptor.openDirectory(sysroot.repo.path).fileSystemStatus()
    }
    let reserved =
      settings?.reserveBytes(of: space.totalBytes)
      ?? sysroot.repo.configuration.reservedBytes(of: space.totalBytes)
    addRoom(
      RoomNeeded(
        path: sysroot.repo.path, neededBytes: 0, freeBytes: status.freeBytes,
        reservedBytes: reserved))
    guard status.isBootSeparate else { return }
    addRoom(
      RoomNeeded(
        path: "\(prefix)/boot", neededBytes: 0, freeBytes: status.bootFreeBytes,
        reservedBytes: UpdatePlan.bootMarginBytes))
  }

  private mutating func addRoom(_ room: RoomNeeded) {
    add(.space, room.isEnough == true ? .ok : .fail, .room(room))
  }
}
