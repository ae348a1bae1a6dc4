// SPDX-License-Identifier: Apache-2.0
import Cryptography
import Linux
import OSTree

/// A static delta on this machine: a superblock with its parts inside, or a folder with the file
/// `superblock` and the parts `0`, `1`, … ostree: `ostree static-delta apply-offline`.
public struct OfflineDelta: Sendable {
  private let path: String
  private let folder: String?
  private let superblock: DeltaSuperblock

  public var name: DeltaName { superblock.name }

  /// Reads the superblock. Throws `.delta` and `.ostree`.
  public init(_ path: String) throws(PullError) {
    self.path = path
    let isFolder: Bool
    let file: Shared<FileDescriptor>
    do throws(Errno) {
      isFolder = try FileDescriptor.status(of: path).type == .directory
      file = Shared(try FileDescriptor.open(isFolder ? "\(path)/superblock" : path))
    } catch { throw .ostree(.file(path: path, error)) }
    folder = isFolder ? path : nil
    do throws(DeltaError) { superblock = try DeltaSuperblock(file, path: path) } catch {
      throw PullError(error, path: path)
    }
  }

  /// Puts the commit and all of its objects into `repo`; no ref is changed. With `keys`, one of
  /// them must have signed the superblock.
  ///
  /// Durable when it returns. Throws `.delta` where the delta does not bring all of the commit:
  /// then the commit is not there, and what came is kept for another attempt.
  public func apply(
    to repo: Repo, keys: TrustedKeys?, _ progress: PullProgress,
    _ report: (PullProgress) -> Void = { _ in }
  ) throws(PullError) -> PullResult {
    if let keys { try checkSignature(keys) }
    let lock = try ostree { () throws(OSTreeError) in try repo.lock(.shared) }
    return try apply(to: repo, under: lock, progress, report)
  }

  private func apply(
    to repo: Repo, under lock: borrowing RepoLock, _ progress: PullProgress,
    _ report: (PullProgress) -> Void
  ) throws(PullError) -> PullResult {
    var result = PullResult()
    result.commits = [name.to]
    if try isComplete(name.to, in: repo) { return result }
    if let from = name.from, try !isComplete(from, in: repo) { throw fault(.start(from)) }
    if superblock.fallbackCount > 0 { throw fault(.fallbacks(UInt64(superblock.fallbackCount))) }
    let context = PullContext(
      try ostree { () throws(OSTreeError) in try repo.stage() }, progress,
      try Room(repo, reserveBytes: nil))
    progress.enter(.delta)
    let work = DeltaPull(self.superblock, parts: folder, context)
    try context.runWorkers(
      1, stop: {}, report: { report(progress) }, body: { work.run(planOnly: false) })
    result.deltas = [work.report]
    if let found = work.report.fault { throw fault(found) }
    try checkWhole(context)
    progress.enter(.verify)
    report(progress)
    try publish(context, &result)
    result.fetchedMetadata = progress.metadataObjects
    result.fetchedContent = progress.contentObjects
    result.writtenBytes = progress.writtenBytes
    return result
  }

  private func fault(_ fault: DeltaFault) -> PullError { .delta(path: path, fault) }

  private func checkSignature(_ keys: TrustedKeys) throws(PullError) {
    switch superblock.verify(.any, keys: keys) {
    case .valid: return
    case .noMetadata, .noSignature: throw fault(.unsigned)
    case .noKeys, .untrusted, .malformed: throw fault(.signature)
    }
  }

  private func isComplete(_ commit: Checksum, in repo: Repo) throws(PullError) -> Bool {
    try ostree { () throws(OSTreeError) in
      guard try repo.contains(ObjectName(commit, .commit)) else { return false }
      return try !repo.isPartial(commit)
    }
  }

  /// Throws unless every object of the commit is staged or in the repo.
  private func checkWhole(_ context: PullContext) throws(PullError) {
    let commit = superblock.commit
    let pulled = PulledCommit(
      checksum: name.to, rootTree: commit.rootTree, rootMeta: commit.rootMeta)
    let queue = MetadataQueue(context.staging, [pulled])
    if let missing = try queue.next(mayWait: false) { throw fault(.incomplete(missing)) }
    let content = ContentQueue(context.staging, roots: [commit.rootTree])
    if let missing = try content.next() { throw fault(.incomplete(missing)) }
  }

  private func publish(
    _ context: PullContext, _ result: inout PullResult
  ) throws(PullError) {
    let detached: DetachedMetadata?
    do throws(FormatError) { detached = try superblock.detachedMetadata() } catch {
      throw fault(.superblock(error))
    }
    let commit = superblock.commit
    try ostree { () throws(OSTreeError) in
      let staging = context.staging
      try staging.repo.markPartial(commit.checksum)
      if let detached {
        try staging.storeMetadata(ObjectName(commit.checksum, .commitMeta), detached.bytes)
      }
      try staging.storeMetadata(ObjectName(commit.checksum, .commit), commit.bytes)
      result.syncMilliseconds = try staging.publish(readBack: .none).syncMilliseconds
      try staging.repo.clearPartial(commit.checksum)
    }
  }
}

extension PullError {
  /// What became of a delta at `path`, which nothing can take the place of.
  init(_ error: DeltaError, path: String) {
    switch error {
    case .unusable(let fault): self = .delta(path: path, fault)
    case .ostree(let error): self = .ostree(error)
    case .stopped: self = .interrupted
    }
  }
}
