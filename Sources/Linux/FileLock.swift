// SPDX-License-Identifier: Apache-2.0
internal import CLinux

/// Who else may hold a lock at the same time.
public enum LockKind: Int32, Sendable {
  case shared = 0
  case exclusive = 1
}

extension FileDescriptor {
  /// Tries once to lock the whole file, for as long as this open file lives; false if somebody
  /// else holds it. A second call changes the kind. fcntl(2), `F_OFD_SETLK`; flock(2) where the
  /// kernel has no such locks, as libostree does.
  public borrowing func tryLock(_ kind: LockKind) throws(Errno) -> Bool {
    let raw = self.raw
    do throws(Errno) { _ = try retrying { clinux_ofd_lock(raw, kind.rawValue) } } catch {
      if error == .again || error == .accessDenied { return false }
      guard error == .invalid else { throw error }
      do throws(Errno) { _ = try retrying { clinux_flock(raw, kind.rawValue) } } catch {
        if error == .again { return false }
        throw error
      }
    }
    return true
  }

  /// Gives the lock up. fcntl(2).
  public borrowing func unlock() {
    if clinux_ofd_lock(raw, 2) != 0 { _ = clinux_flock(raw, 2) }
  }
}
