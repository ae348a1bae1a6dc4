// SPDX-License-Identifier: Apache-2.0
internal import Linux

/// What an answer means for its request.
enum Outcome {
  /// Complete.
  case finished
  /// The handler wants no more of it.
  case abandoned
  /// At once again, from where it now is.
  case again
  /// Later again, if retries are left.
  case retry(TransportError, afterSeconds: Int64?)
  case redirected(to: String)
  case refused(TransportError)
}

/// Reads one answer from a connection and hands its body on.
///
/// What it throws has ended the connection; after an `Outcome`, `isReusable` tells whether the
/// connection stands where the next answer begins.
struct Exchange {
  /// A body that nobody wants is read to its end up to here; a new connection is cheaper than more.
  private static let drainBytesMax: UInt64 = 64 << 10
  private static let interimResponsesMax = 16

  let client: HTTPClient
  let transfer: TransferState
  let connection: Connection
  let handler: any TransferHandler
  private var speed: SpeedGuard
  private(set) var isReusable = false

  init(
    _ client: HTTPClient, _ transfer: TransferState, _ connection: Connection,
    _ handler: any TransferHandler
  ) {
    self.client = client
    self.transfer = transfer
    self.connection = connection
    self.handler = handler
    speed = SpeedGuard(client.options)
  }

  mutating func run() throws(TransportError) -> Outcome {
    let head = try readHead()
    isReusable = head.isPersistent
    if let submission = transfer.request.submission {
      // What is answered before it was all sent leaves a rest that is no next request.
      if connection.hasOutgoing { isReusable = false }
      return try receiveAnswer(head, submission)
    }
    switch head.status {
    case 200, 203: return try receiveWhole(head)
    case 204, 205: return try receiveWhole(head)
    case 206: return try receivePart(head)
    case 304 where transfer.request.conditions != nil && transfer.offset == 0:
      return notModified(head)
    case 416 where transfer.askedRange: return afterEnd(head)
    case 301, 302, 303, 307, 308:
      guard let location = head.location else { throw malformed(.location) }
      drain(head)
      return .redirected(to: location)
    case 304: throw malformed(.status)
    default:
      drain(head)
      return failure(head)
    }
  }

  private func malformed(_ what: MalformedResponse) -> TransportError {
    .malformed(url: transfer.url, what)
  }

  private func failure(_ head: ResponseHead) -> Outcome {
    let url = transfer.url
    if RetryPolicy.isTransient(status: head.status) {
      let seconds = RetryPolicy.seconds(
        retryAfter: head.retryAfter, date: head.date, now: Clock.wallSeconds)
      return .retry(.status(url: url, head.status), afterSeconds: seconds)
    }
    switch head.status {
    case 401, 403: return .refused(.unauthorised(url: url, status: head.status))
    case 404, 410: return .refused(.notFound(url: url, status: head.status))
    case 407: return .refused(.proxy(address: connection.plainProxy?.text ?? url, .credentials))
    default: return .refused(.status(url: url, head.status))
    }
  }

  // MARK: Successful answers

  private func info(_ head: ResponseHead, total: UInt64?) -> ResponseInfo {
    var info = ResponseInfo()
    info.status = head.status
    info.isRepeated = transfer.isRepeated
    info.expectedBytes = total
    info.validator = head.validator
    info.conditions = head.conditions
    return info
  }

  /// 200: everything from byte 0, asked for or not.
  private mutating func receiveWhole(_ head: ResponseHead) throws(TransportError) -> Outcome {
    if head.isEncoded { throw malformed(.contentEncoding) }
    if transfer.hasBegun || transfer.request.startOffset > 0 {
      handler.restart(transfer.request)
      transfer.hasBegun = false
    }
    transfer.forget()
    transfer.validator = head.validator
    let framing = framing(of: head)
    if case .length(let length) = framing { transfer.total = length }
    return try receiveBody(head, framing, last: nil)
  }

