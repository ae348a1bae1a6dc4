// SPDX-License-Identifier: Apache-2.0
public import Deploy
import Linux

/// Where coppice keeps what it must remember: `/var/lib/coppice` of the system that is updated.
public enum StateFolder {
  static let path = "var/lib/coppice"

  /// The folder for a sysroot: that of the running system where it runs from this sysroot, else
  /// below `SYSROOT/ostree/deploy/STATEROOT/var`, which is the same folder once that system runs.
  ///
  /// `stateroot` nil: the only one there is. Throws `noStateroot` or `whichStateroot`.
  public static func path(
    of sysroot: Sysroot, stateroot: String? = nil, _ state: SysrootState
  ) throws(DeployError) -> String {
    let prefix = withoutSlash(sysroot.path)
    if let booted = state.booted, stateroot == nil || same(stateroot ?? "", booted.stateroot) {
      return "\(withoutSlash(sysroot.environment.root))/\(path)"
    }
    let stateroot = try sysroot.chooseStateroot(stateroot, state)
    return "\(prefix)/ostree/deploy/\(stateroot)/\(path)"
  }

  /// Opens a folder below that is for root alone; makes it, with those above it, if it is missing.
  /// Then it is durable when this returns.
  static func openPrivate(_ path: String) throws(Errno) -> FileDescriptor {
    do throws(Errno) { return try FileDescriptor.openDirectory(path) } catch {
      if error != .notFound { throw error }
    }
    try FileDescriptor.openDirectory(".").makeDirectories(path)
    let folder = try FileDescriptor.openDirectory(path)
    try folder.setMode(0o700)
    try folder.syncFileSystem()
    return folder
  }

  private static func withoutSlash(_ path: String) -> String {
    var bytes = path.utf8[...]
    while bytes.last == UInt8(ascii: "/") { bytes.removeLast() }
    return String(decoding: bytes, as: UTF8.self)
  }
}
