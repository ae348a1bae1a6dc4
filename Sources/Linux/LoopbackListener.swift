// SPDX-License-Identifier: Apache-2.0
internal import CLinux

/// A TCP socket that takes connections from this machine alone, on 127.0.0.1. ip(7).
public struct LoopbackListener: ~Copyable {
  private let socket: FileDescriptor
  /// What the kernel chose.
  public let port: UInt16

  /// bind(2), listen(2).
  public init() throws(Errno) {
    var port: UInt16 = 0
    socket = FileDescriptor(owning: try retrying { unsafe clinux_listen_loopback(&port) })
    self.port = port
  }

  /// Waits for the next connection, whose calls wait. accept4(2).
  public borrowing func accept() throws(Errno) -> FileDescriptor {
    let raw = socket.raw
    return FileDescriptor(owning: try retrying { clinux_accept(raw) })
  }
}
