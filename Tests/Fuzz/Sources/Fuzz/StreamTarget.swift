// SPDX-License-Identifier: Apache-2.0
@testable import Transport

extension FuzzTarget {
  /// What a server of HTTP/2 sends, in pieces. The first byte says how many requests are on their
  /// way, the second how long the pieces are.
  static let streamTarget = FuzzTarget(name: "http2") { bytes in
    guard bytes.count > 2, let url = HTTPURL("https://localhost/a") else { return }
    let session = HTTP2Session()
    let sink = BoundedSink()
    let count = Int(bytes[0] % 8) + 1
    for tag in 0..<count {
      let transfer = TransferState(request(url, tag), totalTimeoutMilliseconds: nil)
      transfer.prepareToSend(alongside: 0)
      require(session.submit(RequestHead(url, userAgent: "fuzz"), transfer, sink), "it is taken")
    }
    var outgoing: [UInt8] = []
    session.appendOutgoing(to: &outgoing, limit: 1 << 20)
    var rest = bytes[2...]
    while !rest.isEmpty && !session.isOver {
      let piece = Array(rest.prefix(Int(bytes[1]) * 8 + 1))
      rest = rest.dropFirst(piece.count)
      do throws(MalformedResponse) { try session.receive(piece.span) } catch { break }
      outgoing.removeAll(keepingCapacity: true)
      session.appendOutgoing(to: &outgoing, limit: 1 << 20)
      require(session.parkedByteCount <= HTTP2Limits.parkedBytesMax, "little is parked")
      require(session.activeCount <= HTTP2Limits.bodiesMax, "few bodies are open")
    }
    let ended = session.takeEnded().map { $0.transfer.request.tag }
    let left = session.endAll().map { $0.transfer.request.tag }
    require((ended + left).sorted() == (0..<UInt64(count)).map { $0 }, "a request ends once")
  }

  private static func request(_ url: HTTPURL, _ tag: Int) -> TransferRequest {
    let tag64 = UInt64(tag)
    switch tag % 4 {
    case 0: return TransferRequest(url, tag: tag64, limitBytes: BoundedSink.limit)
    case 1:
      return TransferRequest(
        url, tag: tag64, limitBytes: BoundedSink.limit, startOffset: 10, ifRange: "\"a\"")
    case 2:
      let conditions = Conditions(etag: "\"a\"", lastModified: nil)
      return TransferRequest(
        url, tag: tag64, limitBytes: BoundedSink.limit, conditions: conditions)
    default:
      let body = Submission.post([1, 2, 3], contentType: "text/plain", isIdempotent: true)
      return TransferRequest(url, body, tag: tag64, limitBytes: BoundedSink.limit)
    }
  }
}

/// Takes what comes of several requests, and sees that it is no more than may.
private final class BoundedSink: TransferHandler {
  static let limit: UInt64 = 4096
  private var positions: [UInt64: UInt64] = [:]

  var isCancelled: Bool { false }
  func nextRequest(mayWait: Bool) -> TransferRequest? { nil }

  func begin(_ request: TransferRequest, _ response: ResponseInfo) {
    require(positions[request.tag] == nil, "a body begins once")
    positions[request.tag] = request.startOffset
  }

  func receive(_ request: TransferRequest, _ bytes: Span<UInt8>) -> TransferVerdict {
    guard let position = positions[request.tag] else { fatalError("a body begins first") }
    positions[request.tag] = position + UInt64(bytes.count)
    require(position + UInt64(bytes.count) <= BoundedSink.limit, "no more comes than may")
    return .proceed
  }

  func restart(_ request: TransferRequest) { positions[request.tag] = nil }
  func finish(_ request: TransferRequest) { fatalError("the loop says that, not the session") }
  func fail(_ request: TransferRequest, _ error: TransportError) {
    fatalError("the loop says that, not the session")
  }
}
