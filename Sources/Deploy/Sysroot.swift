// SPDX-License-Identifier: Apache-2.0
public import Boot
import Linux
public import OSTree

/// The physical root of a device, or of an image that is being made:
/// ```
/// SYSROOT/ostree/repo/                                  the store of all trees
/// SYSROOT/ostree/lock                                   held while deployments change
/// SYSROOT/ostree/boot.B -> boot.B.M                     B, M: 0 or 1
/// SYSROOT/ostree/boot.B.M/OS/BOOTCSUM/S -> ../../../deploy/OS/deploy/COMMIT.SERIAL
/// SYSROOT/ostree/deploy/OS/var/                         /var of the stateroot OS
/// SYSROOT/ostree/deploy/OS/deploy/COMMIT.SERIAL/        a deployment
/// SYSROOT/ostree/deploy/OS/deploy/COMMIT.SERIAL.origin
/// SYSROOT/boot/loader -> loader.B                       see BootDirectory
/// SYSROOT/boot/ostree/OS-BOOTCSUM/                      kernel, initramfs, device trees
/// ```
/// As libostree has it: either program understands, keeps and prunes what the other made.
public final class Sysroot: Sendable {
  public let path: String
  public let repo: Repo
  public let environment: SysrootEnvironment
  /// What the board's boot loader reads, and why that is known.
  public let foundLoader: FoundLoader
  public var loader: BootLoader { foundLoader.loader }

  let root: FileDescriptor
  /// `SYSROOT/ostree`.
  let store: FileDescriptor
  let boot: BootDirectory
  let config: SysrootConfig

  /// Opens the sysroot at `path`; `/` on a device that was booted the OSTree way.
  ///
  /// `wish`: what the board's boot loader is; else the repo's configuration and `/boot` say it.
  /// Throws `notASysroot`; `unsupportedBootloader` in `boot` where libostree would write a
  /// configuration that coppice does not.
  public static func open(
    _ path: String, environment: SysrootEnvironment = .running,
    loader wish: LoaderWish = .auto(fwEnvConfig: nil)
  ) throws(DeployError) -> Sysroot {
    try Sysroot(path, environment, wish)
  }

  private init(
    _ path: String, _ environment: SysrootEnvironment, _ wish: LoaderWish
  ) throws(DeployError) {
    let prefix = Sysroot.prefix(path)
    let root = try at(path) { () throws(Errno) in try FileDescriptor.openDirectory(path) }
    for name in ["ostree", "boot"] {
      let isThere = try at("\(prefix)/\(name)") { () throws(Errno) in
        try root.statusIfPresent(of: name, following: true)?.type == .directory
      }
      if !isThere { throw .notASysroot(path: path) }
    }
    let store = try at("\(prefix)/ostree") { () throws(Errno) in
      try root.open("ostree", [.readOnly, .directory])
    }
    let bootPath = try Sysroot.bootPath(prefix)
    let boot = try inBoot { () throws(BootError) in
      try BootDirectory(bootPath, sysroot: store)
    }
    let repo = try inRepo { () throws(OSTreeError) in try Repo.open("\(prefix)/ostree/repo") }
    let config = try SysrootConfig.read(repo)
    let isRunning = Sysroot.isRunning(store, environment)
    let search = LoaderSearch(
      setting: config.bootloader, settingPath: "\(prefix)/ostree/repo/config", path: boot.path,
      isRunning: isRunning, prefix: isRunning ? Sysroot.prefix(environment.root) : prefix,
      efi: environment.efi)
    foundLoader = try inBoot { () throws(BootError) in try search.find(wish, in: boot.directory) }
    self.path = path
    self.repo = repo
    self.environment = environment
    self.config = config
    self.root = root
    self.store = store
    self.boot = boot
  }

  /// Whether the running system's own `/ostree` is this one.
  private static func isRunning(
    _ store: borrowing FileDescriptor, _ environment: SysrootEnvironment
  ) -> Bool {
    guard let own = try? FileDescriptor.status(of: "\(prefix(environment.root))/ostree"),
      let found = try? store.status()
    else { return false }
    return own.isSameFile(as: found)
  }

  /// `SYSROOT/boot`, but that of the physical root on a running device whose `/boot` is not
  /// mounted, or is the EFI system partition: there it is an empty directory of the deployment, or
  /// has a `loader` of another kind, and no links lead to what boots.
  private static func bootPath(_ prefix: String) throws(DeployError) -> String {
    let physical = "\(prefix)/sysroot/boot"
    let isMounted = try at("\(prefix)/boot") { () throws(Errno) in
      try FileDescriptor.openDirectory("\(prefix)/boot").statusIfPresent(of: "loader")?.type
        == .symbolicLink
    }
    if isMounted { return "\(prefix)/boot" }
    let isPhysical = try at(physical) { () throws(Errno) in
      do throws(Errno) {
        return try FileDescriptor.openDirectory(physical).contains("loader")
      } catch {
        if error == .notFound || error == .notDirectory { return false }
        throw error
      }
    }
    return isPhysical ? physical : "\(prefix)/boot"
  }

  /// The absolute name of something below `SYSROOT/ostree`, for errors.
  func place(_ name: String) -> String { "\(Sysroot.prefix(path))/ostree/\(name)" }

  /// Where the links and entries by which OSTree knows its deployments lie.
  public var bootPath: String { boot.path }

  /// The absolute name of something below `SYSROOT/boot`, for errors.
  func bootPlace(_ name: String) -> String { "\(boot.path)/\(name)" }

  /// What names below `path` begin with: without a slash at its end.
  static func prefix(_ path: String) -> String {
    var bytes = path.utf8[...]
    while bytes.last == UInt8(ascii: "/") { bytes.removeLast() }
    return String(bytes) ?? path
  }
}

/// Where the running system shows itself. Tests put other places here.
public struct SysrootEnvironment: Hashable, Sendable {
  /// The root directory, by which the booted deployment is known.
  public var root = "/"
  /// Where libostree keeps what must not outlive a boot.
  public var run = "/run"
  /// What the kernel was told.
  public var commandLine = "/proc/cmdline"
  /// What EFI firmware and its boot loader told.
  public var efi = EFISystem()

  public init() {}

  public static let running = SysrootEnvironment()
}
