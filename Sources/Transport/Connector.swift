// SPDX-License-Identifier: Apache-2.0
internal import Linux

/// Makes a TCP connection to the first of several addresses that answers. RFC 8305.
struct Connector {
  /// How long one address has to itself before the next is tried beside it. RFC 8305 5.
  static let staggerMilliseconds: Int64 = 250

  private let addresses: [SocketAddress]
  private let port: UInt16
  private let deadline: Deadline
  private let interruption: Interruption

  private var next = 0
  private var attempts: [(socket: Socket, index: Int)] = []
  private var failure: TransportError

  init(
    _ addresses: [SocketAddress], port: UInt16, deadline: Deadline, _ interruption: Interruption
  ) {
    self.addresses = Connector.interleaved(addresses)
    self.port = port
    self.deadline = deadline
    self.interruption = interruption
    failure = deadline.error
  }

  /// The connected socket. If all fail, the error is that of the last one.
  mutating func connect() throws(TransportError) -> Socket {
    var nextStart = Clock.monotonicNanoseconds
    while true {
      if interruption.isSet { throw .interrupted }
      let now = Clock.monotonicNanoseconds
      if now >= deadline.at { throw deadline.error }
      if next < addresses.count && (attempts.isEmpty || now >= nextStart) {
        startNext()
        nextStart = Clock.monotonicNanoseconds + Connector.staggerMilliseconds * 1_000_000
      }
      if attempts.isEmpty {
        if next == addresses.count { throw failure }
        continue
      }
      var slice = min(deadline.millisecondsLeft, Interruption.sliceMilliseconds)
      if next < addresses.count {
        slice = min(slice, max(0, (nextStart - Clock.monotonicNanoseconds) / 1_000_000 + 1))
      }
      if let socket = firstConnected(milliseconds: slice) { return socket }
    }
  }

  private mutating func startNext() {
    let index = next
    next += 1
    do throws(Errno) {
      attempts.append((try Socket(connectingTo: addresses[index]), index))
    } catch {
      failure = .connect(address: text(of: index), error)
    }
  }

  /// Waits for one attempt to end. A failed one is dropped; the next address then has its turn at
  /// once if none is left.
  private mutating func firstConnected(milliseconds: Int64) -> Socket? {
    let sockets = attempts.map { $0.socket }
    guard let ready = Socket.waitForWriting(sockets, milliseconds: milliseconds) else { return nil }
    let attempt = attempts.remove(at: ready)
    do throws(Errno) {
      try attempt.socket.finishConnecting()
      return attempt.socket
    } catch {
      failure = .connect(address: text(of: attempt.index), error)
      return nil
    }
  }

  private func text(of index: Int) -> String {
    let address = addresses[index]
    return address.isIPv6 ? "[\(address.text)]:\(port)" : "\(address.text):\(port)"
  }

  /// The resolver's order, but with the two families by turns. RFC 8305 4.
  static func interleaved(_ addresses: [SocketAddress]) -> [SocketAddress] {
    guard let first = addresses.first else { return [] }
    let preferred = addresses.filter { $0.isIPv6 == first.isIPv6 }
    let others = addresses.filter { $0.isIPv6 != first.isIPv6 }
    var result: [SocketAddress] = []
    for index in 0..<max(preferred.count, others.count) {
      if index < preferred.count { result.append(preferred[index]) }
      if index < others.count { result.append(others[index]) }
    }
    return result
  }
}
