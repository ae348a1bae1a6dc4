// SPDX-License-Identifier: Apache-2.0
import Linux

/// What a part does, one step after the other. ostree: `ostree-repo-static-delta-private.h`.
enum DeltaOperation: UInt8 {
  /// A whole object from the payload.
  case openSpliceAndClose = 0x53  // S
  case open = 0x6F  // o
  case write = 0x77  // w
  case setReadSource = 0x72  // r
  case unsetReadSource = 0x52  // R
  case close = 0x63  // c
  case patch = 0x42  // B
}

/// Reads operations and their arguments, numbers of seven bits a byte.
struct DeltaOperationReader: ~Copyable {
  private var window: DeltaWindow
  private var position: UInt64 = 0

  private static let windowBytes = 4 << 10

  init(_ slice: DeltaSlice) {
    window = DeltaWindow(slice, windowBytes: DeltaOperationReader.windowBytes)
  }

  /// The next one; nil at the end. Throws `.operation` for one that is not known.
  mutating func next() throws(DeltaError) -> DeltaOperation? {
    guard let byte = try nextByte() else { return nil }
    guard let operation = DeltaOperation(rawValue: byte) else {
      throw .unusable(.operation(byte))
    }
    return operation
  }

  private mutating func nextByte() throws(DeltaError) -> UInt8? {
    if position == window.slice.count { return nil }
    do throws(Errno) {
      let place = try window.fill(at: position, count: 1)
      position += 1
      return window.bytes[place.lowerBound]
    } catch { throw .scratch(error) }
  }

  /// The next argument of `operation`. Throws `.arguments` if there is none.
  mutating func number(of operation: DeltaOperation) throws(DeltaError) -> UInt64 {
    var value: UInt64 = 0
    for group in 0..<UInt64(10) {
      guard let byte = try nextByte(), group < 9 || byte <= 1 else { break }
      value |= UInt64(byte & 0x7F) << (7 * group)
      if byte & 0x80 == 0 { return value }
    }
    throw .unusable(.arguments(operation: operation.rawValue))
  }
}
