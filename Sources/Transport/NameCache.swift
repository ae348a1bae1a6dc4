// SPDX-License-Identifier: Apache-2.0
internal import Linux

/// Addresses of names, kept as long as the client lives and they lead somewhere.
final class NameCache: Sendable {
  /// A client talks to a handful of hosts; a chain of hostile redirects must not fill memory.
  private static let namesMax = 32

  private struct Entry {
    let host: String
    let port: UInt16
    let addresses: [SocketAddress]
  }
  private let entries = Guarded<[Entry]>([])

  func addresses(
    of host: String, port: UInt16, deadline: Deadline, _ interruption: Interruption
  ) throws(TransportError) -> [SocketAddress] {
    let known = entries.withLock { entries in
      entries.first { $0.port == port && $0.host == host }?.addresses
    }
    if let known { return known }
    do throws(ResolverError) {
      let found = try Resolver.addresses(
        of: host, port: port, milliseconds: deadline.millisecondsLeft
      ) { interruption.isSet }
      entries.withLock { entries in
        if entries.count >= NameCache.namesMax { entries.removeFirst() }
        entries.append(Entry(host: host, port: port, addresses: found))
      }
      return found
    } catch {
      if interruption.isSet { throw .interrupted }
      switch error {
      case .unknownHost: throw .resolve(host: host, .unknownHost)
      case .temporary: throw .resolve(host: host, .temporary)
      case .timedOut: throw .resolve(host: host, .timedOut)
      }
    }
  }

  /// None of the addresses answered: ask again the next time.
  func forget(_ host: String) {
    entries.withLock { entries in entries.removeAll { $0.host == host } }
  }
}
