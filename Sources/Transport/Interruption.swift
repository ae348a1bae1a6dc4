// SPDX-License-Identifier: Apache-2.0
internal import Linux

/// What may end a transfer from outside: its handler, or a signal.
struct Interruption {
  /// No wait is longer than this without asking again.
  static let sliceMilliseconds: Int64 = 500

  let handler: any TransferHandler

  var isSet: Bool { Process.isInterrupted || handler.isCancelled }

  /// Sleeps until `end` (monotonic nanoseconds); throws when interrupted.
  func sleep(until end: Int64) throws(TransportError) {
    while true {
      if isSet { throw .interrupted }
      let left = (end - Clock.monotonicNanoseconds + 999_999) / 1_000_000
      if left <= 0 { return }
      Clock.sleep(milliseconds: min(left, Interruption.sliceMilliseconds))
    }
  }
}

/// Until when something must be done, and what it is that then took too long.
struct Deadline {
  let at: Int64
  let error: TransportError

  var millisecondsLeft: Int64 { max(0, (at - Clock.monotonicNanoseconds + 999_999) / 1_000_000) }

  /// Waits until `socket` is ready; throws when the time is up, or when interrupted.
  func wait(
    for socket: Socket, _ wanted: Socket.Readiness, _ interruption: Interruption
  ) throws(TransportError) {
    while true {
      if interruption.isSet { throw .interrupted }
      let left = millisecondsLeft
      if left == 0 { throw error }
      let slice = min(left, Interruption.sliceMilliseconds)
      if !socket.wait(for: wanted, milliseconds: slice).isEmpty { return }
    }
  }
}
