// SPDX-License-Identifier: Apache-2.0
internal import Linux

/// A connection to one origin, made anew when needed, and the requests that are on it, in the
/// order of their answers.
final class Lane {
  let client: HTTPClient
  let origin: Origin
  /// Whether the origin may see the client certificate.
  let showsIdentity: Bool

  private(set) var connection: Connection?
  private(set) var inFlight: [TransferState] = []

  init(_ client: HTTPClient, _ origin: Origin, showsIdentity: Bool) {
    self.client = client
    self.origin = origin
    self.showsIdentity = showsIdentity
    connection = client.pool.take(origin, showsIdentity: showsIdentity)
  }

  /// Whether one more request may be sent now. Ahead of an answer only after the connection has
  /// proven itself, and never through a proxy that reads along.
  var hasRoom: Bool {
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

  /// Puts a request on the way. Throws if there is no connection to be had.
  func send(_ transfer: TransferState, _ interruption: Interruption) throws(TransportError) {
    // An idle connection may have been closed by the other side, or hold what nobody asked for.
    if inFlight.isEmpty, let connection, !connection.isFresh, !connection.isQuiet { drop() }
    let connection: Connection
    if let open = self.connection {
      connection = open
    } else {
      connection = try open(for: transfer, interruption)
      self.connection = connection
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
    if inFlight.isEmpty, let connection {
      client.pool.give(connection, origin, showsIdentity: showsIdentity)
    }
    (connection, inFlight) = (nil, [])
  }
}