  /// 206: from where it broke off, if it is what was asked for. RFC 9110 14.4, 15.3.7.
  private mutating func receivePart(_ head: ResponseHead) throws(TransportError) -> Outcome {
    if head.isEncoded { throw malformed(.contentEncoding) }
    guard transfer.askedRange else { throw malformed(.status) }
    guard let range = head.contentRange.flatMap({ ContentRange($0) }), let last = range.last,
      range.first == transfer.offset,
      transfer.total == nil || range.total == nil
        || range.total == transfer.total
    else { throw malformed(.contentRange) }
    let length = last - transfer.offset + 1
    if let announced = head.contentLength, announced != length { throw malformed(.contentRange) }
    if let etag = head.etag, let known = transfer.validator, known.utf8.first == 0x22,
      etag != known
    {
      // Not the content that the first part is of, whatever If-Range should have led to.
      isReusable = false
      transfer.forget()
      return .retry(malformed(.contentRange), afterSeconds: nil)
    }
    transfer.total = transfer.total ?? range.total
    transfer.validator = transfer.validator ?? head.validator
    return try receiveBody(head, framing(of: head), last: last)
  }

  /// To a submission every status is an answer, with a body that may say more. Only the redirects
  /// that keep the method are followed. RFC 9110 15.4.
  private mutating func receiveAnswer(
    _ head: ResponseHead, _ submission: Submission
  ) throws(TransportError) -> Outcome {
    if head.isEncoded { throw malformed(.contentEncoding) }
    if RetryPolicy.isTransient(status: head.status) {
      drain(head)
      return failure(head)
    }
    switch (head.status, submission.method) {
    case (307, _), (308, _), (301, .put), (302, .put):
      guard let location = head.location else { throw malformed(.location) }
      drain(head)
      return .redirected(to: location)
    default: break
    }
    if transfer.hasBegun {
      handler.restart(transfer.request)
      transfer.hasBegun = false
    }
    transfer.forget()
    let framing = framing(of: head)
    if case .length(let length) = framing { transfer.total = length }
    return try receiveBody(head, framing, last: nil)
  }

  private mutating func notModified(_ head: ResponseHead) -> Outcome {
    var info = info(head, total: nil)
    info.isNotModified = true
    handler.begin(transfer.request, info)
    return .finished
  }

  /// 416: there is nothing at or after `offset`. If the content ends just there, that is all.
  private mutating func afterEnd(_ head: ResponseHead) -> Outcome {
    drain(head)
    let total = head.contentRange.flatMap { ContentRange($0) }?.total
    if let total, total == transfer.offset {
      if !transfer.hasBegun { handler.begin(transfer.request, info(head, total: total)) }
      return .finished
    }
    transfer.forget()
    return .retry(.status(url: transfer.url, head.status), afterSeconds: nil)
  }

  // MARK: Bodies

  /// RFC 9112 6.3.
  private func framing(of head: ResponseHead) -> BodyFraming {
    switch head.status {
    case 204, 205, 304: .length(0)
    default:
      if head.isChunked {
        .chunked
      } else if let length = head.contentLength {
        .length(length)
      } else {
        .untilClose
      }
    }
  }

  /// `last`: the number of the last byte that this body holds, if it is a part.
  private mutating func receiveBody(
    _ head: ResponseHead, _ framing: BodyFraming, last: UInt64?
  ) throws(TransportError) -> Outcome {
    let limit = transfer.request.limitBytes
    if let total = transfer.total ?? last.map({ $0 &+ 1 }), total > limit {
      isReusable = false
      return .refused(.tooLarge(url: transfer.url, limitBytes: limit))
    }
    if !transfer.hasBegun {
      transfer.hasBegun = true
      var info = info(head, total: transfer.total)
      info.endsWithConnection = framing == .untilClose
      handler.begin(transfer.request, info)
    }
    var body = BodyReader(framing)
    if let ended = try deliver(&body, until: last.map { $0 &+ 1 }) { return ended }
    if framing == .untilClose { isReusable = false }
    guard let last else { return .finished }
    if transfer.offset <= last { throw closed() }
    if let total = transfer.total, last + 1 < total { return .again }
    return .finished
  }

  private func closed() -> TransportError {
    .closed(url: transfer.url, receivedBytes: transfer.offset)
  }

  /// Hands the body on; gives an outcome if that is not its end.
  private mutating func deliver(
    _ body: inout BodyReader, until end: UInt64?
  ) throws(TransportError) -> Outcome? {
    while !body.isFinished {
      if connection.unreadCount == 0 {
        if try fill() { continue }
        guard body.endsWithConnection else { throw closed() }
        return nil
      }
      let step = try read(&body)
      if step.data > 0 {
        let (reached, overflow) = transfer.offset.addingReportingOverflow(UInt64(step.data))
        if let end, reached > end { throw malformed(.contentRange) }
        if overflow || reached > transfer.request.limitBytes {
          isReusable = false
          let limit = transfer.request.limitBytes
          return .refused(.tooLarge(url: transfer.url, limitBytes: limit))
        }
        let verdict = connection.withUnread { bytes in
          handler.receive(
            transfer.request, bytes.extracting(step.skipped..<step.skipped + step.data))
        }
        transfer.offset = reached
        connection.consume(step.skipped + step.data)
        if case .abandon = verdict {
          drain(&body)
          return .abandoned
        }
      } else {
        connection.consume(step.skipped)
      }
    }
    return nil
  }

