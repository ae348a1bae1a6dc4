// SPDX-License-Identifier: Apache-2.0
internal import Linux

/// A connection to one origin, made anew when needed, and the requests that are on it: on HTTP/1.1
/// in the order of their answers, on HTTP/2 in no order.
final class Lane {
  let client: HTTPClient
  let origin: Origin
  /// Whether the origin may see the client certificate.
  let showsIdentity: Bool

  private(set) var connection: Connection?
  /// On HTTP/1.1.
  private(set) var inFlight: [TransferState] = []
  /// Connections of HTTP/2 that take no more requests and have some on their way.
  private var leaving: [Connection] = []
  /// No more than these: a server that leaves after each request gains nothing.
  private static let leavingMax = 2

  init(_ client: HTTPClient, _ origin: Origin, showsIdentity: Bool) {
    self.client = client
    self.origin = origin
    self.showsIdentity = showsIdentity
    connection = client.pool.take(origin, showsIdentity: showsIdentity)
  }

  /// Whether one more request may be sent now. Ahead of an answer only after the connection has
  /// proven itself, and never through a proxy that reads along.
  var hasRoom: Bool {
    if leaving.count > Lane.leavingMax { return false }
    if let session = connection?.session { return session.hasRoom || !session.takesRequests }
    if inFlight.isEmpty { return true }
    guard let connection, connection.answeredCount > 0, connection.plainProxy == nil,
      inFlight.count < client.options.pipelineDepth, client.origins.allowsPipelining(origin)
    else { return false }
    return inFlight.allSatisfy { $0.request.allowsPipelining }
  }

  /// Whether `transfer` may join those in flight.
  func admits(_ transfer: TransferState) -> Bool {
    inFlight.isEmpty || transfer.request.allowsPipelining
  }

  /// Whether no request is on its way.
  var isIdle: Bool { inFlight.isEmpty && leaving.isEmpty && connection?.session?.isIdle ?? true }

  /// All that is on its way.
  var unanswered: [TransferState] {
    inFlight + multiplexed.flatMap { $0.session?.transfers ?? [] }
  }

  /// The connections of HTTP/2.
  var multiplexed: [Connection] {
    guard let connection, connection.session != nil else { return leaving }
    return leaving + [connection]
  }

  /// Puts a request on the way. Throws if there is no connection to be had.
  func send(_ transfer: TransferState, _ interruption: Interruption) throws(TransportError) {
    // An idle connection may have been closed by the other side, or hold what nobody asked for.
    if isIdle, let connection, !connection.isFresh, !connection.isQuiet { drop() }
    if let connection, let session = connection.session, !session.takesRequests {
      leave(connection)
    }
    let connection: Connection
    if let open = self.connection {
      connection = open
    } else {
      connection = try open(for: transfer, interruption)
      self.connection = connection
    }
    if let session = connection.session {
      transfer.prepareToSend(alongside: 0)
      connection.isFresh = false
      let isTaken = session.submit(head(of: transfer, connection), transfer, interruption.handler)
      if !isTaken { throw .closed(url: transfer.url, receivedBytes: transfer.offset) }
      return
    }
    transfer.prepareToSend(alongside: inFlight.count)
    for other in inFlight { other.wasPipelined = true }
    connection.queue {
      head(of: transfer, connection).append(to: &$0)
      if let submission = transfer.request.submission {
        $0.append(contentsOf: submission.bytes)
      }
    }
    inFlight.append(transfer)
  }

  private func open(
    for transfer: TransferState, _ interruption: Interruption
  ) throws(TransportError) -> Connection {
    let patience = client.options.connectTimeoutMilliseconds * 1_000_000
    let end = Clock.monotonicNanoseconds + patience
    let total = transfer.deadline ?? .max
    let opening = Opening(
      client: client, origin: origin, url: transfer.url, showsIdentity: showsIdentity,
      deadline: min(end, total), isTotal: total < end, interruption: interruption)
    return try opening.open()
  }

  private func head(of transfer: TransferState, _ connection: Connection) -> RequestHead {
    var head = RequestHead(transfer.target, userAgent: client.options.userAgent)
    if let proxy = connection.plainProxy {
      head.isAbsolute = true
      head.proxyCredentials = proxy.url.credentials
    }
    head.offset = transfer.offset
    head.ifRange = transfer.validator
    head.submission = transfer.request.submission
    if transfer.offset == 0 { head.conditions = transfer.request.conditions }
    if transfer.isAtHome {
      head.credentials = transfer.request.url.credentials
      head.extraHeaders = client.options.extraHeaders
    } else {
      head.credentials = transfer.target.credentials
    }
    return head
  }

  /// The first in flight was answered, one way or the other.
  func removeFirst() -> TransferState { inFlight.removeFirst() }

  /// Ends the connection; gives the requests that it leaves unanswered.
  @discardableResult
  func drop() -> [TransferState] {
    connection?.saveSession()
    connection = nil
    defer { inFlight = [] }
    return inFlight
  }

  /// Leaves the connection to whoever needs one next.
  func release() {
    if isIdle, let connection {
      if let session = connection.session {
        client.origins.learn(origin, streamsMax: session.ownLimit)
      }
      client.pool.give(connection, origin, showsIdentity: showsIdentity)
    }
    (connection, inFlight, leaving) = (nil, [], [])
  }

  // MARK: HTTP/2

  /// No more requests on this connection; what is on its way is still answered.
  private func leave(_ connection: Connection) {
    if connection.session?.wantsHTTP1 == true { client.origins.forbidHTTP2(origin) }
    if let session = connection.session {
      client.origins.learn(origin, streamsMax: session.ownLimit)
    }
    if let taken = connection.session?.takenCount {
      client.origins.learn(origin, requestsMax: taken)
    }
    connection.saveSession()
    if connection.session?.isIdle == false { leaving.append(connection) }
    self.connection = nil
  }

  /// The connection has ended, or is not needed any more.
  func forget(_ connection: Connection) {
    connection.saveSession()
    leaving.removeAll { $0 === connection }
    if self.connection === connection { self.connection = nil }
  }

  /// Forgets the connections that were left and have nothing on their way.
  func forgetLeft() {
    leaving.removeAll { $0.session?.isIdle ?? true }
  }
}
