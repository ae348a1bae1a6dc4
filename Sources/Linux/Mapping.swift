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

  /// Gives the memory back; what is looked at again is read again. madvise(2).
  public borrowing func forget() {
    if let start = unsafe start {
      _ = unsafe clinux_madvise(start, count, Int32(CLINUX_MADV_DONTNEED))
    }
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
