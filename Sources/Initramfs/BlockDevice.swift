// SPDX-License-Identifier: Apache-2.0
import Linux

/// A block device, as sysfs describes it. Documentation/ABI/stable/sysfs-block.
struct BlockDevice: Hashable {
  /// As in /sys/class/block.
  let name: String
  let major: UInt32
  let minor: UInt32
  let sizeBytes: UInt64
  /// Of one logical block.
  let sectorBytes: UInt64
  /// Nil for a whole disk.
  let partition: PartitionPlace?
  /// Whether another device (RAID, encryption, a volume manager) is made of this one.
  let isHeld: Bool

  struct PartitionPlace: Hashable {
    let disk: String
    let number: Int
    let startBytes: UInt64
  }

  /// The unit of `size` and `start`, whatever the device's own blocks are.
  private static let unitBytes: UInt64 = 512
  /// Far above what any attribute that is read here holds.
  private static let attributeBytesMax = 4096

  /// The name of its node below /dev. `!` stands for a slash.
  var node: String {
    String(
      decoding: name.utf8.map { $0 == UInt8(ascii: "!") ? UInt8(ascii: "/") : $0 }, as: UTF8.self)
  }

  /// Whether it may be looked into unasked. Floppies and CDs take seconds to say that they are
  /// empty, and raw flash is not for reading block by block.
  var isSearched: Bool {
    !isHeld
      && !["fd", "sr", "mtdblock", "ram", "nbd"].contains { name.utf8.starts(with: $0.utf8) }
  }

  /// All that have a size, in the order of their names. `system` is /sys.
  static func all(system: String) throws(InitramfsError) -> [BlockDevice] {
    let path = "\(system)/class/block"
    return try at(path) { () throws(Errno) in
      let directory: FileDescriptor
      do throws(Errno) { directory = try FileDescriptor.openDirectory(path) } catch {
        if error == .notFound { return [] }
        throw error
      }
      var devices: [BlockDevice] = []
      for entry in try directory.sortedEntries() {
        // One that went away in between is not there.
        if let device = BlockDevice(entry.name, in: directory) { devices.append(device) }
      }
      return devices
    }
  }

  private init?(_ name: String, in directory: borrowing FileDescriptor) {
    guard let numbers = BlockDevice.attribute("\(name)/dev", directory),
      let size = BlockDevice.number("\(name)/size", directory), size > 0,
      case let parts = numbers.utf8.split(separator: UInt8(ascii: ":")), parts.count == 2,
      let major = UInt32(String(decoding: parts[0], as: UTF8.self)),
      let minor = UInt32(String(decoding: parts[1], as: UTF8.self))
    else { return nil }
    self.name = name
    self.major = major
    self.minor = minor
    sizeBytes = size.multipliedReportingOverflow(by: BlockDevice.unitBytes).partialValue
    var place: PartitionPlace?
    if let number = BlockDevice.number("\(name)/partition", directory),
      let start = BlockDevice.number("\(name)/start", directory),
      let disk = BlockDevice.disk(of: name, directory)
    {
      place = PartitionPlace(
        disk: disk, number: Int(clamping: number),
        startBytes: start.multipliedReportingOverflow(by: BlockDevice.unitBytes).partialValue)
    }
    partition = place
    let queue = "\(place?.disk ?? name)/queue/logical_block_size"
    sectorBytes = BlockDevice.number(queue, directory) ?? BlockDevice.unitBytes
    let holders = try? directory.open("\(name)/holders", [.readOnly, .directory]).entries()
    isHeld = holders.map { !$0.isEmpty } ?? false
  }

  /// A partition lies in the folder of its disk: `…/block/sda/sda1`.
  private static func disk(of name: String, _ directory: borrowing FileDescriptor) -> String? {
    guard let target = try? directory.symbolicLinkTarget(of: name) else { return nil }
    let parts = target.utf8.split(separator: UInt8(ascii: "/"))
    return parts.count < 2 ? nil : String(decoding: parts[parts.count - 2], as: UTF8.self)
  }

  private static func number(_ path: String, _ directory: borrowing FileDescriptor) -> UInt64? {
    attribute(path, directory).flatMap { UInt64($0) }
  }

  private static func attribute(
    _ path: String, _ directory: borrowing FileDescriptor
  ) -> String? {
    guard let text = try? directory.open(path).readAll(limit: attributeBytesMax) else { return nil }
    return String(decoding: text.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
  }

  /// Opened for reading; `devices` is /dev.
  func source(devices: String) throws(Errno) -> DeviceSource {
    try DeviceSource("\(devices)/\(node)", sizeBytes: sizeBytes, sectorBytes: sectorBytes)
  }
}
