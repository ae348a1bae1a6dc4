// SPDX-License-Identifier: Apache-2.0
import Linux

/// A stretch of a file: a part of a delta, or what it was unpacked to.
public struct DeltaSlice: Sendable {
  let file: Shared<FileDescriptor>
  let offset: UInt64
  public let count: UInt64

  /// `offset + count` is at most the largest size that a file can have.
  public init(_ file: Shared<FileDescriptor>, offset: UInt64, count: UInt64) {
    self.file = file
    self.offset = offset
    self.count = count
  }

  /// What is left without the first `count` bytes.
  func dropping(first count: UInt64) -> DeltaSlice {
    DeltaSlice(file, offset: offset + count, count: self.count - count)
  }

  /// A stretch of it, or nil if it does not have that.
  func part(_ start: UInt64, count: UInt64) -> DeltaSlice? {
    guard start <= self.count, count <= self.count - start else { return nil }
    return DeltaSlice(file, offset: offset + start, count: count)
  }
}

/// Looks at a slice through a window of memory.
struct DeltaWindow: ~Copyable {
  let slice: DeltaSlice
  /// What `fill` speaks of.
  private(set) var bytes: [UInt8]
  /// Where in the slice the window stands, and how much of it is good.
  private var start: UInt64 = 0
  private var count = 0

  init(_ slice: DeltaSlice, windowBytes: Int) {
    self.slice = slice
    bytes = [UInt8](repeating: 0, count: windowBytes)
  }

  /// Brings up to `count` bytes at `offset` into `bytes` and says where they are there: at least
  /// `least`, which fits the window, or the file was cut short and this throws.
  mutating func fill(
    at offset: UInt64, count: UInt64, least: Int = 1
  ) throws(Errno) -> Range<Int> {
    guard offset <= slice.count, UInt64(least) <= slice.count - offset else { throw .inputOutput }
    if offset < start || offset - start + UInt64(least) > UInt64(self.count) {
      self.count = 0
      start = offset
      let wanted = min(UInt64(bytes.count), slice.count - offset)
      self.count = try slice.file.value.read(
        into: &bytes, count: Int(wanted), offset: Int64(clamping: slice.offset + offset))
      if self.count < least { throw .inputOutput }
    }
    let from = Int(offset - start)
    return from..<from + Int(min(count, UInt64(self.count - from)))
  }
}
