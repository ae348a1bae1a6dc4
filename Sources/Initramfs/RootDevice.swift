// SPDX-License-Identifier: Apache-2.0
import Linux

/// The device that holds the root file system.
public struct RootDevice: Hashable, Sendable {
  /// What to give to mount(2): the path of a node, or a UBI volume.
  public let source: String
  /// Nil for UBI, and for a file system that is not known here.
  public let superblock: Superblock?
  /// Others that answer to the same name: a disk was copied, and which copy is meant is a guess.
  public var alternatives: [String] = []
}

/// Looks for the root device, again and again while drivers find more.
///
/// What was looked into once is not read again: a look costs little while nothing new comes.
final class RootDeviceSearch {
  private let specification: RootSpecification
  private let system: String
  private let devices: String
  /// What was found on a device. A device of the same numbers and size is the same.
  private var superblocks: [(device: BlockDevice, superblock: Superblock?)] = []
  private var tables: [(device: BlockDevice, table: PartitionTable?)] = []

  private static let pauseMilliseconds: Int64 = 20

  /// `system` is /sys, `devices` is /dev.
  init(_ specification: RootSpecification, system: String = "/sys", devices: String = "/dev") {
    self.specification = specification
    self.system = system
    self.devices = devices
  }

  /// Waits until it is there, and calls `tick` between looks. Throws `rootNotFound` when `seconds`
  /// are over.
  func wait(
    seconds: UInt32, tick: () -> Void
  ) throws(InitramfsError) -> RootDevice {
    let end = Clock.monotonicNanoseconds + Int64(seconds) * 1_000_000_000
    while true {
      if let found = try look() { return found }
      if Clock.monotonicNanoseconds >= end {
        throw .rootNotFound(specification, waitedSeconds: seconds, devices: try describeAll())
      }
      tick()
      Clock.sleep(milliseconds: RootDeviceSearch.pauseMilliseconds)
    }
  }

  /// Looks once.
  func look() throws(InitramfsError) -> RootDevice? {
    if case .ubi(let volume) = specification {
      let isThere = try UBIVolume.all(system: system).contains { $0.answers(to: volume) }
      return isThere ? RootDevice(source: volume, superblock: nil) : nil
    }
    let all = try BlockDevice.all(system: system)
    let wanted = byNumber(specification)
    var matches: [BlockDevice] = []
    for device in all where isMatch(device, wanted, among: all) { matches.append(device) }
    guard let first = matches.first else { return nil }
    return RootDevice(
      source: path(of: first), superblock: superblock(of: first),
      alternatives: matches.dropFirst().map { path(of: $0) })
  }

  /// A path may be another name of a device, for example the link `/dev/mapper/root`: the numbers
  /// of its node are what sysfs knows it by.
  private func byNumber(_ specification: RootSpecification) -> RootSpecification {
    guard case .path(let named) = specification,
      case let path = devices + String(decoding: named.utf8.dropFirst(4), as: UTF8.self),
      let status = try? FileDescriptor.status(of: path), status.type == .blockDevice
    else { return specification }
    return .number(major: status.nodeMajor, minor: status.nodeMinor)
  }

  private func isMatch(
    _ device: BlockDevice, _ wanted: RootSpecification, among all: [BlockDevice]
  ) -> Bool {
    switch wanted {
    case .path(let path): return same(path, "/dev/\(device.node)") && isNode(device)
    case .number(let major, let minor):
      return device.major == major && device.minor == minor && isNode(device)
    case .uuid(let uuid):
      return fileSystem(on: device)?.uuid.map { same($0, uuid) } ?? false
    case .label(let label):
      return fileSystem(on: device)?.label.map { same($0, label) } ?? false
    case .partitionUUID(let uuid, let offset):
      return isPartition(device, among: all, offset) { $0.uuid.map { same($0, uuid) } ?? false }
    case .partitionLabel(let label):
      return isPartition(device, among: all, 0) { $0.label.map { same($0, label) } ?? false }
    case .ubi: return false
    }
  }

  private func isNode(_ device: BlockDevice) -> Bool {
    (try? FileDescriptor.status(of: path(of: device))) != nil
  }

  /// Whether `device` comes `offset` partitions after one of its disk that `matches`.
  private func isPartition(
    _ device: BlockDevice, among all: [BlockDevice], _ offset: Int,
    _ matches: (Partition) -> Bool
  ) -> Bool {
    guard let place = device.partition,
      let disk = all.first(where: { same($0.name, place.disk) }), !disk.isHeld,
      let named = table(of: disk)?.partitions.first(where: matches)
    else { return false }
    if place.number != named.number + offset { return false }
    // The kernel may have read another table than we (a disk that was divided anew).
    return offset != 0 || place.startBytes == named.startBytes
  }

  /// What may be found by what it says of itself: not one half of a mirror, which says what the
  /// whole says, and which the mirror would no longer be the same as once it is written to.
  private func fileSystem(on device: BlockDevice) -> Superblock? {
    guard device.isSearched, let found = superblock(of: device) else { return nil }
    return found.isArrayMember ? nil : found
  }

  /// What could not be read is tried again at the next look.
  private func superblock(of device: BlockDevice) -> Superblock? {
    if let known = superblocks.first(where: { $0.device == device }) { return known.superblock }
    do throws(Errno) {
      let found = try Superblock.read(try device.source(devices: devices))
      superblocks.append((device, found))
      return found
    } catch { return nil }
  }

  private func table(of device: BlockDevice) -> PartitionTable? {
    if let known = tables.first(where: { $0.device == device }) { return known.table }
    do throws(Errno) {
      let found = try PartitionTable.read(try device.source(devices: devices))
      tables.append((device, found))
      return found
    } catch { return nil }
  }

  private func path(of device: BlockDevice) -> String { "\(devices)/\(device.node)" }

  /// What there is instead, for a person: `/dev/vda1 ext4 LABEL=root UUID=…`, `ubi0:rootfs`.
  private func describeAll() throws(InitramfsError) -> [String] {
    try describeBlockDevices() + UBIVolume.all(system: system).map { $0.description }
  }

  private func describeBlockDevices() throws(InitramfsError) -> [String] {
    try BlockDevice.all(system: system).filter { $0.isSearched }.map { device in
      var text = path(of: device)
      guard let found = superblock(of: device) else { return text }
      text +=
        found.isArrayMember ? " RAID member with \(found.kind.rawValue)" : " \(found.kind.rawValue)"
      if let label = found.label { text += " LABEL=\(label)" }
      if let uuid = found.uuid { text += " UUID=\(uuid)" }
      return text
    }
  }
}
