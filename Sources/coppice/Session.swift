// SPDX-License-Identifier: Apache-2.0
import Configuration
import Deploy
import Linux
import OSTree
import Updater

/// One run of a command: what it was asked for and where its words go.
final class Session: Sendable {
  let arguments: Arguments
  let terminal: Terminal
  let progress: Progress
  private let knownSettings = Guarded<Settings?>(nil)

  init(_ arguments: Arguments, _ terminal: Terminal) {
    self.arguments = arguments
    self.terminal = terminal
    progress = Progress(arguments.value("progress"), terminal)
  }

  /// The physical root that holds `ostree/` and `boot/`.
  var sysroot: String {
    if let given = arguments.value("sysroot") { return given }
    return isPresent("/ostree") || !isPresent("/sysroot/ostree") ? "/" : "/sysroot"
  }

  /// Whether the sysroot is the one that this system runs from.
  var isBootedSysroot: Bool {
    sysroot == "/" || sysroot == "/sysroot" ? isPresent("/run/ostree-booted") : false
  }

  var repoPath: String { arguments.value("repo") ?? path("ostree/repo") }

  func repo() throws(Message) -> Repo {
    let path = repoPath
    return try reporting { () throws(OSTreeError) in try Repo.open(path) }
  }

  /// The repo, to be changed. That of a sysroot becomes writable as the sysroot does; one that is
  /// named itself is taken as it is.
  func writableRepo() throws(Message) -> Repo {
    if arguments.value("repo") == nil { try prepareForWriting() }
    return try repo()
  }

  /// The configuration in force. What is odd in it is said once, as warnings.
  func settings() throws(Message) -> Settings {
    if let known = knownSettings.withLock({ $0 }) { return known }
    let file = arguments.value("config")
    let settings = try reporting { () throws(ConfigurationError) in
      if let file { return try Settings.load(file: file) }
      return try Settings.load()
    }
    for warning in settings.warnings { terminal.warn(warning.words) }
    knownSettings.withLock { $0 = settings }
    return settings
  }

  /// The sysroot, to look at or, after `prepareForWriting`, to change.
  func openSysroot() throws(Message) -> Sysroot {
    let (path, settings) = (sysroot, try settings())
    return try reporting { () throws(UpdaterError) in try Sysroot.open(path, settings) }
  }

  /// Where the sysroot's file systems are read-only they become writable for this process alone.
  /// Comes before the first thread.
  func prepareForWriting() throws(Message) {
    let path = sysroot
    try reporting { () throws(DeployError) in try Sysroot.prepareForWriting(path) }
  }

  /// Both.
  func writableSysroot() throws(Message) -> Sysroot {
    try prepareForWriting()
    return try openSysroot()
  }

  /// The folder of remotes beside the repo's own configuration: nil where the repo is named
  /// itself, since then it belongs to no system.
  var remotesFolder: String? {
    guard arguments.value("repo") == nil else { return nil }
    return isBootedSysroot ? "/etc/ostree/remotes.d" : path("etc/ostree/remotes.d")
  }

  /// A path below the sysroot.
  func path(_ relative: String) -> String {
    sysroot.utf8.last == UInt8(ascii: "/") ? "\(sysroot)\(relative)" : "\(sysroot)/\(relative)"
  }

  /// `path` as it is from everywhere.
  static func absolutePath(_ path: String) throws(Message) -> String {
    if path.utf8.first == UInt8(ascii: "/") { return path }
    do throws(Errno) {
      let here = try FileDescriptor.openDirectory("/proc/self").symbolicLinkTarget(of: "cwd")
      return "\(here)/\(path)"
    } catch { throw error.message(".") }
  }

  private func isPresent(_ path: String) -> Bool {
    (try? FileDescriptor.status(of: path)) != nil
  }
}
