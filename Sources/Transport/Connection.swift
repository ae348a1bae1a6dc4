// SPDX-License-Identifier: Apache-2.0
internal import Linux

/// What one attempt to move bytes came to; no attempt blocks.
enum StreamStep {
  case bytes(Int)
  case wait(Socket.Readiness)
  /// Clean: the other side said that this is the end (FIN, or close_notify of TLS).
  case closed(isClean: Bool)
  /// TLS ended it with a reason.
  case failed(HandshakeFailure)
}

/// A connection, plain or TLS, with its two buffers, which do not grow with what passes through.
///
/// Owned by one thread at a time: the one that runs a transfer loop, or none while it is idle in
/// the client's pool.
final class Connection: @unchecked Sendable {
  // `@unchecked`: it changes hands only through the pool, whose lock orders the two owners.

  /// Also the largest piece that a handler is given. Two heads fit in it.
  static let bufferByteCount = 32 << 10

  let socket: Socket
  private var tls: TLSStream?
  /// What is spoken on it where the server has chosen HTTP/2.
  private(set) var session: HTTP2Session?
  /// The proxy that wants absolute URLs in request lines; nil for all other connections.
  var plainProxy: ProxyAddress?

  private var incoming = ByteWindow(capacity: Connection.bufferByteCount)
  private var outgoing = OutgoingBytes()
  private var cannotSend = false

  /// Bytes that the other side, or the kernel for it, has taken.
  private(set) var sentCount: UInt64 = 0
  /// Complete responses so far.
  var answeredCount = 0
  /// For connections that carry several answers at once; else each answer has its own.
  var speed: SpeedGuard?
  /// What counted for `speed` so far.
  var countedBytes: UInt64 = 0
  /// Received in frames that are no part of an answer, since the last that was.
  private var uselessBytes = 0
  private var usefulBytes: UInt64 = 0
  private static let uselessBytesMax = 256 << 10
  /// Monotonic nanoseconds of the end of the last response.
  var idleSince: Int64 = 0
  /// Whether no request was ever sent on it.
  var isFresh = true

  init(_ socket: Socket) { self.socket = socket }

  var isSecure: Bool { tls != nil }

  /// From here on everything goes through `tls`, in the protocol that it has agreed upon.
  func secure(by tls: TLSStream, session make: () -> HTTP2Session) {
    self.tls = tls
    if tls.hasChosenHTTP2 { session = make() }
  }

  /// Keeps the TLS session for the next connection to this origin.
  func saveSession() { tls?.saveSession() }

  // MARK: Sending

  var hasOutgoing: Bool { !outgoing.isEmpty }

  /// Puts a request behind those that are not sent yet.
  func queue(_ write: (inout [UInt8]) -> Void) {
    isFresh = false
    outgoing.append(write)
  }

  /// Sends what the other side takes; gives what to wait for if that is not all.
  ///
  /// A connection that takes no more is not an error here: it may have been answered before.
  func flush() -> Socket.Readiness {
    while hasOutgoing && !cannotSend {
      switch outgoing.withBytes({ sendSome($0) }) {
      case .bytes(let count):
        outgoing.consume(count)
        sentCount += UInt64(count)
      case .wait(let readiness): return readiness
      case .closed, .failed: cannotSend = true
      }
    }
    outgoing.removeAll()
    return []
  }

  private func sendSome(_ bytes: Span<UInt8>) -> StreamStep {
    if let tls { return tls.send(bytes) }
    do throws(Errno) {
      return .bytes(try socket.send(bytes))
    } catch {
      return error == .again ? .wait(.write) : .closed(isClean: false)
    }
  }

  // MARK: Receiving

  var unreadCount: Int { incoming.count }

  /// Lends what was received and not yet consumed.
  func withUnread<R, E: Error>(_ body: (Span<UInt8>) throws(E) -> R) throws(E) -> R {
    try incoming.withBytes(body)
  }

  func consume(_ count: Int) { incoming.consume(count) }

  /// The next head, consumed, if it has come whole.
  func takeHead(_ scanner: inout HeadScanner) throws(MalformedResponse) -> ResponseHead? {
    var scan = scanner
    let found = try withUnread { (bytes) throws(MalformedResponse) -> (ResponseHead, Int)? in
      guard let end = try scan.end(in: bytes) else { return nil }
      return (try ResponseHead(bytes.extracting(0..<end)), end)
    }
    guard let (head, end) = found else {
      scanner = scan
      return nil
    }
    scanner = HeadScanner()
    consume(end)
    return head
  }

  /// Receives behind what is unread, once.
  func receive() -> StreamStep {
    let (tls, socket) = (tls, socket)
    return incoming.fill { buffer, range in
      if let tls { return tls.receive(into: &buffer, range) }
      do throws(Errno) {
        let count = try socket.receive(into: &buffer, range)
        return count == 0 ? .closed(isClean: true) : .bytes(count)
      } catch {
        return error == .again ? .wait(.read) : .closed(isClean: false)
      }
    }
  }

  /// Whether nothing has come and nothing has ended since the last response: then it may be used
  /// once more. Bytes that nobody asked for are a sign that the two sides have lost each other.
  ///
  /// On HTTP/2 the other side may say something at any time, but not that it is leaving.
  var isQuiet: Bool {
    guard unreadCount == 0, !cannotSend else { return false }
    while true {
      switch receive() {
      case .wait: return session?.takesRequests ?? true
      case .closed, .failed: return false
      case .bytes:
        guard let session else { return false }
        do throws(MalformedResponse) { try takeFrames(session) } catch { return false }
      }
    }
  }

  // MARK: HTTP/2

  /// Hands all that was received to the session.
  func takeFrames(_ session: HTTP2Session) throws(MalformedResponse) {
    try withUnread { (bytes) throws(MalformedResponse) in try session.receive(bytes) }
    consume(unreadCount)
  }

  /// Counts what was received, of which in all `useful` bytes brought an answer forward. False if
  /// the other side keeps us busy with nothing.
  func isUseful(_ received: Int, _ useful: UInt64) -> Bool {
    uselessBytes = useful == usefulBytes ? uselessBytes + received : 0
    usefulBytes = useful
    return uselessBytes <= Connection.uselessBytesMax
  }

  /// Sends what the session has to say, as far as the other side takes it.
  func flush(_ session: HTTP2Session) -> Socket.Readiness {
    while true {
      if !hasOutgoing {
        queue { session.appendOutgoing(to: &$0, limit: Connection.bufferByteCount / 2) }
      }
      guard hasOutgoing else { return [] }
      let readiness = flush()
      if !readiness.isEmpty { return readiness }
    }
  }

  /// Gives memory back while nobody uses the connection.
  func rest() {
    incoming.discard()
    outgoing.discard()
    idleSince = Clock.monotonicNanoseconds
  }
}
