// SPDX-License-Identifier: Apache-2.0
import Linux

/// GRUB's `grubenv` as the store of trial boots.
///
/// ```
/// boot_counter=3    starts left; -1: none was left, position 1 boots; absent: not counting
/// boot_success=0    1: the boot was declared good
/// ```
/// The names of greenboot; `bootloader/grub.cfg` counts by them. GRUB's `save_env` writes the
/// blocks of the file without the file system's knowledge, so the file is never replaced: the one
/// sector that changes is overwritten in place. What would change both sectors is refused, since a
/// power cut between the two could leave neither the old block nor the new.
public struct GrubEnvironment: Hashable, Sendable {
  public let path: String

  private static let sectorBytes = 512
  private static let counter = "boot_counter"
  private static let success = "boot_success"

  public init(_ path: String) { self.path = path }

  func trialCount() throws(BootError) -> TrialCount {
    let block = try block(of: try open())
    guard let text = block.value(of: GrubEnvironment.counter),
      !isSet(block.value(of: GrubEnvironment.success))
    else { return .idle }
    guard let left = Int(text) else { return .idle }
    return left < 0 ? .fellBack : .counting(left: left, max: nil)
  }

  /// Throws `unfitEnvironmentFile` where GRUB's way of writing would not hold.
  func arm(boots: Int) throws(BootError) {
    let file = try open()
    try judge(file)
    let block = try block(of: file)
    let changed = block.setting([
      LoaderVariable(GrubEnvironment.counter, "\(boots)"),
      LoaderVariable(GrubEnvironment.success, "0"),
    ])
    guard let changed else { throw .environmentFull(path: path) }
    try write(changed, over: block, to: file)
  }

  func clear() throws(BootError) {
    let file = try open()
    let block = try block(of: file)
    if block.value(of: GrubEnvironment.counter) == nil { return }
    let success = [LoaderVariable(GrubEnvironment.success, "1")]
    if let changed = block.setting(success, removing: [GrubEnvironment.counter]),
      GrubEnvironment.changedSectors(changed, block).count < 2
    {
      return try write(changed, over: block, to: file)
    }
    // One digit of a sector says the same, and moves nothing.
    guard let changed = block.setting(success) else { throw .environmentFull(path: path) }
    try write(changed, over: block, to: file)
  }

  /// Nil if there is no variable of that name.
  func value(of name: String) throws(BootError) -> String? {
    try block(of: try open()).value(of: name)
  }

  /// Sets another variable than those that count.
  func write(_ variable: LoaderVariable) throws(BootError) {
    let file = try open()
    try judge(file)
    let block = try block(of: file)
    guard let changed = block.setting([variable]) else { throw .environmentFull(path: path) }
    try write(changed, over: block, to: file)
  }

  private func isSet(_ value: String?) -> Bool { value?.utf8.elementsEqual("1".utf8) ?? false }

  // MARK: The file

  private func open() throws(BootError) -> FileDescriptor {
    try at(path) { () throws(Errno) in try FileDescriptor.open(path, .readWrite) }
  }

  private func block(of file: borrowing FileDescriptor) throws(BootError) -> GrubBlock {
    let bytes = try at(path) { () throws(Errno) in
      var bytes = [UInt8](repeating: 0, count: GrubBlock.byteCount + 1)
      var count = 0
      while count < bytes.count {
        var part = [UInt8](repeating: 0, count: bytes.count - count)
        let read = try file.read(into: &part, count: part.count, offset: Int64(count))
        if read == 0 { break }
        bytes.replaceSubrange(count..<count + read, with: part[..<read])
        count += read
      }
      return Array(bytes[..<count])
    }
    guard let block = GrubBlock(bytes) else { throw .environmentDamaged(path: path) }
    return block
  }

  /// The file must lie on the medium as it is: not in a hole, nor inside an inode, nor on a file
  /// system that writes every change to another place.
  private func judge(_ file: borrowing FileDescriptor) throws(BootError) {
    let (type, blocks) = try at(path) { () throws(Errno) in
      (try file.fileSystemStatus().type, try file.status().blocks)
    }
    switch type {
    case FileSystemKind.ext4, FileSystemKind.xfs, FileSystemKind.fat, FileSystemKind.tmpfs: break
    default: throw .unfitEnvironmentFile(path: path, type: type)
    }
    if blocks * UInt64(GrubEnvironment.sectorBytes) < UInt64(GrubBlock.byteCount) {
      throw .unfitEnvironmentFile(path: path, type: type)
    }
  }

  /// Durable when it returns, and read back. Nothing is written if nothing changes.
  private func write(
    _ changed: GrubBlock, over block: GrubBlock, to file: borrowing FileDescriptor
  ) throws(BootError) {
    let sectors = GrubEnvironment.changedSectors(changed, block)
    guard let sector = sectors.first else { return }
    if sectors.count > 1 { throw .environmentFull(path: path) }
    let start = sector * GrubEnvironment.sectorBytes
    try at(path) { () throws(Errno) in
      try file.write(
        changed.bytes.span.extracting(start..<start + GrubEnvironment.sectorBytes),
        offset: Int64(start))
      try file.sync()
      file.dropCache()
    }
    if try self.block(of: file) != changed { throw .environmentNotKept(path: path) }
  }

  private static func changedSectors(_ one: GrubBlock, _ other: GrubBlock) -> [Int] {
    (0..<GrubBlock.byteCount / sectorBytes).filter { sector in
      let range = sector * sectorBytes..<(sector + 1) * sectorBytes
      return one.bytes[range] != other.bytes[range]
    }
  }
}
