// SPDX-License-Identifier: Apache-2.0

/// A buffer of fixed size with a window of live bytes that moves from its front to its back.
struct ByteWindow {
  /// Allocated when it is first written to.
  private(set) var bytes: [UInt8] = []
  private(set) var start = 0
  private(set) var end = 0
  private let capacity: Int

  init(capacity: Int) { self.capacity = capacity }

  var count: Int { end - start }

  /// Lends the live bytes.
  func withBytes<R, E: Error>(_ body: (Span<UInt8>) throws(E) -> R) throws(E) -> R {
    try body(bytes.span.extracting(start..<end))
  }

  /// Drops bytes at the front.
  mutating func consume(_ count: Int) {
    precondition(count <= end - start)
    start += count
    if start == end { (start, end) = (0, 0) }
  }

  /// Lends the buffer and the range that is free behind the live bytes, which are moved to the
  /// front before if they have come far to the back; a result of `.bytes` makes it longer.
  mutating func fill(_ body: (inout [UInt8], Range<Int>) -> StreamStep) -> StreamStep {
    if bytes.isEmpty { bytes = [UInt8](repeating: 0, count: capacity) }
    if start > 0 && capacity - end < capacity / 2 { moveToFront() }
    let step = body(&bytes, end..<capacity)
    if case .bytes(let count) = step { end += count }
    return step
  }

  private mutating func moveToFront() {
    let (from, count) = (start, end - start)
    unsafe bytes.withUnsafeMutableBytes { all in
      unsafe UnsafeMutableRawBufferPointer(rebasing: all[0..<count])
        .copyMemory(from: UnsafeRawBufferPointer(rebasing: all[from..<from + count]))
    }
    (start, end) = (0, count)
  }

  /// Gives the memory back.
  mutating func discard() {
    bytes = []
    (start, end) = (0, 0)
  }
}

/// Bytes to be sent, of which some have been.
struct OutgoingBytes {
  private var bytes: [UInt8] = []
  private var sent = 0

  var isEmpty: Bool { sent == bytes.count }

  mutating func append(_ write: (inout [UInt8]) -> Void) { write(&bytes) }

  func withBytes(_ body: (Span<UInt8>) -> StreamStep) -> StreamStep {
    body(bytes.span.extracting(sent..<bytes.count))
  }

  mutating func consume(_ count: Int) { sent += count }

  mutating func removeAll() {
    bytes.removeAll(keepingCapacity: true)
    sent = 0
  }

  /// Gives the memory back.
  mutating func discard() {
    bytes = []
    sent = 0
  }
}
