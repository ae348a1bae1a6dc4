// SPDX-License-Identifier: Apache-2.0
import Codec
import Linux

/// What OSTree knows of a regular file or symbolic link besides its content and its name.
///
/// Shapes, all integers big-endian: `(uuuusa(ayay))` before the content when it is hashed,
/// `(tuuuusa(ayay))` at the front of a `.filez`, `(uuua(ayay))` in the extended attribute
/// `user.ostreemeta` of bare-user repos.
public struct FileHeader: Hashable, Sendable {
  public let uid: UInt32
  public let gid: UInt32
  /// Type and permission bits.
  public let mode: UInt32
  /// Empty for a regular file.
  public var symlinkTarget: String
  /// Sorted by name.
  public let xattrs: [ExtendedAttribute]

  /// No honest header is longer: the kernel takes 64 KiB for the value of one extended attribute
  /// and as much for all names of a file. xattr(7).
  public static let archiveHeaderLimitBytes = 256 << 10
  /// The kernel takes no longer target. path_resolution(7), `PATH_MAX` with its NUL.
  static let symlinkTargetLimitBytes = 4095

  public init(
    uid: UInt32, gid: UInt32, mode: UInt32, symlinkTarget: String, xattrs: [ExtendedAttribute]
  ) {
    self.uid = uid
    self.gid = gid
    self.mode = mode
    self.symlinkTarget = symlinkTarget
    self.xattrs = xattrs
  }

  public var isSymlink: Bool { FileType(mode: mode) == .symbolicLink }
  public var isRegular: Bool { FileType(mode: mode) == .regular }

  /// As a repo of mode bare-user-only can hold it, and as `--canonical-permissions` commits it:
  /// owner 0:0, no extended attributes, no write bits but the owner's, no set-user-id bits.
  public var canonicalised: FileHeader {
    FileHeader(
      uid: 0, gid: 0, mode: isSymlink ? mode : mode & (FileType.mask | 0o755),
      symlinkTarget: symlinkTarget, xattrs: [])
  }
}

// What is hashed before the content.
extension FileHeader {
  /// Length, padding and header: the content stream up to the content. ostree: docs/repo.md,
  /// content objects.
  public func contentStreamHeader() -> [UInt8] { FileHeader.framed(.tuple(fields)) }

  private var fields: [GVariantValue] {
    [
      .bigEndian(uid), .bigEndian(gid), .bigEndian(mode), .uint32(0), .string(symlinkTarget),
      ExtendedAttribute.value(xattrs),
    ]
  }

  /// Behind its length in four bytes, big-endian, and four of padding.
  private static func framed(_ header: GVariantValue) -> [UInt8] {
    let header = header.serialized()
    var bytes: [UInt8] = []
    bytes.reserveCapacity(8 + header.count)
    for shift in [24, 16, 8, 0] { bytes.append(UInt8(truncatingIfNeeded: header.count >> shift)) }
    bytes.append(contentsOf: [0, 0, 0, 0])
    bytes.append(contentsOf: header)
    return bytes
  }
}

// The front of a `.filez`.
extension FileHeader {
  /// Length, padding and header: a `.filez` up to the deflated content. `sizeBytes` is that of the
  /// content, 0 for a symbolic link.
  public func archiveHeader(sizeBytes: UInt64) -> [UInt8] {
    FileHeader.framed(.tuple([.bigEndian(sizeBytes)] + fields))
  }

  /// Reads the header of a `.filez`, without the 8 bytes in front of it.
  public static func parseArchive(
    _ bytes: [UInt8]
  ) throws(FormatError) -> (header: FileHeader, sizeBytes: UInt64) {
    let fields = try gvariant(bytes[...], FormatType.archiveHeader)
    let device = fields[4].bigEndianUInt32
    if device != 0 { throw .device(device) }
    let header = FileHeader(
      uid: fields[1].bigEndianUInt32, gid: fields[2].bigEndianUInt32,
      mode: fields[3].bigEndianUInt32, symlinkTarget: fields[5].string,
      xattrs: try ExtendedAttribute.parse(fields[6]))
    try header.check()
    let sizeBytes = fields[0].bigEndianUInt64
    if header.isSymlink, sizeBytes != 0 { throw .size }
    return (header, sizeBytes)
  }

  /// Whether a tree can hold this file.
  func check() throws(FormatError) {
    try checkMode()
    try checkTarget()
  }

  private func checkMode() throws(FormatError) {
    guard isSymlink || isRegular, mode & ~(FileType.mask | 0o7777) == 0 else { throw .mode(mode) }
  }

  private func checkTarget() throws(FormatError) {
    let count = symlinkTarget.utf8.count
    let isSound = isSymlink ? count > 0 && count <= FileHeader.symlinkTargetLimitBytes : count == 0
    if !isSound { throw .symlinkTarget }
  }
}

// `user.ostreemeta`.
extension FileHeader {
  /// Reads the value of `user.ostreemeta`. The target of a symbolic link is in the content, so it
  /// is empty here.
  public init(parsingUserMetadata bytes: [UInt8]) throws(FormatError) {
    let fields = try gvariant(bytes[...], FormatType.dirMeta)
    self.init(
      uid: fields[0].bigEndianUInt32, gid: fields[1].bigEndianUInt32,
      mode: fields[2].bigEndianUInt32, symlinkTarget: "",
      xattrs: try ExtendedAttribute.parse(fields[3]))
    try checkMode()
  }

  /// The value of `user.ostreemeta`.
  public func userMetadata() -> [UInt8] {
    GVariantValue.tuple([
      .bigEndian(uid), .bigEndian(gid), .bigEndian(mode), ExtendedAttribute.value(xattrs),
    ]).serialized()
  }
}
