// SPDX-License-Identifier: Apache-2.0
import Linux

/// What a file system says of itself in its first blocks.
public struct Superblock: Hashable, Sendable {
  public enum Kind: String, Hashable, Sendable {
    case ext2, ext3, ext4, btrfs, xfs, f2fs, squashfs, erofs

    /// Whether it can be mounted for reading only.
    public var isReadOnly: Bool { self == .squashfs || self == .erofs }
  }

  public let kind: Kind
  /// In lower case; nil where there is none.
  public let uuid: String?
  public let label: String?
  /// ext4 found itself damaged, and no check has repaired it since.
  public var hasErrors = false
  /// The device is one member of an array, and what it shows is that of the array.
  public var isArrayMember = false

  /// Reads the file system that begins where the device begins; nil if it is none of those known.
  static func read(_ source: some ByteSource) throws(Errno) -> Superblock? {
    var front = try source.read(frontBytes, at: 0)
    // A compressed image may be smaller.
    front += repeatElement(0, count: frontBytes - front.count)
    var found = ext(front) ?? xfs(front) ?? f2fs(front) ?? squashfs(front) ?? erofs(front)
    if found == nil, let far = try source.readWhole(farBytes, at: farOffset) { found = btrfs(far) }
    // Where the end cannot be read, a card of false size say, there is no array.
    if found != nil { found?.isArrayMember = (try? ArrayMember.isOne(source)) ?? false }
    return found
  }

  /// Everything but btrfs: the second superblock of f2fs ends here.
  static let frontBytes = 8192
  /// btrfs, whose label ends at byte 555.
  private static let farOffset: UInt64 = 65536
  private static let farBytes = 1024

  // MARK: - ext2, ext3, ext4: Documentation/filesystems/ext4/super.rst

  private static let extOffset = 1024
  /// What the drivers for ext2 and ext3 can do; anything beyond is ext4.
  private static let extReadOnlyCompatible: UInt32 = 0x7
  private static let ext2Incompatible: UInt32 = 0x12
  private static let ext3Incompatible: UInt32 = 0x16
  private static let extHasJournal: UInt32 = 0x4
  private static let extIsJournal: UInt32 = 0x8
  private static let extErrorState: UInt16 = 0x2

  private static func ext(_ bytes: [UInt8]) -> Superblock? {
    let base = extOffset
    guard bytes.little16(base + 0x38) == 0xEF53 else { return nil }
    let compatible = bytes.little32(base + 0x5C)
    let incompatible = bytes.little32(base + 0x60)
    let readOnlyCompatible = bytes.little32(base + 0x64)
    if incompatible & extIsJournal != 0 { return nil }
    let hasJournal = compatible & extHasJournal != 0
    let known = hasJournal ? ext3Incompatible : ext2Incompatible
    let isOld = readOnlyCompatible & ~extReadOnlyCompatible == 0 && incompatible & ~known == 0
    return Superblock(
      kind: isOld ? (hasJournal ? .ext3 : .ext2) : .ext4, uuid: bytes.uuid(base + 0x68),
      label: bytes.text(base + 0x78, 16),
      hasErrors: bytes.little16(base + 0x3A) & extErrorState != 0)
  }

  // MARK: - xfs: xfs_format.h, big-endian

  private static func xfs(_ bytes: [UInt8]) -> Superblock? {
    guard bytes.holds("XFSB", at: 0) else { return nil }
    let blockBytes = bytes.big32(4)
    let sectorBytes = bytes.big16(102)
    guard blockBytes.isPowerOfTwo, (512...65536).contains(blockBytes),
      sectorBytes.isPowerOfTwo, (512...32768).contains(sectorBytes)
    else { return nil }
    return Superblock(kind: .xfs, uuid: bytes.uuid(32), label: bytes.text(108, 12))
  }

  // MARK: - f2fs: f2fs_fs.h; a second superblock lies one block behind the first

  private static func f2fs(_ bytes: [UInt8]) -> Superblock? {
    for base in [1024, 4096 + 1024]
    where bytes.little32(base) == 0xF2F5_2010 && bytes.little16(base + 4) == 1 {
      return Superblock(
        kind: .f2fs, uuid: bytes.uuid(base + 0x6C), label: bytes.text16(base + 0x7C, 1024))
    }
    return nil
  }

  // MARK: - squashfs: squashfs_fs.h; version 4, little-endian, is what kernels mount

  private static func squashfs(_ bytes: [UInt8]) -> Superblock? {
    guard bytes.holds("hsqs", at: 0), bytes.little16(28) == 4 else { return nil }
    return Superblock(kind: .squashfs, uuid: nil, label: nil)
  }

  // MARK: - erofs: erofs_fs.h

  private static func erofs(_ bytes: [UInt8]) -> Superblock? {
    guard bytes.little32(1024) == 0xE0F5_E1E2 else { return nil }
    return Superblock(
      kind: .erofs, uuid: bytes.uuid(1024 + 48), label: bytes.text(1024 + 64, 16))
  }

  // MARK: - btrfs: btrfs_tree.h; a superblock names its own place

  private static func btrfs(_ bytes: [UInt8]) -> Superblock? {
    guard bytes.holds("_BHRfS_M", at: 0x40), bytes.little64(0x30) == farOffset else { return nil }
    return Superblock(kind: .btrfs, uuid: bytes.uuid(0x20), label: bytes.text(0x12B, 256))
  }
}

extension FixedWidthInteger {
  var isPowerOfTwo: Bool { self > 0 && nonzeroBitCount == 1 }
}
