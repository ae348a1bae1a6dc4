// SPDX-License-Identifier: Apache-2.0
internal import Linux

/// Runs the transfers of one handler on one thread: takes requests, keeps them in flight, reads
/// the answers in order, and sees to redirects and retries.
///
/// While a request waits for its retry no new ones are sent: an origin in trouble is left alone.
final class TransferLoop {
  private let client: HTTPClient
  private let handler: any TransferHandler
  private let interruption: Interruption
  private let policy: RetryPolicy

  /// The origin that the loop is for.
  private let home: Lane
  /// The origin that a request was last redirected to.
  private var detour: Lane?
  /// To be sent before anything new, in order.
  private var waiting: [TransferState] = []

  init(_ client: HTTPClient, _ base: HTTPURL, _ handler: any TransferHandler) {
    self.client = client
    self.handler = handler
    interruption = Interruption(handler: handler)
    policy = RetryPolicy(client.options)
    home = Lane(client, base.origin, showsIdentity: true)
  }

  func run() {
    while true {
      if interruption.isSet { break }
      let mayBeMore = sendMore()
      if !home.isIdle {
        answer(home)
      } else if let first = waiting.first {
        pause(for: first)
      } else if !mayBeMore {
        break
      }
    }
    for transfer in home.unanswered + waiting { handler.fail(transfer.request, .interrupted) }
    home.release()
    detour?.release()
  }

  // MARK: Sending

  /// Fills the connection; false if the handler has no more requests for ever.
  private func sendMore() -> Bool {
    while home.hasRoom {
      if let first = waiting.first {
        guard first.notBefore <= Clock.monotonicNanoseconds else { return true }
        if isAtHome(first) && !home.admits(first) { return true }
        start(waiting.removeFirst())
        continue
      }
      let mayWait = home.isIdle
      guard let request = handler.nextRequest(mayWait: mayWait) else { return !mayWait }
      let transfer = TransferState(
        request, totalTimeoutMilliseconds: client.options.totalTimeoutMilliseconds)
      if isAtHome(transfer) && !home.admits(transfer) {
        waiting.append(transfer)
        return true
      }
      start(transfer)
      if interruption.isSet { return true }
    }
    return true
  }

  private func isAtHome(_ transfer: TransferState) -> Bool {
    transfer.target.origin == home.origin && transfer.isAtHome
  }

  /// Sends to where it goes. On a detour it is also answered, before anything else is done.
  private func start(_ transfer: TransferState) {
    if let deadline = transfer.deadline, Clock.monotonicNanoseconds >= deadline {
      return handler.fail(transfer.request, .timedOut(url: transfer.url, .total))
    }
    let lane = isAtHome(transfer) ? home : detour(to: transfer)
    do throws(TransportError) {
      try lane.send(transfer, interruption)
    } catch {
      settleBroken(transfer, error)
      return
    }
    if lane !== home {
      while !lane.isIdle && !interruption.isSet { answer(lane) }
      for transfer in lane.unanswered { handler.fail(transfer.request, .interrupted) }
      if !lane.isIdle { detour = nil }
    }
  }

  private func detour(to transfer: TransferState) -> Lane {
    let showsIdentity = transfer.isAtHome
    if let detour, detour.origin == transfer.target.origin, detour.showsIdentity == showsIdentity {
      return detour
    }
    detour?.release()
    let lane = Lane(client, transfer.target.origin, showsIdentity: showsIdentity)
    detour = lane
    return lane
  }

  // MARK: Answers

  /// Reads the next answer on `lane` and does what it asks for.
  private func answer(_ lane: Lane) {
    if !lane.multiplexed.isEmpty {
      let exchange = StreamExchange(client, lane, interruption)
      for end in exchange.run() { settle(end) }
      return
    }
    guard let transfer = lane.inFlight.first, let connection = lane.connection else { return }
    var exchange = Exchange(client, transfer, connection, handler)
    do throws(TransportError) {
      let outcome = try exchange.run()
      _ = lane.removeFirst()
      connection.answeredCount += 1
      if connection.answeredCount == 1 { connection.saveSession() }
      if !exchange.isReusable { waiting.insert(contentsOf: lane.drop(), at: 0) }
      settle(transfer, outcome)
    } catch {
      broke(lane, connection, error)
    }
  }

