// SPDX-License-Identifier: Apache-2.0
internal import Linux

/// Connections that nobody uses just now, kept open for the next transfer.
final class ConnectionPool: Sendable {
  /// Enough for the thread that fetches one small file after the other.
  private static let connectionsMax = 2
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
    var strikes: Int
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

  private func add(_ strikes: Int, _ origin: Origin) {
    entries.withLock { entries in
      if let index = entries.firstIndex(where: { $0.origin == origin }) {
        entries[index].strikes += strikes
      } else {
        if entries.count >= OriginMemory.originsMax { entries.removeFirst() }
        entries.append(Entry(origin: origin, strikes: strikes))
      }
    }
  }
}
