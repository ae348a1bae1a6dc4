// SPDX-License-Identifier: Apache-2.0
internal import CLinux

/// A TCP socket that never blocks; closed when the last reference goes. tcp(7).
///
/// Calls that cannot be done at once throw `.again`: then `wait` for it.
public final class Socket: Sendable {
  private let raw: Int32

  /// Starts connecting: `finishConnecting()` once it is writable. socket(2), connect(2).
  public init(connectingTo address: SocketAddress) throws(Errno) {
    var target = address.raw
    let raw = try retrying { unsafe clinux_tcp_socket(&target) }
    self.raw = raw
    let result = unsafe clinux_connect(raw, &target)
    if result < 0 {
      let errno = Errno.last
      // An interrupted connect goes on by itself, as one in progress does. connect(2).
      if errno != .inProgress && errno != .interrupted { throw errno }
    }
  }

  deinit { _ = clinux_close(raw) }

  /// Throws why the connection could not be made.
  public func finishConnecting() throws(Errno) {
    let failure = clinux_socket_error(raw)
    if failure != 0 { throw Errno(failure) }
  }

  /// Sends from the front of `bytes`; gives how many were taken. send(2), without SIGPIPE.
  public func send(_ bytes: Span<UInt8>) throws(Errno) -> Int {
    let raw = self.raw
    return Int(
      try retrying {
        unsafe bytes.withUnsafeBufferPointer {
          unsafe clinux_send(
            raw, $0.baseAddress ?? UnsafePointer(empty.assumingMemoryBound(to: UInt8.self)),
            $0.count)
        }
      })
  }

  /// Receives into `buffer[start..<end]`; gives how many bytes came, 0 at the end. recv(2).
  public func receive(
    into buffer: inout [UInt8], _ range: Range<Int>
  ) throws(Errno) -> Int {
    let raw = self.raw
    precondition(range.lowerBound >= 0 && range.upperBound <= buffer.count)
    return Int(
      try retrying {
        unsafe buffer.withUnsafeMutableBytes {
          unsafe clinux_receive(raw, ($0.baseAddress ?? empty) + range.lowerBound, range.count)
        }
      })
  }

  /// The same for a library's buffers.
  @unsafe public func send(_ bytes: UnsafeRawPointer, count: Int) throws(Errno) -> Int {
    let raw = self.raw
    return Int(try retrying { unsafe clinux_send(raw, bytes, count) })
  }

  @unsafe public func receive(
    into bytes: UnsafeMutableRawPointer, count: Int
  ) throws(Errno) -> Int {
    let raw = self.raw
    return Int(try retrying { unsafe clinux_receive(raw, bytes, count) })
  }

  /// What a socket can be waited for.
  public struct Readiness: OptionSet, Sendable {
    public let rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }
    public static var read: Readiness { Readiness(rawValue: 1) }
    public static var write: Readiness { Readiness(rawValue: 2) }
  }

  /// Waits until it is ready for one of `wanted`; gives for which, empty when the time was up or
  /// a signal came. poll(2).
  public func wait(for wanted: Readiness, milliseconds: Int64) -> Readiness {
    var entry = clinux_poll(fd: raw, events: wanted.rawValue)
    let limited = Int32(clamping: max(0, milliseconds))
    guard unsafe clinux_poll(&entry, 1, limited) > 0 else { return [] }
    return Readiness(rawValue: entry.events)
  }

  /// Waits until one of the sockets is ready for what is wanted of it, the time is up, or a signal
  /// came. poll(2).
  public static func wait(
    _ wanted: [(socket: Socket, readiness: Readiness)], milliseconds: Int64
  ) {
    var entries = wanted.map { clinux_poll(fd: $0.socket.raw, events: $0.readiness.rawValue) }
    let limited = Int32(clamping: max(0, milliseconds))
    unsafe entries.withUnsafeMutableBufferPointer { buffer in
      if let first = buffer.baseAddress {
        _ = unsafe clinux_poll(first, Int32(buffer.count), limited)
      }
    }
  }

  /// Waits until one of `sockets` (16 at most) can be written to; gives its index, nil when the
  /// time was up or a signal came. poll(2).
  public static func waitForWriting(_ sockets: [Socket], milliseconds: Int64) -> Int? {
    var entries = sockets.map { clinux_poll(fd: $0.raw, events: Readiness.write.rawValue) }
    let limited = Int32(clamping: max(0, milliseconds))
    let ready = unsafe entries.withUnsafeMutableBufferPointer { buffer -> Int32 in
      guard let first = buffer.baseAddress else { return 0 }
      return unsafe clinux_poll(first, Int32(buffer.count), limited)
    }
    guard ready > 0 else { return nil }
    return entries.firstIndex { $0.events != 0 }
  }
}
