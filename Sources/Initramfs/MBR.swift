// SPDX-License-Identifier: Apache-2.0
import Linux

/// The partition table of the PC, four entries and chains of logical partitions behind those that
/// are extended. As the kernel reads it (block/partitions/msdos.c).
enum MBR {
  /// One of the four entries of a table.
  private struct Entry {
    let type: UInt8
    /// In sectors.
    let start: UInt64
    let size: UInt64

    init(_ table: [UInt8], _ index: Int) {
      let base = 446 + index * 16
      type = table[base + 4]
      start = UInt64(table.little32(base + 8))
      size = UInt64(table.little32(base + 12))
    }

    var isExtended: Bool { size > 0 && [0x05, 0x0F, 0x85].contains(type) }
    var isData: Bool { size > 0 && !isExtended }
  }

  /// How many tables of a chain are followed: a chain may lead back into itself.
  private static let tablesMax = 256
  /// Logical partitions are numbered from here.
  private static let firstLogical = 5

  static func isProtective(_ table: [UInt8]) -> Bool {
    (0..<4).contains { Entry(table, $0).type == 0xEE }
  }

  /// Nil if this is no table but the boot sector of a file system, or divides nothing.
  static func read(_ disk: some ByteSource, _ table: [UInt8]) throws(Errno) -> [Partition]? {
    // Bootable or not: there is no third.
    guard (0..<4).allSatisfy({ table[446 + $0 * 16] & 0x7F == 0 }) else { return nil }
    let signature = table.little32(440)
    var partitions: [Partition] = []
    var logical = firstLogical
    for index in 0..<4 {
      let entry = Entry(table, index)
      if entry.size == 0 { continue }
      add(entry.start, entry.size, index + 1, signature, disk, &partitions)
      if entry.isExtended {
        try followChain(from: entry, disk, signature, &logical, &partitions)
      }
    }
    return partitions.isEmpty ? nil : partitions
  }

  /// Each table of the chain names a partition relative to itself, and the next table relative to
  /// the whole extended partition.
  private static func followChain(
    from extended: Entry, _ disk: some ByteSource, _ signature: UInt32, _ number: inout Int,
    _ partitions: inout [Partition]
  ) throws(Errno) {
    var place = extended.start
    for _ in 0..<tablesMax where number < PartitionTable.partitionsMax {
      guard let table = try disk.sector(place), table[510] == 0x55, table[511] == 0xAA else {
        return
      }
      let entries = (0..<4).map { Entry(table, $0) }
      for (index, entry) in entries.enumerated() where entry.isData {
        // The last two are not used, but some systems write them; they count if they lie inside.
        let isInside =
          entry.start + entry.size <= extended.size
          && place + entry.start >= extended.start
          && place + entry.start + entry.size <= extended.start + extended.size
        if index >= 2, !isInside { continue }
        add(place + entry.start, entry.size, number, signature, disk, &partitions)
        number += 1
        if number >= PartitionTable.partitionsMax { return }
      }
      guard let next = entries.first(where: { $0.isExtended }) else { return }
      place = extended.start + next.start
    }
  }

  private static func add(
    _ start: UInt64, _ size: UInt64, _ number: Int, _ signature: UInt32, _ disk: some ByteSource,
    _ partitions: inout [Partition]
  ) {
    // 32-bit numbers of sectors, at most twice added: no product overflows.
    partitions.append(
      Partition(
        number: number, startBytes: start * disk.sectorBytes, sizeBytes: size * disk.sectorBytes,
        uuid: signature == 0
          ? nil : UUIDText.digits(signature, 8) + "-" + UUIDText.digits(UInt32(number), 2),
        label: nil))
  }
}
