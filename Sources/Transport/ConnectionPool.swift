// SPDX-License-Identifier: Apache-2.0
internal import Linux

/// Connections that nobody uses just now, kept open for the next transfer.
final class ConnectionPool: Sendable {
  /// Those of all workers of a pull, from one of its phases to the next.
  private static let connectionsMax = 16
  /// Servers give up idle connections after 60 to 75 seconds (nginx, Apache: 5).
  private static let idleNanosecondsMax: Int64 = 30_000_000_000

  private struct Entry {
    let origin: Origin
    let showsIdentity: Bool
    let connection: Connection
  }
  private let entries = Guarded<[Entry]>([])

  func take(_ origin: Origin, showsIdentity: Bool) -> Connection? {
    let oldest = Clock.monotonicNanoseconds - ConnectionPool.idleNanosecondsMax
    return entries.withLock { entries in
      entries.removeAll { $0.connection.idleSince < oldest }
      let index = entries.lastIndex { $0.origin == origin && $0.showsIdentity == showsIdentity }
      return index.map { entries.remove(at: $0).connection }
    }
  }

  /// Takes a connection on which all is answered; one that holds more than that is let go.
  func give(_ connection: Connection, _ origin: Origin, showsIdentity: Bool) {
    connection.saveSession()
    guard connection.unreadCount == 0, !connection.hasOutgoing else { return }
    if let session = connection.session, !session.isIdle || !session.takesRequests { return }
    connection.rest()
    entries.withLock { entries in
      if entries.count >= ConnectionPool.connectionsMax { entries.removeFirst() }
      entries.append(
        Entry(origin: origin, showsIdentity: showsIdentity, connection: connection))
    }
  }
}

/// What was learned of origins and holds for all connections to them.
final class OriginMemory: Sendable {
  private static let originsMax = 32
  /// So many connections lost with requests sent ahead on them, and nothing is sent ahead there
  /// any more. One may be bad luck.
  private static let strikesMax = 2

  private struct Entry {
    let origin: Origin
    var strikes = 0
    /// What the last connection has agreed upon; nil before there was one.
    var spoken: HTTPClient.SpokenProtocol?
    var requestsMax = Int.max
    var streamsMax = HTTP2Limits.streamsMax
    /// HTTP/2 was tried there and does not do.
    var refusesHTTP2 = false
  }
  private let entries = Guarded<[Entry]>([])

  func allowsPipelining(_ origin: Origin) -> Bool {
    entries.withLock { entries in
      !entries.contains { $0.origin == origin && $0.strikes >= OriginMemory.strikesMax }
    }
  }

  /// A connection with requests sent ahead ended without notice.
  func countStrike(_ origin: Origin) { add(1, origin) }

  /// Answers to requests sent ahead were not in order.
  func forbidPipelining(_ origin: Origin) { add(OriginMemory.strikesMax, origin) }

  private func add(_ strikes: Int, _ origin: Origin) { change(origin) { $0.strikes += strikes } }

  private func change(_ origin: Origin, _ body: (inout Entry) -> Void) {
    entries.withLock { entries in
      if let index = entries.firstIndex(where: { $0.origin == origin }) {
        body(&entries[index])
      } else {
        if entries.count >= OriginMemory.originsMax { entries.removeFirst() }
        var entry = Entry(origin: origin)
        body(&entry)
        entries.append(entry)
      }
    }
  }

  // MARK: HTTP/2

  func learn(_ origin: Origin, _ spoken: HTTPClient.SpokenProtocol) {
    change(origin) { $0.spoken = spoken }
  }

  func spokenProtocol(_ origin: Origin) -> HTTPClient.SpokenProtocol? {
    entries.withLock { entries in entries.first { $0.origin == origin }?.spoken }
  }

  /// What a server of HTTP/2 takes on one connection before it leaves.
  func requestsMax(_ origin: Origin) -> Int {
    entries.withLock { entries in entries.first { $0.origin == origin }?.requestsMax } ?? .max
  }

  /// How many bodies at once we can hold as this server mixes them.
  func streamsMax(_ origin: Origin) -> Int {
    entries.withLock { entries in entries.first { $0.origin == origin }?.streamsMax }
      ?? HTTP2Limits.streamsMax
  }

  func learn(_ origin: Origin, streamsMax: Int) {
    change(origin) { $0.streamsMax = min($0.streamsMax, streamsMax) }
  }

  func learn(_ origin: Origin, requestsMax: Int) {
    guard requestsMax >= HTTP2Limits.requestsMin else { return }
    change(origin) { $0.requestsMax = requestsMax }
  }

  func allowsHTTP2(_ origin: Origin) -> Bool {
    entries.withLock { entries in !entries.contains { $0.origin == origin && $0.refusesHTTP2 } }
  }

  /// The server asks for HTTP/1.1, or what it calls HTTP/2 is none.
  func forbidHTTP2(_ origin: Origin) { change(origin) { $0.refusesHTTP2 = true } }
}
