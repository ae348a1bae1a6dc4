// SPDX-License-Identifier: Apache-2.0
import Codec
public import Deploy
import Linux

/// Makes a deployment the root of the system that is about to start, with mounts alone:
/// ```
/// SYSROOT             the deployment; /usr read-only
/// SYSROOT/etc         with a read-only sysroot: writable; `[etc] transient`: kept in memory
/// SYSROOT/var         that of the stateroot, unless the system mounts it itself
/// SYSROOT/boot        that of the physical root, where it has no file system of its own
/// SYSROOT/sysroot     the physical root, read-only if `[sysroot] readonly` says so
/// ```
/// What ostree-prepare-root of libostree 2022.7 mounts, and the marks in `/run` of that one and of
/// the newer ones: `ostree-booted` and `ostree-sysroot-ro.stamp`. (ostree-prepare-root.c)
public struct PrepareRoot {
  /// What became of it.
  public struct Report: Hashable, Sendable {
    public let deployment: BootedDeployment
    public let isSysrootReadOnly: Bool
    public let isEtcTransient: Bool
    /// Whether /var is mounted; else the system does it.
    public let mountsVar: Bool
    /// The root was read-only, which it cannot be where the system's view of it is.
    public let madeWritable: Bool
    /// What was wrong and did not matter.
    public let warning: InitramfsError?
  }

  private let sysroot: String
  private let run: String
  private let deployment: BootedDeployment
  private let settings: PrepareRootSettings

  /// Where it is put together: below `run`, since the root of an initramfs may be read-only.
  private var place: String { "\(run)/ostree/.root" }
  private var tree: String { "\(sysroot)/\(deployment.path)" }
  private var stateful: String { "\(sysroot)/\(deployment.stateFolder)/var" }

  /// `sysroot` is where the physical root is mounted, and where the deployment will be.
  ///
  /// After an error nothing that lies on a medium has changed, and some of the mounts may be there.
  /// Throws `mountFailed` and `file`.
  public static func run(
    _ deployment: BootedDeployment, in sysroot: String, _ settings: PrepareRootSettings,
    run: String = "/run"
  ) throws(InitramfsError) -> Report {
    try PrepareRoot(sysroot: sysroot, run: run, deployment: deployment, settings: settings)
      .prepare()
  }

  private func prepare() throws(InitramfsError) -> Report {
    let (isReadOnly, warning) = readOnlySetting()
    let booted = try at(tree) { () throws(Errno) in try FileDescriptor.status(of: tree) }
    // The kernel moves no mount out of a place that is shared.
    try mount(nil, "/", [.private, .recursive, .silent])
    let madeWritable = isReadOnly ? try makeWritable() : false
    try makeFolder(place)
    try bind(tree, place)
    try mountBoot()
    let etcFolder = try mountEtc(isReadOnly: isReadOnly)
    try mountUsr()
    if isReadOnly { try bindWritable(stateful, stateful) }
    let mountsVar = mountsVar()
    if mountsVar { try bind(stateful, "\(place)/var") }
    try mark(booted, isReadOnly: isReadOnly, etcFolder: etcFolder)
    try mount(sysroot, "\(place)/sysroot", [.move, .silent])
    try mount(place, sysroot, [.move, .silent])
    _ = try? FileDescriptor.openDirectory("\(run)/ostree").removeDirectory(".root")
    if isReadOnly {
      try mount(nil, "\(sysroot)/sysroot", [.bind, .remount, .readOnly, .silent])
    }
    return Report(
      deployment: deployment, isSysrootReadOnly: isReadOnly,
      isEtcTransient: settings.isEtcTransient, mountsVar: mountsVar, madeWritable: madeWritable,
      warning: warning)
  }

  /// A repo's configuration that cannot be read must not keep the system from starting.
  private func readOnlySetting() -> (isReadOnly: Bool, warning: InitramfsError?) {
    if let known = settings.isSysrootReadOnly { return (known, nil) }
    do throws(InitramfsError) {
      let path = "\(sysroot)/ostree/repo/config"
      return (try PrepareRootSettings.isReadOnly(repoConfig: path), nil)
    } catch { return (false, error) }
  }

  /// /etc and /var of a read-only sysroot are writable, so its file system is. libostree stops
  /// here; only a kernel argument is missing.
  private func makeWritable() throws(InitramfsError) -> Bool {
    let isReadOnly = try at(sysroot) { () throws(Errno) in
      try FileDescriptor.openDirectory(sysroot).fileSystemStatus().isReadOnly
    }
    if !isReadOnly { return false }
    try mount(nil, sysroot, [.remount, .silent])
    return true
  }

