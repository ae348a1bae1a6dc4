// SPDX-License-Identifier: Apache-2.0
internal import CLinux

/// A window of a file, mapped for reading; its bytes cannot outlive it.
///
/// Failing media, or a file that is cut shorter meanwhile, raise SIGBUS at the access: after
/// `BusError.install()` such pages read as zero and `BusError.take()` tells the thread.
///
/// Read by any number of threads at once.
@safe public struct Mapping: ~Copyable, @unchecked Sendable {
  private let start: UnsafeMutableRawPointer?
  public let count: Int

  /// Maps `count` bytes from `offset`, which must be a multiple of `Mapping.pageBytes`. mmap(2).
  public init(_ file: borrowing FileDescriptor, offset: Int64 = 0, count: Int) throws(Errno) {
    precondition(count >= 0)
    self.count = count
    guard count > 0 else {
      unsafe start = nil
      return
    }
    guard let start = unsafe clinux_map_readonly(file.raw, count, offset) else { throw .last }
    unsafe self.start = start
  }

  deinit {
    if let start = unsafe start { _ = unsafe clinux_unmap(start, count) }
  }

  public static var pageBytes: Int { clinux_page_size() }

  /// The kernel may read ahead and forget what was read. madvise(2).
  public borrowing func adviseSequential() {
    if let start = unsafe start {
      _ = unsafe clinux_madvise(start, count, Int32(CLINUX_MADV_SEQUENTIAL))
    }
  }

  /// Brings all of it into the page tables at once, where the kernel can: fewer faults, and the
  /// media are waited for here. madvise(2), `MADV_POPULATE_READ`, Linux 5.14.
  public borrowing func populate() {
    if let start = unsafe start {
      _ = unsafe clinux_madvise(start, count, Int32(CLINUX_MADV_POPULATE_READ))
    }
  }

  /// Gives the memory back; what is looked at again is read again. madvise(2).
  public borrowing func forget() {
    if let start = unsafe start {
      _ = unsafe clinux_madvise(start, count, Int32(CLINUX_MADV_DONTNEED))
    }
  }

  /// How much of the first `count` bytes of `file` is in the page cache, in whole pages. Only its
  /// owner is told, or who may write to it; others see all of it there. mincore(2), Linux 5.2.
  public static func residentBytes(
    of file: borrowing FileDescriptor, count: Int
  ) throws(Errno) -> Int64 {
    guard count > 0 else { return 0 }
    let raw = file.raw
    guard let start = unsafe clinux_map_readonly(raw, count, 0) else { throw .last }
    defer { _ = unsafe clinux_unmap(start, count) }
    return try retrying { unsafe clinux_resident_pages(start, count) } * Int64(pageBytes)
  }

  /// Lends the bytes.
  public borrowing func withBytes<R, E: Error>(
    _ body: (Span<UInt8>) throws(E) -> R
  ) throws(E) -> R {
    let pointer = unsafe start?.assumingMemoryBound(to: UInt8.self)
    return try body(unsafe UnsafeBufferPointer(start: pointer, count: count).span)
  }
}

/// SIGBUS under a mapping, turned into something a thread can ask for.
public enum BusError {
  /// From here on, a page that cannot be read is zero, and the thread that read it is flagged.
  public static func install() { _ = clinux_bus_error_install() }

  /// Whether this thread met such a page since it last asked.
  public static func take() -> Bool { clinux_bus_error_take() != 0 }
}
