// SPDX-License-Identifier: Apache-2.0
import Foundation
import Linux
import Support
import Testing

@testable import Initramfs

/// File systems made by the real tools, read by us and by `blkid`.
@Suite struct SuperblockTests {
  /// The command that makes one in the file `image`, beside the folder `tree`; and its size in MiB.
  static let makers: [(String, Int)] = [
    ("mkfs.ext2 -q -F -L 'old one' image", 4),
    ("mkfs.ext3 -q -F -L three image", 8),
    ("mkfs.ext4 -q -F -L root-label-16chr image", 8),
    ("mkfs.ext4 -q -F -b 4096 -O ^has_journal image", 8),
    ("mkfs.ext4 -q -F -b 1024 -O encrypt,verity,casefold image", 8),
    ("mkfs.xfs -q -f -L xfsroot image", 300),
    ("mkfs.btrfs -q -f -L 'butter' image", 120),
    ("mkfs.f2fs -q -f -l 'flash ö' image", 64),
    ("mksquashfs tree image -quiet -no-progress -noappend", 0),
    ("mkfs.erofs image tree", 0),
  ]

  static func make(_ command: String, _ mebibytes: Int, in folder: TemporaryDirectory) throws
    -> String
  {
    try mustRun(
      "sh", "-ec",
      """
      PATH=$PATH:/usr/sbin:/sbin; mkdir -p tree; echo hello >tree/file
      [ \(mebibytes) = 0 ] || truncate -s \(mebibytes)M image
      \(command) >make.log 2>&1 || { cat make.log >&2; exit 1; }
      """, in: folder.path)
    return folder.file("image")
  }

  static func open(_ path: String) throws -> DeviceSource {
    let size = try FileDescriptor.status(of: path).sizeBytes
    return try DeviceSource(path, sizeBytes: size, sectorBytes: 512)
  }

  /// What `blkid` finds, by its names.
  static func blkid(_ path: String) throws -> [String: String] {
    let text = try mustRun("blkid", "-p", "-o", "export", path)
    var found: [String: String] = [:]
    for line in text.split(separator: "\n") {
      let pair = line.split(separator: "=", maxSplits: 1).map(String.init)
      if pair.count == 2 { found[pair[0]] = pair[1].replacingOccurrences(of: "\\ ", with: " ") }
    }
    return found
  }

  @Test(arguments: makers)
  func `a file system says to us what it says to blkid`(
    _ command: String, _ mebibytes: Int
  ) throws {
    let folder = try TemporaryDirectory("superblock")
    let image = try Self.make(command, mebibytes, in: folder)
    let expected = try Self.blkid(image)
    let found = try #require(try Superblock.read(try Self.open(image)))
    #expect(found.kind.rawValue == expected["TYPE"])
    #expect(found.uuid == expected["UUID"])
    // What is not ASCII blkid writes as vis(3) does.
    #expect(found.label == expected["LABEL"]?.replacingOccurrences(of: "M-CM-6", with: "ö"))
    #expect(!found.hasErrors)
  }

  @Test func `an ext4 that found itself damaged says so until it is checked`() throws {
    let folder = try TemporaryDirectory("superblock")
    let image = try Self.make("mkfs.ext4 -q -F image", 8, in: folder)
    try mustRun("debugfs", "-w", "-R", "set_super_value state 2", image)
    #expect(try Superblock.read(try Self.open(image))?.hasErrors == true)
    _ = try run("e2fsck", "-f", "-y", image)
    #expect(try Superblock.read(try Self.open(image))?.hasErrors == false)
  }

  @Test func `f2fs is found by its second superblock`() throws {
    let folder = try TemporaryDirectory("superblock")
    let image = try Self.make("mkfs.f2fs -q -f -l spare image", 64, in: folder)
    try mustRun("dd", "if=/dev/zero", "of=\(image)", "bs=4096", "count=1", "conv=notrunc")
    #expect(try Superblock.read(try Self.open(image))?.label == "spare")
  }

