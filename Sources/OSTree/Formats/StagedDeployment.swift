// SPDX-License-Identifier: Apache-2.0
import Codec
import Cryptography

/// A deployment that libostree has staged, to be finished when the machine goes down:
/// `/run/ostree/staged-deployment`. Shape `a{sv}`.
public struct StagedDeployment: Hashable, Sendable {
  /// Which deployment: `ostree/deploy/STATEROOT/deploy/COMMIT.SERIAL`.
  public struct Target: Hashable, Sendable {
    public let commit: Checksum
    public let serial: UInt32
    public let stateroot: String
    /// Empty where the writer did not know.
    public let bootcsum: String

    public init(commit: Checksum, serial: UInt32, stateroot: String, bootcsum: String) {
      self.commit = commit
      self.serial = serial
      self.stateroot = stateroot
      self.bootcsum = bootcsum
    }
  }

  public let target: Target
  /// The deployment whose `/etc` is merged.
  public let mergeDeployment: Target?
  /// Not to be finished for now.
  public let isLocked: Bool
  /// Nil where the writer left them to the finishing.
  public let kernelArguments: [String]?
  public let overlayInitrds: [String]
  /// Keys of the boot entry that are carried over as they are.
  public let bootEntryExtra: [(key: String, value: String)]

  public init(
    target: Target, mergeDeployment: Target?, isLocked: Bool = false, kernelArguments: [String]?,
    overlayInitrds: [String] = [], bootEntryExtra: [(key: String, value: String)] = []
  ) {
    self.target = target
    self.mergeDeployment = mergeDeployment
    self.isLocked = isLocked
    self.kernelArguments = kernelArguments
    self.overlayInitrds = overlayInitrds
    self.bootEntryExtra = bootEntryExtra
  }

  public static func == (left: StagedDeployment, right: StagedDeployment) -> Bool {
    left.serialized() == right.serialized()
  }

  public func hash(into hasher: inout Hasher) { hasher.combine(serialized()) }
}

extension StagedDeployment {
  /// Reads the file. Throws `.key` for what is missing or makes no sense.
  public init(parsing bytes: [UInt8]) throws(FormatError) {
    let entries = try gvariant(bytes[...], FormatType.dictionary)
    guard let target = try entries.value(of: "target", type: "a{sv}") else {
      throw .key("target")
    }
    var merge: Target?
    if let found = try entries.value(of: "merge-deployment", type: "a{sv}") {
      merge = try Target(found, "merge-deployment")
    }
    var extra: [(key: String, value: String)] = []
    if let found = try entries.value(of: "bootconfig-extra", type: "a{ss}") {
      for index in 0..<found.count {
        extra.append((found[index][0].string, found[index][1].string))
      }
    }
    self.init(
      target: try Target(target, "target"), mergeDeployment: merge,
      isLocked: try entries.value(of: "locked", type: "b")?.boolean ?? false,
      kernelArguments: try entries.value(of: "kargs", type: "as")?.strings,
      overlayInitrds: try entries.value(of: "overlay-initrds", type: "as")?.strings ?? [],
      bootEntryExtra: extra)
  }

  /// The file as libostree 2026.4 writes it.
  public func serialized() -> [UInt8] {
    var entries: [(String, GVariantValue)] = [("target", target.value)]
    if isLocked { entries.append(("locked", .boolean(true))) }
    if let mergeDeployment { entries.append(("merge-deployment", mergeDeployment.value)) }
    if let kernelArguments { entries.append(("kargs", .strings(kernelArguments))) }
    if !overlayInitrds.isEmpty { entries.append(("overlay-initrds", .strings(overlayInitrds))) }
    if !bootEntryExtra.isEmpty {
      entries.append(
        (
          "bootconfig-extra",
          .array(
            elementType: "{ss}",
            bootEntryExtra.map { .dictEntry(.string($0.key), .string($0.value)) })
        ))
    }
    return GVariantValue.dictionary(entries).serialized()
  }
}

extension StagedDeployment.Target {
  fileprivate init(_ entries: GVariant, _ key: String) throws(FormatError) {
    guard let name = try entries.value(of: "name", type: "s")?.string,
      let stateroot = try entries.value(of: "osname", type: "s")?.string,
      let (commit, serial) = StagedDeployment.Target.split(name), !stateroot.utf8.isEmpty,
      DirTree.isValidName(Array(stateroot.utf8))
    else { throw .key(key) }
    self.init(
      commit: commit, serial: serial, stateroot: stateroot,
      bootcsum: try entries.value(of: "bootcsum", type: "s")?.string ?? "")
  }

  /// From `COMMIT.SERIAL`.
  private static func split(_ name: String) -> (Checksum, UInt32)? {
    let parts = name.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    guard parts.count == 2, let hex = String(parts[0]), let commit = Checksum(hex: hex),
      let digits = String(parts[1]), let serial = UInt32(digits), "\(serial)" == digits
    else { return nil }
    return (commit, serial)
  }

  /// The deployment's folder below `deploy`.
  public var name: String { "\(commit.hex).\(serial)" }

  fileprivate var value: GVariantValue {
    .dictionary([
      ("name", .string(name)), ("osname", .string(stateroot)), ("bootcsum", .string(bootcsum)),
    ])
  }
}
