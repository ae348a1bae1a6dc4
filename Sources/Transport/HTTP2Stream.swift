// SPDX-License-Identifier: Apache-2.0

/// How a stream ended for its request.
enum StreamResult {
  case outcome(Outcome)
  case failed(TransportError)
  /// The server has not looked at the request: it may be sent again, whatever it asks for.
  case refused
  /// The same, since it has left after others: at once, on another connection.
  case left
  /// We gave it up, untouched, to make room: it is to be sent again.
  case postponed
}

struct StreamEnd {
  let transfer: TransferState
  let result: StreamResult
}

/// One request on a connection of HTTP/2, and what has come of its answer. RFC 9113 5.
final class HTTP2Stream {
  let id: Int32
  let transfer: TransferState
  var reader: AnswerReader

  var head: ResponseHead?
  /// Of the head that is being read, as RFC 9113 6.5.2 counts it.
  var headByteCount = 0
  var interimCount = 0
  /// Whether `head` is that of the answer, and whole.
  var hasHead = false
  /// Whether its body goes to the handler as it comes; until then it is parked.
  var isActive = false
  var parked: [UInt8] = []
  /// END_STREAM has come.
  var isComplete = false
  /// What is wrong with what came on it.
  var fault: MalformedResponse?
  /// Bytes of the submission that were handed to the session.
  var submittedCount = 0
  /// Whether anything came since the last look.
  var hasMoved = false

  init(_ id: Int32, _ transfer: TransferState, _ handler: any TransferHandler) {
    self.id = id
    self.transfer = transfer
    reader = AnswerReader(transfer, handler)
  }

  /// Takes one header of the head that is being read. RFC 9113 8.3.2.
  func add(_ name: Span<UInt8>, _ value: Span<UInt8>) throws(MalformedResponse) {
    headByteCount += name.count + value.count + 32
    guard headByteCount <= ResponseHead.byteCountMax else { throw .headTooLong }
    if hasHead { return }  // Trailers: counted and dropped.
    if name.isEqual(":status") {
      guard value.count == 3, let status = value.decimalNumber else { throw .statusLine }
      head = try ResponseHead(status: Int(status))
    } else {
      try head?.add(name, value)
    }
  }

  /// The head, or what precedes it, is whole.
  func endHead() throws(MalformedResponse) {
    if hasHead { return }
    guard let head else { throw .statusLine }
    headByteCount = 0
    if head.status >= 200 {
      hasHead = true
      return
    }
    // 101 would be another protocol, which HTTP/2 does not know. RFC 9113 8.6.
    if head.status == 101 { throw .status }
    interimCount += 1
    if interimCount > HTTP2Limits.interimResponsesMax { throw .tooManyInterimResponses }
    self.head = nil
  }

  func malformed(_ what: MalformedResponse) -> TransportError {
    .malformed(url: transfer.url, what)
  }

  var closed: TransportError { .closed(url: transfer.url, receivedBytes: transfer.offset) }
}

/// What a connection of HTTP/2 may take of our memory and of our patience.
enum HTTP2Limits {
  /// Of one pull to one origin.
  static let connectionsMax = 3
  /// Requests on their way at once.
  static let streamsMax = 128
  /// Never fewer, however a server mixes their answers.
  static let streamsMin = 8
  /// Bodies that go to the handler while they come, each with what decodes it. One more begins
  /// when it has come whole.
  static let bodiesMax = 3
  /// What one stream may send before we ask for more: what needs no setting. RFC 9113 6.9.2.
  static let streamWindow = 65_535
  /// The same for the whole connection, and for a body that goes to the handler.
  static let connectionWindow: Int32 = 1 << 20
  /// Parts of bodies that wait for the handler.
  static let parkedBytesMax = 256 << 10
  static let interimResponsesMax = 16
  /// Both tables of HPACK. RFC 7541 4.2.
  static let headerTableBytes = 4096
  /// How often a request is sent again at once when it was refused without a look.
  static let refusalsMax = 3
  /// A server that takes no more requests than some number on a connection is not sent more, if the
  /// number is at least this: else it may just have been about to leave.
  static let requestsMin = 100
}
