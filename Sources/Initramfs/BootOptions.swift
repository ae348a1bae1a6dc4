// SPDX-License-Identifier: Apache-2.0

/// The kernel command line, as far as the initramfs acts on it.
public struct BootOptions: Hashable, Sendable {
  /// How long to wait for a root device where nothing asks for it: drivers find devices while we
  /// run already.
  public static let waitSeconds: UInt32 = 10
  /// `rootwait` without a number: the kernel would wait without end, and no trial would ever end.
  public static let rootWaitSeconds: UInt32 = 120
  /// `panic=0`, or no `panic=`: the kernel would stand still.
  public static let rebootSeconds: UInt32 = 10
  /// A number above is taken for this: an hour.
  public static let secondsMax: UInt32 = 3600

  public let commandLine: KernelCommandLine

  public init(_ commandLine: KernelCommandLine) { self.commandLine = commandLine }

  /// What `root=` says; nil if it is missing.
  public var root: String? { commandLine.value(of: "root") }

  /// `rootfstype=`, a list in order; empty means: look at the superblock.
  public var fileSystemTypes: [String] {
    (commandLine.value(of: "rootfstype") ?? "").utf8.split(separator: UInt8(ascii: ","))
      .map { String(decoding: $0, as: UTF8.self) }
  }

  /// `rootflags=`, the options of the mount.
  public var fileSystemOptions: String? { commandLine.value(of: "rootflags") }

  /// `ro` or `rw`, the last one given; the kernel's default is read-only.
  public var isReadOnly: Bool {
    let last = commandLine.parameters.last {
      $0.value == nil && ($0.name == "ro" || $0.name == "rw")
    }
    return last?.name != "rw"
  }

  /// How long to wait for the root device.
  public var rootSeconds: UInt32 {
    guard let value = commandLine.value(of: "rootwait") else { return BootOptions.waitSeconds }
    return seconds(value) ?? BootOptions.rootWaitSeconds
  }

  /// `rootdelay=`: how long to wait before looking for it.
  public var delaySeconds: UInt32 { commandLine.value(of: "rootdelay").flatMap(seconds) ?? 0 }

  /// After how many seconds to restart when something failed: `panic=`, 0 for a negative one.
  public var panicSeconds: UInt32 {
    guard let value = commandLine.value(of: "panic") else { return BootOptions.rebootSeconds }
    if value.utf8.first == UInt8(ascii: "-") { return 0 }
    let found = seconds(value) ?? 0
    return found == 0 ? BootOptions.rebootSeconds : found
  }

  /// `ostree=`: the link that leads to the deployment, from the root of the file system.
  public var deployment: String? { commandLine.firstValue(of: "ostree") }

  /// `coppice.finalize=0` leaves the `/etc` of deploy time as it is.
  public var finalizes: Bool { commandLine.value(of: "coppice.finalize") != "0" }

  /// `coppice.watchdog=`: after how many seconds without a step the machine restarts; nil if
  /// nothing is to watch.
  public var watchdogSeconds: UInt32? {
    let found = commandLine.value(of: "coppice.watchdog").flatMap(seconds) ?? 0
    return found == 0 ? nil : found
  }

  /// `coppice.debug`: says more.
  public var isDebugging: Bool { isOn("coppice.debug") }

  /// `coppice.shell`: a shell where something failed, if there is one.
  public var wantsShell: Bool { isOn("coppice.shell") }

  /// What to run in the end: `init=`, unless that is the program whose work is done here already;
  /// nil leaves the choice to the usual places.
  public var program: String? {
    guard let path = commandLine.value(of: "init"), !path.isEmpty,
      !path.utf8.reversed().starts(with: "ostree-prepare-root".utf8.reversed())
    else { return nil }
    return path
  }

  private func isOn(_ name: String) -> Bool {
    guard let value = commandLine.value(of: name) else { return false }
    return value != "0"
  }

  private func seconds(_ text: String) -> UInt32? {
    if text.isEmpty || !text.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) { return nil }
    return min(UInt32(text) ?? BootOptions.secondsMax, BootOptions.secondsMax)
  }
}
