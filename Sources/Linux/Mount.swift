// SPDX-License-Identifier: Apache-2.0
internal import CLinux

/// mount(2) and its kin. All need CAP_SYS_ADMIN.
public enum Mount {
  public struct Options: OptionSet, Sendable {
    public let rawValue: UInt64
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    public static let readOnly = Options(rawValue: UInt64(CLINUX_MS_RDONLY))
    public static let noSetUserID = Options(rawValue: UInt64(CLINUX_MS_NOSUID))
    public static let noDevices = Options(rawValue: UInt64(CLINUX_MS_NODEV))
    public static let noExecute = Options(rawValue: UInt64(CLINUX_MS_NOEXEC))
    public static let remount = Options(rawValue: UInt64(CLINUX_MS_REMOUNT))
    public static let bind = Options(rawValue: UInt64(CLINUX_MS_BIND))
    public static let move = Options(rawValue: UInt64(CLINUX_MS_MOVE))
    public static let recursive = Options(rawValue: UInt64(CLINUX_MS_REC))
    public static let silent = Options(rawValue: UInt64(CLINUX_MS_SILENT))
    public static let `private` = Options(rawValue: UInt64(CLINUX_MS_PRIVATE))
    public static let noAccessTime = Options(rawValue: UInt64(CLINUX_MS_NOATIME))
    public static let noDirectoryAccessTime = Options(rawValue: UInt64(CLINUX_MS_NODIRATIME))
    public static let slave = Options(rawValue: UInt64(CLINUX_MS_SLAVE))
  }

  /// mount(2).
  public static func mount(
    _ source: String?, on target: String, type: String? = nil, options: Options = [],
    data: String? = nil
  ) throws(Errno) {
    _ = try retrying {
      unsafe withPath(target) { place in
        unsafe withOptional(source) { source in
          unsafe withOptional(type) { type in
            unsafe withOptional(data) { data in
              unsafe clinux_mount(source, place, type, options.rawValue, data)
            }
          }
        }
      }
    }
  }

  /// umount2(2); `lazily` detaches what is still in use.
  public static func unmount(_ target: String, lazily: Bool = false) throws(Errno) {
    _ = try retrying {
      unsafe withPath(target) { unsafe clinux_umount($0, lazily ? 2 : 0) }
    }
  }

  /// A mount namespace of this process's own, in which changes are not seen outside. Must come
  /// before the first thread. unshare(2), `CLONE_NEWNS`.
  public static func enterOwnNamespace() throws(Errno) {
    _ = try retrying { clinux_unshare_mounts() }
    try mount(nil, on: "/", options: [.slave, .recursive])
  }
}

private func withOptional<R>(_ text: String?, _ body: (UnsafePointer<CChar>?) -> R) -> R {
  guard let text else { return body(nil) }
  return unsafe withPath(text) { unsafe body($0) }
}
