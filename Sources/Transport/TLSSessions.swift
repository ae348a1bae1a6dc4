// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL
internal import Linux

/// The last TLS session with each origin, so that the next handshake is short. SSL_SESSION(3).
final class TLSSessions: Sendable {
  /// Each holds the server's certificate and a ticket: some KiB.
  private static let originsMax = 8

  private struct Entry {
    let origin: Origin
    let session: Session
  }
  private let entries = Guarded<[Entry]>([])

  /// Owns one reference; sessions are counted atomically and not changed once they are complete.
  @safe private final class Session: @unchecked Sendable {
    let raw: OpaquePointer
    init(_ raw: OpaquePointer) { unsafe self.raw = raw }
    deinit { unsafe SSL_SESSION_free(raw) }
  }

  @unsafe func restore(_ origin: Origin, into ssl: OpaquePointer) {
    let known = entries.withLock { entries in
      entries.first { $0.origin == origin }?.session
    }
    if let known { unsafe SSL_set_session(ssl, known.raw) }
  }

  @unsafe func save(_ origin: Origin, of ssl: OpaquePointer) {
    guard let raw = unsafe SSL_get1_session(ssl) else { return }
    let session = unsafe Session(raw)
    guard unsafe SSL_SESSION_is_resumable(raw) == 1 else { return }
    entries.withLock { entries in
      entries.removeAll { $0.origin == origin }
      if entries.count >= TLSSessions.originsMax { entries.removeFirst() }
      entries.append(Entry(origin: origin, session: session))
    }
  }
}
