// SPDX-License-Identifier: Apache-2.0
import Linux

/// The right to change deployments, for as long as this value lives. A running `ostree` and coppice
/// exclude each other by it.
///
/// An exclusive lock on `SYSROOT/ostree/lock`, which is made on demand and removed afterwards, as
/// libostree does. The repo's own lock is taken inside of it, never the other way round.
public struct SysrootLock: ~Copyable {
  static let name = "lock"

  private let file: FileDescriptor
  private let sysroot: Sysroot

  fileprivate init(_ file: consuming FileDescriptor, _ sysroot: Sysroot) {
    self.file = file
    self.sysroot = sysroot
  }

  // Removed while it is still held: whoever waits for it sees that and makes a new one.
  deinit { _ = try? sysroot.store.unlinkIfPresent(SysrootLock.name) }
}

extension Sysroot {
  /// A job of cron had better come again than wait for long.
  public static let lockWaitSeconds: Int64 = 10

  /// Takes the lock. Throws `busy` if another has it for longer than `waitSeconds`.
  public func lock(waitSeconds: Int64 = lockWaitSeconds) throws(DeployError) -> SysrootLock {
    let path = place(SysrootLock.name)
    let end = Clock.monotonicNanoseconds + waitSeconds * 1_000_000_000
    do throws(Errno) {
      while true {
        let file = try store.open(SysrootLock.name, [.readWrite, .create], mode: 0o660)
        if try file.tryLock(.exclusive) {
          // The one who had it before may have removed it in between.
          let now = try store.statusIfPresent(of: SysrootLock.name)
          if try now?.isSameFile(as: file.status()) ?? false { return SysrootLock(file, self) }
          continue
        }
        if Clock.monotonicNanoseconds >= end { throw .busy }
        Clock.sleep(milliseconds: 100)
      }
    } catch {
      if error == .busy { throw .busy(path: path) }
      throw .file(path: path, error)
    }
  }
}
