// SPDX-License-Identifier: Apache-2.0
import Codec
import Linux

/// The GUID partition table. UEFI 2.10, chapter 5.3; what is accepted is what the kernel accepts
/// (block/partitions/efi.c).
enum GPT {
  /// A kernel takes entries of this size only.
  private static let entryBytes = 128
  private static let headerBytes = 92

  /// The partitions, by the header at the front of the disk or else by the one at its end.
  static func read(_ disk: some ByteSource) throws(Errno) -> [Partition]? {
    if let partitions = try read(disk, headerAt: 1) { return partitions }
    let last = disk.sizeBytes / disk.sectorBytes
    return last < 2 ? nil : try read(disk, headerAt: last - 1)
  }

  private static func read(
    _ disk: some ByteSource, headerAt place: UInt64
  ) throws(Errno) -> [Partition]? {
    guard let header = try disk.sector(place), isHeader(header, place) else { return nil }
    let count = min(Int(clamping: header.little32(80)), PartitionTable.partitionsMax)
    guard header.little32(84) == UInt32(entryBytes),
      // The checksum covers all entries, so a table that is larger than any kernel uses is read as
      // a whole, or not at all.
      header.little32(80) <= 1024,
      case (let start, let overflow) = header.little64(72)
        .multipliedReportingOverflow(by: disk.sectorBytes), !overflow,
      let entries = try disk.readWhole(Int(header.little32(80)) * entryBytes, at: start),
      CRC32.of(entries.span) == header.little32(88)
    else { return nil }
    return (0..<count).compactMap { index in
      partition(Array(entries[index * entryBytes..<(index + 1) * entryBytes]), index + 1, disk)
    }
  }

  private static func isHeader(_ header: [UInt8], _ place: UInt64) -> Bool {
    guard header.holds("EFI PART", at: 0), header.little64(24) == place,
      let size = Int(exactly: header.little32(12)), size >= headerBytes, size <= header.count
    else { return false }
    var zeroed = Array(header[..<size])
    for index in 16..<20 { zeroed[index] = 0 }
    return CRC32.of(zeroed.span) == header.little32(16)
  }

  private static func partition(
    _ entry: [UInt8], _ number: Int, _ disk: some ByteSource
  ) -> Partition? {
    let isUnused = entry[..<16].allSatisfy { $0 == 0 }
    let (first, last) = (entry.little64(32), entry.little64(40))
    let sectors = disk.sizeBytes / disk.sectorBytes
    guard !isUnused, first <= last, last < sectors else { return nil }
    return Partition(
      number: number, startBytes: first * disk.sectorBytes,
      sizeBytes: (last - first + 1) * disk.sectorBytes, uuid: UUIDText.mixed(entry[16..<32]),
      label: entry.text16(56, 72))
  }
}
