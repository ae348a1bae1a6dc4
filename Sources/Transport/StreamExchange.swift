// SPDX-License-Identifier: Apache-2.0
internal import Linux

/// Moves what can be moved on the HTTP/2 connections of a lane, until an answer is complete.
struct StreamExchange {
  /// Pieces that are received before others have their turn.
  private static let roundsMax = 64

  private let client: HTTPClient
  private let lane: Lane
  private let interruption: Interruption

  init(_ client: HTTPClient, _ lane: Lane, _ interruption: Interruption) {
    self.client = client
    self.lane = lane
    self.interruption = interruption
  }

  /// Why a connection is of no more use.
  private enum Break: Error {
    case closed, tooSlow, interrupted
    case malformed(MalformedResponse)
    case handshake(HandshakeFailure)

    func error(_ transfer: TransferState) -> TransportError {
      switch self {
      case .closed: .closed(url: transfer.url, receivedBytes: transfer.offset)
      case .tooSlow: .tooSlow(url: transfer.url)
      case .interrupted: .interrupted
      case .malformed(let what): .malformed(url: transfer.url, what)
      case .handshake(let failure): .handshake(url: transfer.url, failure)
      }
    }
  }

  /// What has ended; nothing if a while has passed without an end, so that the caller can look for
  /// more to send.
  func run() -> [StreamEnd] {
    var ended: [StreamEnd] = []
    var waits: [(socket: Socket, readiness: Socket.Readiness)] = []
    for connection in lane.multiplexed {
      guard let session = connection.session else { continue }
      do throws(Break) {
        waits.append((connection.socket, try move(connection, session)))
        ended += take(connection, session)
      } catch {
        ended += take(connection, session) + ends(of: connection, session, error)
      }
    }
    lane.forgetLeft()
    if ended.isEmpty && !lane.isIdle { ended = wait(waits) }
    return ended
  }

  private func take(_ connection: Connection, _ session: HTTP2Session) -> [StreamEnd] {
    let ended = session.takeEnded()
    for end in ended {
      guard case .outcome = end.result else { continue }
      if connection.answeredCount == 0 {
        connection.saveSession()
        client.origins.learn(lane.origin, .http2(streams: session.streamLimit))
      }
      connection.answeredCount += 1
    }
    return ended
  }

  // MARK: Bytes

  /// Sends and receives until there is nothing to be had or an answer is complete.
  private func move(
    _ connection: Connection, _ session: HTTP2Session
  ) throws(Break) -> Socket.Readiness {
    for _ in 0..<StreamExchange.roundsMax {
      let sending = connection.flush(session)
      if session.isOver && !session.isIdle { throw .malformed(.frame) }
      switch connection.receive() {
      case .bytes(let count):
        do throws(MalformedResponse) { try connection.takeFrames(session) } catch {
          throw .malformed(error)
        }
        if !connection.isUseful(count, session.usefulByteCount) { throw .malformed(.frame) }
        try throttle(count)
        if session.hasEnded { return connection.flush(session).union(.read) }
      case .wait(let readiness): return readiness.union(sending)
      case .closed: throw .closed
      case .failed(let failure): throw .handshake(failure)
      }
    }
    return .read
  }

  /// Pauses for as long as the common rate limit asks.
  private func throttle(_ count: Int) throws(Break) {
    guard let limiter = client.limiter else { return }
    let pause = limiter.take(count)
    if pause <= 0 { return }
    do throws(TransportError) {
      try interruption.sleep(until: Clock.monotonicNanoseconds + pause)
    } catch { throw .interrupted }
  }

  // MARK: Waiting

  private func wait(
    _ waits: [(socket: Socket, readiness: Socket.Readiness)]
  ) -> [StreamEnd] {
    let before = Clock.monotonicNanoseconds
    var slice = Interruption.sliceMilliseconds
    for connection in lane.multiplexed {
      guard let deadline = connection.session?.nextDeadline else { continue }
      slice = min(slice, max(0, (deadline - before) / 1_000_000 + 1))
    }
    Socket.wait(waits, milliseconds: slice)
    if interruption.isSet { return [] }
    let now = Clock.monotonicNanoseconds
    var ended: [StreamEnd] = []
    for connection in lane.multiplexed {
      guard let session = connection.session else { continue }
      if isTooSlow(connection, session, afterWaiting: now - before) {
        ended += ends(of: connection, session, .tooSlow)
      } else {
        session.endOverdue(now)
      }
      ended += take(connection, session)
    }
    return ended
  }

  /// Every time that the low-speed window is over, streams that others have overtaken are given up.
  private func isTooSlow(
    _ connection: Connection, _ session: HTTP2Session, afterWaiting nanoseconds: Int64
  ) -> Bool {
    var speed = connection.speed ?? SpeedGuard(client.options)
    defer { connection.speed = speed }
    speed.moved(Int(clamping: session.usefulByteCount - connection.countedBytes))
    connection.countedBytes = session.usefulByteCount
    switch speed.judge(afterWaiting: nanoseconds) {
    case .open: return false
    case .tooSlow: return true
    case .fastEnough:
      session.endStalled()
      return false
    }
  }

  // MARK: Ends

  /// What the end of a connection means for the requests that were on it.
  private func ends(
    of connection: Connection, _ session: HTTP2Session, _ why: Break
  ) -> [StreamEnd] {
    lane.forget(connection)
    client.origins.learn(lane.origin, streamsMax: session.ownLimit)
    let streams = session.endAll()
    if session.wantsHTTP1 { client.origins.forbidHTTP2(lane.origin) }
    if case .malformed = why, client.origins.allowsHTTP2(lane.origin) {
      // Whoever cannot speak it may still speak HTTP/1.1.
      client.origins.forbidHTTP2(lane.origin)
      return streams.map { StreamEnd(transfer: $0.transfer, result: .postponed) }
    }
    // As on HTTP/1.1 it is held against those that were being answered, or against the first:
    // the others go on elsewhere, at once.
    let hasActive = streams.contains { $0.isActive }
    return streams.map { stream in
      let transfer = stream.transfer
      let isConcerned = hasActive ? stream.isActive : stream === streams.first
      if case .interrupted = why {
      } else if !isConcerned && transfer.mayRepeat {
        return StreamEnd(transfer: transfer, result: .left)
      }
      return StreamEnd(transfer: transfer, result: .failed(why.error(transfer)))
    }
  }
}