  /// The superblock of a mirror of version 1, as md_p.h has it, with its checksum.
  static func arraySuperblock(at place: UInt64) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: 256 + 2 * 2)
    func put(_ value: UInt64, _ count: Int, at offset: Int) {
      for index in 0..<count {
        bytes[offset + index] = UInt8(truncatingIfNeeded: value >> (8 * index))
      }
    }
    put(0xA92B_4EFC, 4, at: 0)
    put(1, 4, at: 4)
    put(0x0102_0304_0506_0708, 8, at: 16)
    put(1, 4, at: 72)  // level
    put(2, 4, at: 92)  // disks
    put(place, 8, at: 144)
    put(2, 4, at: 220)  // entries behind the head
    var sum: UInt64 = 0
    for index in stride(from: 0, to: bytes.count, by: 4) { sum += UInt64(bytes.little32(index)) }
    put((sum & 0xFFFF_FFFF) + (sum >> 32), 4, at: 216)
    return bytes
  }

  /// That of version 0.90.
  static let oldArraySuperblock: [UInt8] = {
    var bytes = [UInt8](repeating: 0, count: 4096)
    bytes.replaceSubrange(0..<12, with: [0xFC, 0x4E, 0x2B, 0xA9, 0, 0, 0, 0, 90, 0, 0, 0])
    return bytes
  }()

  /// Where, in units of 512 bytes, on a device of 8 MiB; nil stands for version 0.90.
  @Test(arguments: [UInt64?(16384 - 16), 8, nil])
  func `half of a mirror is not taken for the file system`(_ place: UInt64?) throws {
    let folder = try TemporaryDirectory("superblock")
    let image = try Self.make("mkfs.ext4 -q -F -L root image", 8, in: folder)
    let file = try FileHandle(forUpdating: URL(fileURLWithPath: image))
    try file.seek(toOffset: (place ?? 16384 - 128) * 512)
    try file.write(
      contentsOf: Data(place.map { Self.arraySuperblock(at: $0) } ?? Self.oldArraySuperblock))
    let found = try #require(try Superblock.read(try Self.open(image)))
    #expect(found.isArrayMember)
    #expect(found.label == "root")
    #expect(try Self.blkid(image)["TYPE"] == "linux_raid_member")
    // The same bytes in another place are remains of something else.
    try file.truncate(atOffset: 9 << 20)
    if place != 8 { #expect(try Superblock.read(try Self.open(image))?.isArrayMember == false) }
  }

  @Test func `what holds no file system is none`() throws {
    #expect(try Superblock.read(ImageSource(bytes: [])) == nil)
    #expect(try Superblock.read(ImageSource(bytes: Array(repeating: 0, count: 100_000))) == nil)
    #expect(try Superblock.read(ImageSource(bytes: Array(repeating: 255, count: 70_000))) == nil)
    let folder = try TemporaryDirectory("superblock")
    // A journal that lies on a device of its own is not a file system.
    let journal = try Self.make("mkfs.ext4 -q -F -O journal_dev image", 8, in: folder)
    #expect(try Superblock.read(try Self.open(journal)) == nil)
  }

  @Test func `changed bytes are a superblock or none, never a trap`() throws {
    var generator = SystemRandomNumberGenerator()
    for (command, mebibytes) in Self.makers where mebibytes <= 64 {
      let folder = try TemporaryDirectory("superblock")
      let image = try Self.make(command, mebibytes, in: folder)
      let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: image))
      let front = [UInt8](try #require(try file.read(upToCount: 70_000)))
      for _ in 0..<200 {
        var source = ImageSource(bytes: Array(front.prefix(Int.random(in: 0...front.count))))
        for _ in 0..<8 where !source.bytes.isEmpty {
          let limit = min(source.bytes.count, 4096)
          source.bytes[Int.random(in: 0..<limit, using: &generator)] = .random(in: 0...255)
        }
        _ = try Superblock.read(source)
      }
    }
  }
}