  private func read(_ body: inout BodyReader) throws(TransportError) -> BodyStep {
    do throws(MalformedResponse) {
      var reader = body
      defer { body = reader }
      return try connection.withUnread { (bytes) throws(MalformedResponse) in
        try reader.step(bytes)
      }
    } catch {
      throw malformed(error)
    }
  }

  /// Reads what is left of a body that nobody wants, or gives the connection up.
  private mutating func drain(_ body: inout BodyReader) {
    if let rest = body.knownRest, rest > Exchange.drainBytesMax { isReusable = false }
    var drained: UInt64 = 0
    do throws(TransportError) {
      while isReusable && !body.isFinished {
        if connection.unreadCount == 0 {
          if try !fill() { isReusable = false }
          continue
        }
        let step = try read(&body)
        connection.consume(step.skipped + step.data)
        drained += UInt64(step.skipped + step.data)
        if drained > Exchange.drainBytesMax { isReusable = false }
      }
    } catch {
      isReusable = false
    }
  }

  private mutating func drain(_ head: ResponseHead) {
    let framing = framing(of: head)
    if framing == .untilClose { isReusable = false }
    var body = BodyReader(framing)
    drain(&body)
  }

  // MARK: Bytes

  private mutating func readHead() throws(TransportError) -> ResponseHead {
    var scanner = HeadScanner()
    var interim = 0
    while true {
      if connection.unreadCount > 0 { transfer.hasAnswer = true }
      let head: ResponseHead?
      do throws(MalformedResponse) {
        head = try connection.takeHead(&scanner)
      } catch {
        throw malformed(error)
      }
      if let head {
        if head.status >= 200 { return head }
        // 101 would be another protocol, which nothing asked for. RFC 9110 15.2.
        if head.status == 101 { throw malformed(.status) }
        interim += 1
        if interim > Exchange.interimResponsesMax { throw malformed(.tooManyInterimResponses) }
        continue
      }
      if try !fill() { throw closed() }
    }
  }

  /// Sends what is to be sent and waits for more to come; false at a proper end of the connection.
  private mutating func fill() throws(TransportError) -> Bool {
    while true {
      let sending = send()
      switch connection.receive() {
      case .bytes(let count):
        speed.moved(count)
        try throttle(count)
        return true
      case .closed(let isClean):
        if isClean { return false }
        throw closed()
      case .failed(let failure): throw .handshake(url: transfer.url, failure)
      case .wait(let readiness): try wait(for: readiness.union(sending))
      }
    }
  }

  /// What goes out counts against slowness as what comes in does.
  private mutating func send() -> Socket.Readiness {
    let before = connection.sentCount
    let readiness = connection.flush()
    if connection.sentCount > before {
      transfer.wasSent = true
      speed.moved(Int(connection.sentCount - before))
    }
    return readiness
  }

  private mutating func wait(for readiness: Socket.Readiness) throws(TransportError) {
    let before = Clock.monotonicNanoseconds
    var slice = Interruption.sliceMilliseconds
    if let deadline = transfer.deadline {
      if before >= deadline { throw .timedOut(url: transfer.url, .total) }
      slice = min(slice, (deadline - before) / 1_000_000 + 1)
    }
    _ = connection.socket.wait(for: readiness, milliseconds: slice)
    if Interruption(handler: handler).isSet { throw .interrupted }
    if speed.isTooSlow(afterWaiting: Clock.monotonicNanoseconds - before) {
      throw .tooSlow(url: transfer.url)
    }
  }

  /// Pauses for as long as the common rate limit asks.
  private func throttle(_ count: Int) throws(TransportError) {
    guard let limiter = client.limiter else { return }
    let pause = limiter.take(count)
    if pause > 0 {
      try Interruption(handler: handler).sleep(until: Clock.monotonicNanoseconds + pause)
    }
  }
}