  private func settle(_ end: StreamEnd) {
    let transfer = end.transfer
    switch end.result {
    case .outcome(let outcome): settle(transfer, outcome)
    case .failed(let error): settleBroken(transfer, error)
    case .postponed, .left: waiting.append(transfer)
    case .refused:
      transfer.refusalCount += 1
      if transfer.refusalCount <= HTTP2Limits.refusalsMax {
        waiting.append(transfer)
      } else {
        let closed = TransportError.closed(url: transfer.url, receivedBytes: transfer.offset)
        retry(transfer, closed, afterSeconds: nil)
      }
    }
  }

  private func settle(_ transfer: TransferState, _ outcome: Outcome) {
    switch outcome {
    case .finished: handler.finish(transfer.request)
    case .abandoned: break
    case .again:
      // A part that was shorter than what was asked for. Not without end in tiny ones.
      transfer.countFailure()
      if transfer.retryCount > policy.retriesMax + 1 {
        let closed = TransportError.closed(url: transfer.url, receivedBytes: transfer.offset)
        return handler.fail(transfer.request, closed)
      }
      waiting.insert(transfer, at: 0)
    case .retry(let error, let seconds): retry(transfer, error, afterSeconds: seconds)
    case .refused(let error): handler.fail(transfer.request, error)
    case .redirected(let location): redirect(transfer, to: location)
    }
  }

  /// RFC 9110 15.4. From https the way never leads to http, and what is handed in goes to nobody
  /// but the origin that it is for.
  private func redirect(_ transfer: TransferState, to location: String) {
    let from = transfer.url
    guard let target = transfer.target.resolving(location) else {
      return handler.fail(transfer.request, .malformed(url: from, .location))
    }
    if transfer.target.isSecure && !target.isSecure {
      return handler.fail(transfer.request, .insecureRedirect(url: from, to: target.text))
    }
    if transfer.request.submission != nil && target.origin != transfer.target.origin {
      return handler.fail(transfer.request, .foreignRedirect(url: from, to: target.text))
    }
    transfer.redirectCount += 1
    if transfer.redirectCount > client.options.redirectsMax {
      return handler.fail(transfer.request, .redirects(url: transfer.request.url.text))
    }
    transfer.target = target
    // It was answered: the one before was not taken.
    transfer.wasSent = false
    waiting.insert(transfer, at: 0)
  }

  // MARK: Failures

  /// The connection of `lane` ended while its first request was being answered.
  private func broke(_ lane: Lane, _ connection: Connection, _ error: TransportError) {
    let transfer = lane.removeFirst()
    let unanswered = lane.drop()
    waiting.insert(contentsOf: unanswered, at: 0)
    let wasShared = transfer.wasPipelined || !unanswered.isEmpty

    switch error {
    case .closed:
      if wasShared { client.origins.countStrike(lane.origin) }
      // The other side may close an idle connection at any time, and just then the request came.
      if !transfer.hasAnswer && connection.answeredCount > 0 && transfer.mayRepeat {
        return waiting.insert(transfer, at: 0)
      }
    case .malformed where wasShared && client.origins.allowsPipelining(lane.origin):
      client.origins.forbidPipelining(lane.origin)
      return waiting.insert(transfer, at: 0)
    default: break
    }
    settleBroken(transfer, error)
  }

  private func settleBroken(_ transfer: TransferState, _ error: TransportError) {
    if error == .interrupted || !RetryPolicy.isTransient(error) {
      handler.fail(transfer.request, error)
    } else {
      retry(transfer, error, afterSeconds: nil)
    }
  }

  private func retry(
    _ transfer: TransferState, _ error: TransportError, afterSeconds: Int64?
  ) {
    guard transfer.mayRepeat else { return handler.fail(transfer.request, error) }
    transfer.countFailure()
    let jitter = Process.randomBytes(1)[0]
    guard
      let delay = policy.delay(
        retry: transfer.retryCount, retryAfterSeconds: afterSeconds, jitter: jitter)
    else { return handler.fail(transfer.request, error) }
    transfer.notBefore = Clock.monotonicNanoseconds + delay * 1_000_000
    waiting.insert(transfer, at: 0)
  }

  /// Waits for the turn of the first that waits, or for the end of its time.
  private func pause(for transfer: TransferState) {
    let end = min(transfer.notBefore, transfer.deadline ?? .max)
    try? interruption.sleep(until: end)
    if let deadline = transfer.deadline, Clock.monotonicNanoseconds >= deadline {
      waiting.removeFirst()
      handler.fail(transfer.request, .timedOut(url: transfer.url, .total))
    }
  }
}
