// SPDX-License-Identifier: Apache-2.0
internal import Linux

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
  private let handler: any TransferHandler
  private var reader: AnswerReader
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
    reader = AnswerReader(transfer, handler)
    speed = SpeedGuard(client.options)
  }

  mutating func run() throws(TransportError) -> Outcome {
    let head = try readHead()
    isReusable = head.isPersistent
    // What is answered before it was all sent leaves a rest that is no next request.
    if transfer.request.submission != nil, connection.hasOutgoing { isReusable = false }
    let framing = framing(of: head)
    var length: UInt64?
    if case .length(let known) = framing { length = known }
    let start = try reader.begin(
      head, length: length, endsWithConnection: framing == .untilClose,
      proxy: connection.plainProxy?.text)
    var body = BodyReader(framing)
    if framing == .untilClose { isReusable = false }
    switch start {
    case .body:
      if let ended = try deliver(&body) { return ended }
      return try reader.finish()
    case .ended(let outcome, let isWorthless):
      if isWorthless { isReusable = false }
      drain(&body)
      return outcome
    }
  }

  private func malformed(_ what: MalformedResponse) -> TransportError {
    .malformed(url: transfer.url, what)
  }

  private func closed() -> TransportError {
    .closed(url: transfer.url, receivedBytes: transfer.offset)
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

  /// Hands the body on; gives an outcome if that is not its end.
  private mutating func deliver(_ body: inout BodyReader) throws(TransportError) -> Outcome? {
    while !body.isFinished {
      if connection.unreadCount == 0 {
        if try fill() { continue }
        guard body.endsWithConnection else { throw closed() }
        return nil
      }
      let step = try read(&body)
      if step.data > 0 {
        let reader = reader
        let next = try connection.withUnread { (bytes) throws(TransportError) in
          try reader.receive(bytes.extracting(step.skipped..<step.skipped + step.data))
        }
        if case .ended(let outcome, isWorthless: let isWorthless) = next {
          if isWorthless { isReusable = false }
          connection.consume(step.skipped + step.data)
          drain(&body)
          return outcome
        }
      }
      connection.consume(step.skipped + step.data)
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
