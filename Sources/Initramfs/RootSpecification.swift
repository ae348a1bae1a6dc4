// SPDX-License-Identifier: Apache-2.0

/// What `root=` says, as the kernel documents it (kernel-parameters, init/do_mounts.c), and `UUID=`
/// and `LABEL=` as every initramfs understands them.
public enum RootSpecification: Hashable, Sendable {
  /// A block device by the path of its node.
  case path(String)
  /// A block device by its numbers, `MAJOR:MINOR`.
  case number(major: UInt32, minor: UInt32)
  /// The file system's own identifier, in lower case.
  case uuid(String)
  case label(String)
  /// A partition's identifier, in lower case; `offset` counts partitions from there
  /// (`PARTUUID=…/PARTNROFF=1`).
  case partitionUUID(String, offset: Int)
  case partitionLabel(String)
  /// A UBI volume as UBIFS names it: `ubi0:rootfs`, `ubi0_0`, `ubi:rootfs`, `ubi0`.
  case ubi(String)

  /// Nil for what names no device that is understood here, for example `/dev/nfs`.
  public init?(_ text: String) {
    if let value = RootSpecification.tail(of: text, after: "UUID=") {
      self = .uuid(value.lowercased())
    } else if let value = RootSpecification.tail(of: text, after: "LABEL=") {
      self = .label(value)
    } else if let value = RootSpecification.tail(of: text, after: "PARTUUID=") {
      self.init(partition: value)
    } else if let value = RootSpecification.tail(of: text, after: "PARTLABEL=") {
      self = .partitionLabel(value)
    } else if let value = RootSpecification.tail(of: text, after: "/dev/") {
      // What the kernel would mount from a network or a character device has no superblock.
      if ["nfs", "cifs", "ram", "root"].contains(value) { return nil }
      self =
        RootSpecification.byLink(value)
        ?? (RootSpecification.isUBIVolume(value) ? .ubi(value) : .path(text))
    } else if RootSpecification.isUBIVolume(text) {
      self = .ubi(text)
    } else {
      self.init(numbers: text)
    }
  }

  private init?(partition text: String) {
    let parts = text.utf8.split(
      separator: UInt8(ascii: "/"), maxSplits: 1, omittingEmptySubsequences: false)
    guard let first = parts.first, !first.isEmpty else { return nil }
    let uuid = String(decoding: first, as: UTF8.self).lowercased()
    guard parts.count == 2 else {
      self = .partitionUUID(uuid, offset: 0)
      return
    }
    let rest = String(decoding: parts[1], as: UTF8.self)
    guard let number = RootSpecification.tail(of: rest, after: "PARTNROFF="),
      let offset = Int(number), abs(offset) <= PartitionTable.partitionsMax
    else { return nil }
    self = .partitionUUID(uuid, offset: offset)
  }

  /// The links that udev makes, which an initramfs without it has not.
  private static func byLink(_ name: String) -> RootSpecification? {
    for (folder, key) in [
      ("disk/by-uuid/", "UUID="), ("disk/by-label/", "LABEL="),
      ("disk/by-partuuid/", "PARTUUID="), ("disk/by-partlabel/", "PARTLABEL="),
    ] {
      if let value = tail(of: name, after: folder) { return RootSpecification(key + value) }
    }
    return nil
  }

  /// `8:1`.
  private init?(numbers text: String) {
    let parts = text.utf8.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
    guard parts.count == 2, let major = UInt32(String(decoding: parts[0], as: UTF8.self)),
      let minor = UInt32(String(decoding: parts[1], as: UTF8.self))
    else { return nil }
    self = .number(major: major, minor: minor)
  }

  /// `ubi0:rootfs`, `ubi0!rootfs`, `ubi0_0`, `ubi:rootfs`, `ubi!rootfs`, `ubi0`; not `ubiblock0_0`,
  /// that is a block device. fs/ubifs/super.c, `open_ubi`.
  static func isUBIVolume(_ text: String) -> Bool {
    guard let rest = tail(of: text, after: "ubi") else { return false }
    let afterNumber = rest.utf8.drop { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }
    guard let separator = afterNumber.first else { return true }
    if afterNumber.count == 1 { return false }
    let hasNumber = afterNumber.count < rest.utf8.count
    return separator == UInt8(ascii: ":") || separator == UInt8(ascii: "!")
      || (separator == UInt8(ascii: "_") && hasNumber)
  }

  /// What comes after `prefix`, if there is anything.
  private static func tail(of text: String, after prefix: String) -> String? {
    guard text.utf8.starts(with: prefix.utf8), text.utf8.count > prefix.utf8.count else {
      return nil
    }
    return String(decoding: text.utf8.dropFirst(prefix.utf8.count), as: UTF8.self)
  }
}

extension RootSpecification: CustomStringConvertible {
  /// As it may stand after `root=`.
  public var description: String {
    switch self {
    case .path(let path): path
    case .number(let major, let minor): "\(major):\(minor)"
    case .uuid(let uuid): "UUID=\(uuid)"
    case .label(let label): "LABEL=\(label)"
    case .partitionUUID(let uuid, 0): "PARTUUID=\(uuid)"
    case .partitionUUID(let uuid, let offset): "PARTUUID=\(uuid)/PARTNROFF=\(offset)"
    case .partitionLabel(let label): "PARTLABEL=\(label)"
    case .ubi(let volume): volume
    }
  }
}
