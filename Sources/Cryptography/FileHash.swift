// SPDX-License-Identifier: Apache-2.0
import Linux

/// Feeds files into a checksum: small ones are read, large ones mapped in windows, so that memory
/// is bounded whatever the size of the file. One value per thread; its buffer is used again.
public struct FileHash: ~Copyable {
  /// Up to here a file is read. Below, page faults cost more than the copy that mapping saves:
  /// on x86_64 with a warm cache reading wins by 18 % at 32 KiB and by 7 % at 256 KiB, and from
  /// 1 MiB on mapping is even or ahead.
  public static let readBytesMax: Int64 = 512 << 10
  /// Read at a time; stays in the second-level cache of small cores.
  static let bufferBytes = 64 << 10
  /// How much of a large file is mapped, and counted as ours, at a time.
  public static let windowBytes: Int64 = 1 << 20

  private var buffer: [UInt8]
  private let isMapping: Bool

  /// Installs the handler that makes failing media an error and not the end of the process. With
  /// `mapping` false nothing is ever mapped, for the first process of a system, which must not die.
  public init(mapping: Bool = true) {
    if mapping { BusError.install() }
    isMapping = mapping
    buffer = [UInt8](repeating: 0, count: FileHash.bufferBytes)
  }

  /// Hashes `file` from `offset` to its end; gives how many bytes those were. The file's position
  /// stays where it was. `sizeBytes` spares the question how long the file is. `dropBehind` lets
  /// each window leave the page cache once it is hashed. Throws `.inputOutput` also where media
  /// fail under a mapping.
  @discardableResult
  public mutating func update(
    _ hash: inout SHA256, with file: borrowing FileDescriptor, from offset: Int64 = 0,
    sizeBytes: Int64? = nil, dropBehind: Bool = false
  ) throws(Errno) -> UInt64 {
    precondition(offset >= 0)
    let sizeBytes =
      if let sizeBytes { sizeBytes } else { Int64(clamping: try file.status().sizeBytes) }
    let end =
      isMapping && sizeBytes - offset > FileHash.readBytesMax
      ? try updateMapped(&hash, file, offset, sizeBytes, dropBehind)
      : try updateRead(&hash, file, offset, sizeBytes)
    if dropBehind { file.dropCache(offset: offset, count: 0) }
    return UInt64(end - min(offset, end))
  }

  /// As the method, for a single file.
  @discardableResult
  public static func update(
    _ hash: inout SHA256, with file: borrowing FileDescriptor, from offset: Int64 = 0,
    dropBehind: Bool = false
  ) throws(Errno) -> UInt64 {
    var files = FileHash()
    return try files.update(&hash, with: file, from: offset, dropBehind: dropBehind)
  }

  private mutating func updateRead(
    _ hash: inout SHA256, _ file: borrowing FileDescriptor, _ offset: Int64, _ end: Int64
  ) throws(Errno) -> Int64 {
    var position = offset
    while position < end {
      let count = try file.read(into: &buffer, count: buffer.count, offset: position)
      if count == 0 { break }
      hash.update(buffer.span.extracting(0..<count))
      position += Int64(count)
    }
    return position
  }

  private func updateMapped(
    _ hash: inout SHA256, _ file: borrowing FileDescriptor, _ offset: Int64, _ end: Int64,
    _ dropBehind: Bool
  ) throws(Errno) -> Int64 {
    _ = BusError.take()  // what went wrong before is not this file's fault
    file.adviseSequential()
    var position = offset
    while position < end {
      let start = position - position % FileHash.windowBytes
      let count = min(end - start, FileHash.windowBytes)
      try FileHash.hashWindow(&hash, file, start, Int(count), skipping: Int(position - start))
      if dropBehind { file.dropCache(offset: start, count: count) }
      position = start + count
    }
    return position
  }

  private static func hashWindow(
    _ hash: inout SHA256, _ file: borrowing FileDescriptor, _ start: Int64, _ count: Int,
    skipping skipped: Int
  ) throws(Errno) {
    let window = try Mapping(file, offset: start, count: count)
    window.adviseSequential()
    window.withBytes { hash.update($0.extracting(skipped..<$0.count)) }
    if BusError.take() { throw .inputOutput }
  }
}
