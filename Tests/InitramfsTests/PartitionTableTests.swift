// SPDX-License-Identifier: Apache-2.0
import Foundation
import Linux
import Support
import Testing

@testable import Initramfs

/// Disks divided by the real `sfdisk`, read by us and by `sfdisk` and `blkid`.
@Suite struct PartitionTableTests {
  static let gpt = """
    label: gpt
    start=2048, size=2048, name="boot part", uuid=01234567-89AB-CDEF-0123-456789ABCDEF
    start=4096, size=2048, name="root"
    start=8192, size=4096
    """
  static let mbr = """
    label: dos
    label-id: 0xdeadbeef
    start=2048, size=2048, type=c, bootable
    start=4096, size=12288, type=5
    start=16384, size=2048, type=83
    start=6144, size=1024, type=83
    start=10240, size=1024, type=82
    start=14336, size=1024, type=83
    """
  static let scripts = [
    gpt, mbr, mbr.replacingOccurrences(of: "type=5", with: "type=f"),
    mbr.replacingOccurrences(of: "type=5", with: "type=85"),
    "label: dos\nstart=2048, size=2048, type=83", "label: gpt",
  ]

  static func disk(_ script: String, in folder: TemporaryDirectory) throws -> String {
    let path = folder.file("disk")
    try mustRun("truncate", "-s", "16M", path)
    let result = try run("sfdisk", "-q", path, input: script)
    try #require(result.status == 0, "\(result)")
    return path
  }

  /// `sfdisk --json`'s view: number, first sector, count, identifier, name.
  static func expected(_ path: String) throws -> [[String]] {
    let text = try mustRun("sfdisk", "--json", path)
    let json = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
    let table = json?["partitiontable"] as? [String: Any]
    let identifier = (table?["id"] as? String)?.dropFirst(2).lowercased() ?? ""
    return (table?["partitions"] as? [[String: Any]] ?? []).map { partition in
      let node = partition["node"] as? String ?? ""
      let number = Int(node.dropFirst(path.count).drop { $0 == "p" }) ?? 0
      let ofMBR = identifier + "-" + String(format: "%02x", number)
      return [
        "\(number)", "\(partition["start"] ?? "")", "\(partition["size"] ?? "")",
        (partition["uuid"] as? String)?.lowercased() ?? ofMBR, partition["name"] as? String ?? "",
      ]
    }
  }

  static func rows(_ table: PartitionTable?, sectorBytes: UInt64 = 512) -> [[String]] {
    (table?.partitions ?? []).map {
      [
        "\($0.number)", "\($0.startBytes / sectorBytes)", "\($0.sizeBytes / sectorBytes)",
        $0.uuid ?? "", $0.label ?? "",
      ]
    }
  }

  @Test(arguments: scripts)
  func `a disk is divided for us as it is for sfdisk`(_ script: String) throws {
    let folder = try TemporaryDirectory("partitions")
    let path = try Self.disk(script, in: folder)
    let table = try #require(try PartitionTable.read(try SuperblockTests.open(path)))
    // Ours has the place of an extended partition too, as the kernel has; so has sfdisk.
    #expect(Self.rows(table).sorted { $0[0] < $1[0] } == (try Self.expected(path)))
    #expect(table.kind == (script.contains("gpt") ? .gpt : .mbr))
  }

  @Test func `the table at the end serves where the one at the front is gone`() throws {
    let folder = try TemporaryDirectory("partitions")
    let path = try Self.disk(Self.gpt, in: folder)
    let whole = try PartitionTable.read(try SuperblockTests.open(path))
    try mustRun(
      "dd", "if=/dev/zero", "of=\(path)", "bs=512", "seek=1", "count=1", "conv=notrunc")
    #expect(try PartitionTable.read(try SuperblockTests.open(path)) == whole)
    try mustRun(
      "dd", "if=/dev/urandom", "of=\(path)", "bs=512", "seek=1", "count=33", "conv=notrunc")
    #expect(try PartitionTable.read(try SuperblockTests.open(path)) == whole)
    try mustRun("truncate", "-s", "15M", path)
    #expect(try PartitionTable.read(try SuperblockTests.open(path)) == nil)
  }

