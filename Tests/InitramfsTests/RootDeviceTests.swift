// SPDX-License-Identifier: Apache-2.0
import Foundation
import Linux
import Support
import Testing

@testable import Initramfs

/// A machine's block devices as sysfs shows them, with images in place of the nodes.
private final class Machine {
  let folder: TemporaryDirectory
  var system: String { folder.file("sys") }
  var devices: String { folder.file("dev") }

  init() throws {
    folder = try TemporaryDirectory("devices")
    try folder.makeDirectory("sys/class/block")
    try folder.makeDirectory("dev")
  }

  /// A disk, or a partition of `disk`.
  func add(
    _ name: String, numbers: String, bytes: Int, disk: String? = nil, number: Int = 0,
    startBytes: Int = 0
  ) throws {
    let place = disk.map { "devices/block/\($0)/\(name)" } ?? "devices/block/\(name)"
    try folder.write(numbers + "\n", to: "sys/\(place)/dev")
    try folder.write("\(bytes / 512)\n", to: "sys/\(place)/size")
    if disk == nil {
      try folder.write("512\n", to: "sys/\(place)/queue/logical_block_size")
    } else {
      try folder.write("\(number)\n", to: "sys/\(place)/partition")
      try folder.write("\(startBytes / 512)\n", to: "sys/\(place)/start")
    }
    try FileManager.default.createSymbolicLink(
      atPath: folder.file("sys/class/block/\(name)"), withDestinationPath: "../../\(place)")
  }

  func look(_ root: String) throws -> RootDevice? {
    let specification = try #require(RootSpecification(root))
    return try RootDeviceSearch(specification, system: system, devices: devices).look()
  }
}

@Suite struct RootDeviceTests {
  /// A disk `vda` of two partitions, the second an ext4 called `root`; and an empty disk `vdb`.
  private func machine() throws -> Machine {
    let machine = try Machine()
    let disk = try PartitionTableTests.disk(PartitionTableTests.gpt, in: machine.folder)
    try mustRun(
      "sh", "-ec",
      """
      PATH=$PATH:/usr/sbin
      truncate -s 1M part; mkfs.ext4 -q -F -L root -U 6a6a6a6a-0000-4000-8000-000000000001 part
      dd if=part of=disk bs=512 seek=4096 conv=notrunc status=none
      mv disk dev/vda; cp part dev/vda2; truncate -s 1M dev/vda1 dev/vdb
      """, in: machine.folder.path)
    _ = disk
    try machine.add("vda", numbers: "254:0", bytes: 16 << 20)
    try machine.add(
      "vda1", numbers: "254:1", bytes: 1 << 20, disk: "vda", number: 1, startBytes: 1 << 20)
    try machine.add(
      "vda2", numbers: "254:2", bytes: 1 << 20, disk: "vda", number: 2, startBytes: 2 << 20)
    try machine.add("vdb", numbers: "254:16", bytes: 1 << 20)
    try machine.add("loop0", numbers: "7:0", bytes: 0)
    return machine
  }

  @Test(arguments: [
    "LABEL=root", "UUID=6A6A6A6A-0000-4000-8000-000000000001", "PARTLABEL=root", "254:2",
    "/dev/vda2", "PARTUUID=01234567-89ab-cdef-0123-456789abcdef/PARTNROFF=1",
    "/dev/disk/by-label/root",
  ])
  func `the root is found by every name that it has`(_ root: String) throws {
    let machine = try machine()
    let found = try #require(try machine.look(root))
    #expect(found.source == machine.devices + "/vda2")
    #expect(found.superblock?.kind == .ext4)
    #expect(found.alternatives == [])
  }

  @Test(arguments: [
    "LABEL=Root", "LABEL=roo", "UUID=6a6a6a6a", "PARTLABEL=boot", "254:3", "/dev/vdc", "/dev/vda3",
    "PARTUUID=01234567-89ab-cdef-0123-456789abcdef/PARTNROFF=4", "/dev/loop0", "7:0", "ubi0:root",
  ])
  func `what is not there is not found`(_ root: String) throws {
    #expect(try machine().look(root) == nil)
  }

  @Test func `a copy of the root is reported`() throws {
    let machine = try machine()
    try mustRun("cp", "dev/vda2", "dev/vdb", in: machine.folder.path)
    let found = try #require(try machine.look("LABEL=root"))
    #expect(found.source == machine.devices + "/vda2")
    #expect(found.alternatives == [machine.devices + "/vdb"])
  }

  @Test func `a device that another is made of is not the root`() throws {
    let machine = try machine()
    try machine.folder.write("", to: "sys/devices/block/vda/vda2/holders/md0")
    #expect(try machine.look("LABEL=root") == nil)
  }

