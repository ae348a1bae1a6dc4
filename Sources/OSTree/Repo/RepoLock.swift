// SPDX-License-Identifier: Apache-2.0
import Linux

/// The repo's lock, held as long as this value lives; a running `ostree` and coppice exclude each
/// other by it. Shared while objects are added, exclusive while they are removed.
///
/// Open-file-description lock on `REPO/.lock`. ostree spec: docs/repo.md, locking.
public struct RepoLock: ~Copyable {
  /// Nil where the repo is not locked: `core.locking=false`, or we cannot write to it anyway.
  private let file: FileDescriptor?

  fileprivate init(_ file: consuming FileDescriptor?) { self.file = file }
}

extension Repo {
  /// How long to wait for somebody else where the repo's config does not say. libostree waits
  /// 300 s; a job of cron had better come again.
  public static let lockWaitSeconds: Int64 = 10

  /// Takes the lock. Throws `busy` if it is not to be had in `core.lock-timeout-secs` (-1 is for
  /// ever), or `lockWaitSeconds`.
  public func lock(_ kind: LockKind) throws(OSTreeError) -> RepoLock {
    guard configuration.isLocking, isWritable else { return RepoLock(nil) }
    let path = "\(self.path)/.lock"
    let seconds = configuration.lockTimeoutSeconds ?? Repo.lockWaitSeconds
    let end = Clock.monotonicNanoseconds.addingReportingOverflow(
      seconds.multipliedReportingOverflow(by: 1_000_000_000).partialValue
    ).partialValue
    do throws(Errno) {
      let file = try root.open(".lock", [.readWrite, .create], mode: 0o660)
      while try !file.tryLock(kind) {
        if seconds >= 0, Clock.monotonicNanoseconds >= end { throw .busy }
        Clock.sleep(milliseconds: 100)
      }
      return RepoLock(file)
    } catch {
      if error == .busy { throw .busy(path: path) }
      throw .file(path: path, error)
    }
  }
}
