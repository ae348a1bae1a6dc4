// SPDX-License-Identifier: Apache-2.0
public import Boot
public import Cryptography

/// One bootable tree of a sysroot, with its boot entry.
public struct Deployment: Hashable, Sendable {
  public let stateroot: String
  public let commit: Checksum
  /// Tells deployments of the same commit apart.
  public let serial: Int
  /// Which directory in `/boot/ostree` holds its kernel.
  public var bootChecksum: Checksum
  /// As it stands in `/boot/loader`, or as it will.
  public var entry: BootEntry
  /// The trial counter in the entry's file name.
  public var counter: BootCounter?

  public init(
    stateroot: String, commit: Checksum, serial: Int, bootChecksum: Checksum, entry: BootEntry,
    counter: BootCounter? = nil
  ) {
    self.stateroot = stateroot
    self.commit = commit
    self.serial = serial
    self.bootChecksum = bootChecksum
    self.entry = entry
    self.counter = counter
  }

  /// `COMMIT.SERIAL`.
  public var name: String { "\(commit.hex).\(serial)" }

  /// Relative to the sysroot.
  public var path: String { "ostree/\(folder)" }

  /// Relative to `SYSROOT/ostree`.
  var folder: String { "deploy/\(stateroot)/deploy/\(name)" }
  var originFile: String { "\(folder).origin" }
  var backingFolder: String { "deploy/\(stateroot)/backing/\(name)" }

  /// Relative to `/boot`.
  var bootFolder: String { "ostree/\(bootName)" }
  var bootName: String { "\(stateroot)-\(bootChecksum.hex)" }

  /// The arguments of its kernel, `ostree=` included.
  public var arguments: KernelArguments { KernelArguments(parsing: entry.options) }

  /// Whether both are the same tree, whatever their boot entries say.
  public func isSame(as other: Deployment) -> Bool {
    commit == other.commit && serial == other.serial && same(stateroot, other.stateroot)
  }
}

/// `COMMIT.SERIAL`, the name of a deployment's directory.
struct DeploymentName: Hashable {
  let commit: Checksum
  let serial: Int

  init?(_ text: String) {
    let bytes = text.utf8
    guard let dot = bytes.firstIndex(of: UInt8(ascii: ".")), let hex = String(bytes[..<dot]),
      let commit = Checksum(hex: hex)
    else { return nil }
    let digits = bytes[bytes.index(after: dot)...]
    // Bounded, so that the next serial always fits.
    guard !digits.isEmpty, digits.count <= 9,
      digits.allSatisfy({ $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }),
      digits.count == 1 || digits.first != UInt8(ascii: "0"),
      let serial = Int(String(decoding: digits, as: UTF8.self))
    else { return nil }
    self.commit = commit
    self.serial = serial
  }
}

/// `COMMIT.SERIAL.origin`, or `.COMMIT.SERIAL.origin.new` while it is written.
struct OriginFileName {
  let deployment: DeploymentName

  private static let suffix = ".origin"
  private static let temporarySuffix = ".origin.new"

  init?(_ text: String) {
    var bytes = text.utf8[...]
    if OriginFileName.isTemporary(text) {
      bytes = bytes.dropFirst().dropLast(OriginFileName.temporarySuffix.utf8.count)
    } else if OriginFileName.ends(bytes, OriginFileName.suffix) {
      bytes = bytes.dropLast(OriginFileName.suffix.utf8.count)
    } else {
      return nil
    }
    guard let name = String(bytes), let deployment = DeploymentName(name) else { return nil }
    self.deployment = deployment
  }

  static func isTemporary(_ text: String) -> Bool {
    text.utf8.first == UInt8(ascii: ".") && ends(text.utf8[...], temporarySuffix)
  }

  private static func ends(_ bytes: Substring.UTF8View, _ suffix: String) -> Bool {
    bytes.count >= suffix.utf8.count && bytes.suffix(suffix.utf8.count).elementsEqual(suffix.utf8)
  }
}