  @Test func `half of a mirror is found by its path alone`() throws {
    let machine = try machine()
    let image = machine.devices + "/vda2"
    let file = try FileHandle(forUpdating: URL(fileURLWithPath: image))
    let place = UInt64((1 << 20) / 512 - 16)
    try file.seek(toOffset: place * 512)
    try file.write(contentsOf: Data(SuperblockTests.arraySuperblock(at: place)))
    #expect(try machine.look("LABEL=root") == nil)
    #expect(try machine.look("UUID=6a6a6a6a-0000-4000-8000-000000000001") == nil)
    #expect(try machine.look("/dev/vda2")?.superblock?.isArrayMember == true)
  }

  @Test func `a path that is another name of a device is that device`() throws {
    let machine = try machine()
    try mustRun(
      "sh", "-ec", "mkdir dev/mapper; mknod dev/dm b 254 2; ln -s ../dm dev/mapper/root",
      in: machine.folder.path)
    #expect(try machine.look("/dev/mapper/root")?.source == machine.devices + "/vda2")
    #expect(try machine.look("/dev/mapper/other") == nil)
  }

  @Test func `a device that cannot be read yet is looked at again`() throws {
    let machine = try machine()
    try mustRun("sh", "-ec", "mv dev/vda2 later; mkdir dev/vda2", in: machine.folder.path)
    let search = RootDeviceSearch(
      .label("root"), system: machine.system, devices: machine.devices)
    #expect(try search.look() == nil)
    try mustRun("sh", "-ec", "rmdir dev/vda2; mv later dev/vda2", in: machine.folder.path)
    #expect(try search.look()?.source == machine.devices + "/vda2")
  }

  @Test func `a wait ends, and says what is there`() throws {
    let machine = try machine()
    let search = RootDeviceSearch(
      .label("other"), system: machine.system, devices: machine.devices)
    let result = Result { () throws(InitramfsError) in try search.wait(seconds: 0) {} }
    let uuid = "6a6a6a6a-0000-4000-8000-000000000001"
    let devices = ["vda", "vda1", "vda2 ext4 LABEL=root UUID=\(uuid)", "vdb"]
    #expect(
      result
        == .failure(
          .rootNotFound(
            .label("other"), waitedSeconds: 0, devices: devices.map { machine.devices + "/" + $0 })
        ))
  }

  /// Two flashes: `root` and `root2` on the first, `root` on the second.
  private func flash() throws -> Machine {
    let machine = try Machine()
    for (folder, name) in [("ubi0_0", "root"), ("ubi0_1", "root2"), ("ubi1_7", "root")] {
      try machine.folder.write(name + "\n", to: "sys/class/ubi/\(folder)/name")
    }
    for folder in ["ubi0", "ubi1", "ubi0_2", "version"] {
      try machine.folder.makeDirectory("sys/class/ubi/\(folder)")
    }
    return machine
  }

  @Test(arguments: [
    "ubi0:root", "ubi:root", "ubi0!root", "ubi!root2", "ubi0_1", "ubi0", "ubi1", "/dev/ubi0_0",
    "ubi1:root", "ubi1_7",
  ])
  func `a volume on flash is found by every name that UBIFS has for it`(_ root: String) throws {
    let found = try #require(try flash().look(root))
    #expect(found.source == root.replacingOccurrences(of: "/dev/", with: ""))
    #expect(found.superblock == nil)
  }

  @Test(arguments: [
    "ubi0:roo", "ubi0:root3", "ubi1:root2", "ubi:rootfs", "ubi2:root", "ubi0_2", "ubi0_7", "ubi7",
    "ubi4294967296:root", "ubi0_0x",
  ])
  func `a volume that is not on the flash is not found`(_ root: String) throws {
    #expect(try flash().look(root) == nil)
  }

  @Test func `a wait for a volume says which there are`() throws {
    let machine = try flash()
    let search = RootDeviceSearch(
      .ubi("ubi0:other"), system: machine.system, devices: machine.devices)
    let result = Result { () throws(InitramfsError) in try search.wait(seconds: 0) {} }
    #expect(
      result
        == .failure(
          .rootNotFound(
            .ubi("ubi0:other"), waitedSeconds: 0,
            devices: ["ubi0:root", "ubi0:root2", "ubi1:root"])))
  }

  @Test func `a device that comes late is found`() throws {
    let machine = try machine()
    let search = RootDeviceSearch(.label("late"), system: machine.system, devices: machine.devices)
    #expect(try search.look() == nil)
    try mustRun(
      "sh", "-ec", "PATH=$PATH:/usr/sbin; truncate -s 1M dev/sda; mkfs.ext4 -q -F -L late dev/sda",
      in: machine.folder.path)
    try machine.add("sda", numbers: "8:0", bytes: 1 << 20)
    #expect(try search.wait(seconds: 1) {}.source == machine.devices + "/sda")
  }
}
