// SPDX-License-Identifier: Apache-2.0
import Linux

/// One partition of a disk.
public struct Partition: Hashable, Sendable {
  /// As in the name of its device: `sda5` is number 5.
  public let number: Int
  public let startBytes: UInt64
  public let sizeBytes: UInt64
  /// As in `PARTUUID=`, lower case; nil on a disk of the older kind without a signature.
  public let uuid: String?
  /// Only GPT has names.
  public let label: String?
}

/// What a disk is divided into: GPT, or else the older table with its extended partitions.
///
/// A kernel does not tell partitions' identifiers (it does from 6.15), so the table is read again.
public struct PartitionTable: Hashable, Sendable {
  public enum Kind: Hashable, Sendable { case gpt, mbr }

  /// The kernel's devices of one disk are numbered up to here (`DISK_MAX_PARTS`).
  public static let partitionsMax = 256

  public let kind: Kind
  public let partitions: [Partition]

  /// Nil if there is no table, or none that holds.
  static func read(_ disk: some ByteSource) throws(Errno) -> PartitionTable? {
    guard let first = try disk.readWhole(512, at: 0), first[510] == 0x55, first[511] == 0xAA else {
      return nil
    }
    if MBR.isProtective(first) {
      // A protective table over a GPT that cannot be read divides nothing.
      return try GPT.read(disk).map { PartitionTable(kind: .gpt, partitions: $0) }
    }
    return try MBR.read(disk, first).map { PartitionTable(kind: .mbr, partitions: $0) }
  }
}