  /// A `/boot` of the same file system is shown; one of its own is for the system to mount.
  private func mountBoot() throws(InitramfsError) {
    let (loader, folder) = ("\(sysroot)/boot/loader", "\(place)/boot")
    let link = try? FileDescriptor.status(of: loader, following: false)
    guard link?.type == .symbolicLink, isDirectory(folder) else { return }
    try bind("\(sysroot)/boot", folder)
  }

  /// Gives the folder that holds what is written to a transient /etc.
  private func mountEtc(isReadOnly: Bool) throws(InitramfsError) -> String? {
    if settings.isEtcTransient {
      // Not by chance, as libostree names it: so early the kernel may have no randomness to give.
      let folder = "\(run)/ostree/transient-etc.coppice"
      for name in ["", "/upper", "/work"] { try makeFolder(folder + name) }
      try mount(
        "overlay", "\(place)/etc", type: "overlay", [.silent],
        data: "lowerdir=\(place)/usr/etc,upperdir=\(folder)/upper,workdir=\(folder)/work")
      return folder
    }
    if isReadOnly, isDirectory("\(place)/etc") { try bindWritable("\(tree)/etc", "\(place)/etc") }
    return nil
  }

  /// Read-only, or with what `ostree admin unlock --hotfix` keeps beside it.
  private func mountUsr() throws(InitramfsError) {
    let usr = "\(place)/usr"
    if isDirectory("\(tree)/.usr-ovl-work") {
      return try mount(
        "overlay", usr, type: "overlay", [.silent],
        data: "lowerdir=\(usr),upperdir=\(tree)/.usr-ovl-upper,workdir=\(tree)/.usr-ovl-work")
    }
    try bind(usr, usr)
    try mount(nil, usr, [.bind, .remount, .readOnly, .silent])
  }

  /// Where systemd and libostree's generator run, a unit mounts /var, in its order among others;
  /// and what /etc/fstab mounts there nothing must be in the way of.
  private func mountsVar() -> Bool {
    guard isDirectory("\(place)/var") else { return false }
    if isThere("\(run)/ostree/initramfs-mount-var") { return true }
    let generators = ["usr/lib", "lib"].map {
      "\(tree)/\($0)/systemd/system-generators/ostree-system-generator"
    }
    if generators.contains(where: { isThere($0) }) { return false }
    return !FileSystemTable.names("/var", in: tree)
  }

  /// By these everybody knows that, and how, the system was booted.
  private func mark(
    _ booted: FileStatus, isReadOnly: Bool, etcFolder: String?
  ) throws(InitramfsError) {
    var entries: [(String, GVariantValue)] = [
      ("backing-root-device-inode", .tuple([.uint64(booted.device), .uint64(booted.inode)]))
    ]
    if isReadOnly { entries.append(("sysroot-ro", .boolean(true))) }
    if let etcFolder { entries.append(("transient-etc", .string(etcFolder))) }
    let bytes = GVariantValue.dictionary(entries).serialized()
    try at("\(run)/ostree-booted") { () throws(Errno) in
      try FileDescriptor.open("\(run)/ostree-booted", [.writeOnly, .create, .truncate])
        .write(bytes)
    }
    if isReadOnly {
      let stamp = "\(run)/ostree-sysroot-ro.stamp"
      _ = try at(stamp) { () throws(Errno) in
        try FileDescriptor.open(stamp, [.writeOnly, .create, .truncate])
      }
    }
  }

  // MARK: - Small steps

  private func mount(
    _ source: String?, _ target: String, type: String? = nil, _ options: Mount.Options,
    data: String? = nil
  ) throws(InitramfsError) {
    do throws(Errno) {
      try Mount.mount(source, on: target, type: type, options: options, data: data)
    } catch {
      throw .mountFailed(source: source ?? target, place: target, type: type ?? "none", error)
    }
  }

  private func bind(_ source: String, _ target: String) throws(InitramfsError) {
    try mount(source, target, [.bind, .silent])
  }

  /// Stays writable where the mount that it lies on becomes read-only.
  private func bindWritable(_ source: String, _ target: String) throws(InitramfsError) {
    try bind(source, target)
    try mount(nil, target, [.bind, .remount, .silent])
  }

  private func makeFolder(_ path: String) throws(InitramfsError) {
    try at(path) { () throws(Errno) in
      try FileDescriptor.openDirectory("/").makeDirectories(path)
    }
  }

  private func isDirectory(_ path: String) -> Bool {
    (try? FileDescriptor.status(of: path, following: false))?.type == .directory
  }

  private func isThere(_ path: String) -> Bool {
    (try? FileDescriptor.status(of: path, following: false)) != nil
  }
}