  /// sfdisk takes the size of blocks from the device, so there is one: a loop device of its own.
  @Test(arguments: [gpt, mbr])
  func `disks with blocks of 4 KiB are read in those`(_ script: String) throws {
    let folder = try TemporaryDirectory("partitions")
    let path = folder.file("disk")
    try mustRun("truncate", "-s", "128M", path)
    let device = try mustRun("losetup", "--find", "--show", "--sector-size", "4096", path)
    defer { _ = try? run("losetup", "-d", device) }
    let result = try run("sfdisk", "-q", device, input: script)
    try #require(result.status == 0, "\(result)")
    try mustRun("sync", device)
    let size = try FileDescriptor.status(of: path).sizeBytes
    let source = try DeviceSource(path, sizeBytes: size, sectorBytes: 4096)
    let table = try PartitionTable.read(source)
    let found = Self.rows(table, sectorBytes: 4096).sorted { $0[0] < $1[0] }
    #expect(found == (try Self.expected(device)))
    #expect(found.count > 2)
    // With blocks of another size there is nothing to be found there.
    let wrong = try DeviceSource(path, sizeBytes: size, sectorBytes: 512)
    let misread = try PartitionTable.read(wrong)
    #expect(misread != table)
  }

  @Test func `a chain of tables that leads back into itself ends`() throws {
    let folder = try TemporaryDirectory("partitions")
    let path = try Self.disk(Self.mbr, in: folder)
    var bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    // The next table, relative to the extended partition, is the first one again.
    let first = 4096 * 512
    bytes.replaceSubrange(first + 446 + 16 + 8..<first + 446 + 16 + 12, with: [0, 0, 0, 0])
    let table = try PartitionTable.read(ImageSource(bytes: bytes))
    #expect((table?.partitions.count ?? 0) > 100)
    #expect((table?.partitions.map(\.number).max() ?? 0) < PartitionTable.partitionsMax)
  }

  @Test func `the boot sector of a file system is no table`() throws {
    let folder = try TemporaryDirectory("partitions")
    let path = folder.file("disk")
    try mustRun("truncate", "-s", "16M", path)
    try mustRun("mkfs.vfat", path)
    #expect(try PartitionTable.read(try SuperblockTests.open(path)) == nil)
    #expect(try PartitionTable.read(ImageSource(bytes: [])) == nil)
    #expect(try PartitionTable.read(ImageSource(bytes: Array(repeating: 0, count: 512))) == nil)
  }

  @Test func `changed bytes are a table or none, never a trap`() throws {
    for script in [Self.gpt, Self.mbr] {
      let folder = try TemporaryDirectory("partitions")
      let path = try Self.disk(script, in: folder)
      let whole = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
      for round in 0..<100 {
        var source = ImageSource(bytes: whole)
        if round % 4 == 0 { source.bytes.removeLast(.random(in: 0..<whole.count)) }
        source.sectorBytes = [512, 1024, 4096, 65536][round % 4]
        for _ in 0..<6 {
          let place = [446..<512, 512..<640, 1024..<2048, 2_097_152 + 446..<2_097_152 + 512]
            .randomElement()!
          let index = Int.random(in: place)
          if index < source.bytes.count { source.bytes[index] = .random(in: 0...255) }
        }
        _ = try PartitionTable.read(source)
      }
    }
  }

  @Test func `a header that promises what a disk cannot hold is refused`() throws {
    let folder = try TemporaryDirectory("partitions")
    let path = try Self.disk(Self.gpt, in: folder)
    var bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    bytes.removeLast(512)  // no header at the end
    for (offset, count) in [(72, 8), (80, 4), (84, 4), (12, 4)] {
      var changed = bytes
      changed.replaceSubrange(
        512 + offset..<512 + offset + count, with: repeatElement(0xFF, count: count))
      Self.seal(&changed)
      #expect(try PartitionTable.read(ImageSource(bytes: changed)) == nil, "offset \(offset)")
    }
    Self.seal(&bytes)
    #expect(try PartitionTable.read(ImageSource(bytes: bytes)) != nil)
  }

  /// Makes the checksum of the header right again.
  static func seal(_ bytes: inout [UInt8]) {
    var header = Array(bytes[512..<604])
    header.replaceSubrange(16..<20, with: [0, 0, 0, 0])
    let crc = zlibCRC(header)
    for index in 0..<4 { bytes[528 + index] = UInt8(truncatingIfNeeded: crc >> (8 * index)) }
  }

  /// Not ours: python's, which is zlib's.
  static func zlibCRC(_ bytes: [UInt8]) -> UInt32 {
    let hex = bytes.map { String(format: "%02x", $0) }.joined()
    let text = try? mustRun(
      "python3", "-c", "import sys,zlib; print(zlib.crc32(bytes.fromhex(sys.argv[1])))", hex)
    return text.flatMap { UInt32($0) } ?? 0
  }
}
