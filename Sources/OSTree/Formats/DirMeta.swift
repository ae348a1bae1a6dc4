// SPDX-License-Identifier: Apache-2.0
import Codec
import Linux

/// Owner, mode and extended attributes of a directory. Shape `(uuua(ayay))`, integers big-endian.
public struct DirMeta: Hashable, Sendable {
  public let uid: UInt32
  public let gid: UInt32
  /// Type and permission bits.
  public let mode: UInt32
  /// Sorted by name.
  public let xattrs: [ExtendedAttribute]

  public init(uid: UInt32, gid: UInt32, mode: UInt32, xattrs: [ExtendedAttribute]) {
    self.uid = uid
    self.gid = gid
    self.mode = mode
    self.xattrs = xattrs
  }

  /// Reads the bytes of a dirmeta object.
  public init(parsing bytes: [UInt8]) throws(FormatError) {
    let fields = try gvariant(bytes[...], FormatType.dirMeta)
    self.init(
      uid: fields[0].bigEndianUInt32, gid: fields[1].bigEndianUInt32,
      mode: fields[2].bigEndianUInt32, xattrs: try ExtendedAttribute.parse(fields[3]))
    guard FileType(mode: mode) == .directory, mode & ~(FileType.mask | 0o7777) == 0 else {
      throw .mode(mode)
    }
  }

  /// The bytes of the object, whose SHA-256 is its name.
  public func serialized() -> [UInt8] {
    GVariantValue.tuple([
      .bigEndian(uid), .bigEndian(gid), .bigEndian(mode), ExtendedAttribute.value(xattrs),
    ]).serialized()
  }

  /// As `--canonical-permissions` commits it: 0:0, 0755, no extended attributes.
  public var canonicalised: DirMeta {
    DirMeta(uid: 0, gid: 0, mode: FileType.directory.rawValue | 0o755, xattrs: [])
  }
}
