// SPDX-License-Identifier: Apache-2.0
internal import CLinux

extension FileDescriptor {
  /// Reads at the file's position into `buffer[start...]`; gives how many bytes came, 0 at the
  /// end. read(2).
  public borrowing func read(into buffer: inout [UInt8], at start: Int = 0) throws(Errno) -> Int {
    let raw = self.raw
    precondition(start <= buffer.count)
    return Int(
      try retrying {
        unsafe buffer.withUnsafeMutableBytes {
          unsafe clinux_read(
            raw, $0.baseAddress.map { unsafe $0 + start } ?? empty, $0.count - start)
        }
      })
  }

  /// Reads `count` bytes at `offset` into the front of `buffer`; gives how many came. pread(2).
  public borrowing func read(
    into buffer: inout [UInt8], count: Int, offset: Int64
  ) throws(Errno) -> Int {
    let raw = self.raw
    precondition(count <= buffer.count)
    return Int(
      try retrying {
        unsafe buffer.withUnsafeMutableBytes {
          unsafe clinux_pread(raw, $0.baseAddress ?? empty, count, offset)
        }
      })
  }

  /// Reads until `buffer` is full or the file ends; gives how many bytes came.
  public borrowing func readFully(into buffer: inout [UInt8]) throws(Errno) -> Int {
    var filled = 0
    while filled < buffer.count {
      let count = try read(into: &buffer, at: filled)
      if count == 0 { break }
      filled += count
    }
    return filled
  }

  /// The whole rest of the file. Throws `.overflow` if it is longer than `limit` bytes.
  public borrowing func readAll(limit: Int) throws(Errno) -> [UInt8] {
    let size = try status().size
    if size > UInt64(limit) { throw .overflow }
    var buffer = [UInt8](repeating: 0, count: min(Int(size) + 1, limit + 1))
    var filled = 0
    while true {
      let count = try read(into: &buffer, at: filled)
      filled += count
      if count == 0 { break }
      if filled > limit { throw .overflow }
      if filled == buffer.count {  // grew while we read, or a file of /proc that says 0
        let more = min(max(filled, 4096), limit + 1 - filled)
        buffer.append(contentsOf: repeatElement(0, count: more))
      }
    }
    buffer.removeLast(buffer.count - filled)
    return buffer
  }

  /// Writes all of `bytes` at the file's position. Durable after `sync()`. write(2).
  public borrowing func write(_ bytes: Span<UInt8>) throws(Errno) {
    let raw = self.raw
    var written = 0
    while written < bytes.count {
      written += Int(
        try retrying {
          unsafe bytes.withUnsafeBufferPointer {
            unsafe clinux_write(raw, $0.baseAddress! + written, $0.count - written)
          }
        })
    }
  }

  public borrowing func write(_ bytes: [UInt8]) throws(Errno) { try write(bytes.span) }

  public borrowing func write(_ text: String) throws(Errno) { try write(Array(text.utf8)) }

  /// Writes all of `bytes` at `offset`. Durable after `sync()`. pwrite(2).
  public borrowing func write(_ bytes: Span<UInt8>, offset: Int64) throws(Errno) {
    let raw = self.raw
    var written = 0
    while written < bytes.count {
      written += Int(
        try retrying {
          unsafe bytes.withUnsafeBufferPointer {
            unsafe clinux_pwrite(
              raw, $0.baseAddress! + written, $0.count - written, offset + Int64(written))
          }
        })
    }
  }

  /// Moves the position to `offset` from the start. lseek(2).
  public borrowing func seek(to offset: Int64) throws(Errno) {
    let raw = self.raw
    _ = try retrying { clinux_lseek(raw, offset, 0) }
  }

  /// Copies all that follows in this file to `target`: shared blocks where the file system can,
  /// else inside the kernel, else through memory. ioctl_ficlone(2), copy_file_range(2).
  public borrowing func copyContents(to target: borrowing FileDescriptor) throws(Errno) {
    let (from, to) = (raw, target.raw)
    if clinux_clone(from, to) == 0 { return }
    var copied = false
    while true {
      do throws(Errno) {
        let count = try retrying { clinux_copy_file_range(from, to, 1 << 30) }
        if count == 0 { break }
        copied = true
      } catch {
        if copied || error == .noSpace || error == .inputOutput || error == .quota { throw error }
        break  // EXDEV, EINVAL, ENOSYS, EOPNOTSUPP: not between these two
      }
    }
    if copied { return }
    var buffer = [UInt8](repeating: 0, count: 64 << 10)
    while true {
      let count = try read(into: &buffer)
      if count == 0 { return }
      try target.write(buffer.span.extracting(0..<count))
    }
  }

  /// Makes what was written survive a power cut. fsync(2).
  public borrowing func sync() throws(Errno) {
    let raw = self.raw
    _ = try retrying { clinux_fsync(raw) }
  }

  /// Like `sync()`, without times and other metadata that reading does not need. fdatasync(2).
  public borrowing func syncData() throws(Errno) {
    let raw = self.raw
    _ = try retrying { clinux_fdatasync(raw) }
  }

  /// Starts writing this range to the medium without waiting: no promise. sync_file_range(2).
  public borrowing func startWriting(offset: Int64, count: Int64) {
    _ = clinux_sync_range(raw, offset, count)
  }

  /// Tells the kernel that this range will not be read again: clean pages leave the page cache.
  /// posix_fadvise(2).
  public borrowing func dropCache(offset: Int64 = 0, count: Int64 = 0) {
    _ = clinux_fadvise(raw, offset, count, Int32(CLINUX_FADV_DONTNEED))
  }

  /// Tells the kernel that the file is read from front to back. posix_fadvise(2).
  public borrowing func adviseSequential() {
    _ = clinux_fadvise(raw, 0, 0, Int32(CLINUX_FADV_SEQUENTIAL))
  }

  /// Cuts or extends the file. ftruncate(2).
  public borrowing func truncate(to size: Int64) throws(Errno) {
    let raw = self.raw
    _ = try retrying { clinux_ftruncate(raw, size) }
  }

  /// Reserves `size` bytes of room; the file's size changes unless `keepingSize`. fallocate(2).
  public borrowing func allocate(size: Int64, keepingSize: Bool = false) throws(Errno) {
    let raw = self.raw
    let mode = keepingSize ? Int32(CLINUX_FALLOC_KEEP_SIZE) : 0
    _ = try retrying { clinux_fallocate(raw, mode, 0, size) }
  }
}

/// Somewhere for a pointer to point when there is nothing to point at.
var empty: UnsafeMutableRawPointer { unsafe UnsafeMutableRawPointer(bitPattern: 16)! }
