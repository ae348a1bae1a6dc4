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

/// What follows the head of an answer.
enum AnswerStart {
  /// A body that is wanted: `receive` it, then `finish`.
  case body
  /// Nothing that is wanted. `isWorthless`: not even that the connection lives on.
  case ended(Outcome, isWorthless: Bool = false)
}

/// One answer as its request sees it, whichever protocol brings it: judges the head, hands the body
/// on within its limits, and says what it all comes to.
struct AnswerReader {
  private let transfer: TransferState
  private let handler: any TransferHandler
  /// The number of the last byte that this body holds, if it is a part.
  private var last: UInt64?

  init(_ transfer: TransferState, _ handler: any TransferHandler) {
    self.transfer = transfer
    self.handler = handler
  }

  /// Judges the head; the handler is told of a body that is wanted. `length`: of the body, if the
  /// protocol says; `endsWithConnection`: nothing tells whether it came whole. `proxy`: who answers
  /// in the place of the origin.
  mutating func begin(
    _ head: ResponseHead, length: UInt64?, endsWithConnection: Bool = false, proxy: String? = nil
  ) throws(TransportError) -> AnswerStart {
    let request = transfer.request
    if let submission = request.submission, !RetryPolicy.isTransient(status: head.status) {
      switch (head.status, submission.method) {
      case (307, _), (308, _), (301, .put), (302, .put): return try redirected(head)
      default: return try beginWhole(head, length, endsWithConnection)
      }
    }
    switch head.status {
    case 200, 203, 204, 205: return try beginWhole(head, length, endsWithConnection)
    case 206: return try beginPart(head, endsWithConnection)
    case 304 where request.conditions != nil && transfer.offset == 0: return notModified(head)
    case 416 where transfer.askedRange: return afterEnd(head)
    case 301, 302, 303, 307, 308: return try redirected(head)
    case 304: throw malformed(.status)
    default: return .ended(failure(head, proxy: proxy))
    }
  }

  private func malformed(_ what: MalformedResponse) -> TransportError {
    .malformed(url: transfer.url, what)
  }

  private func redirected(_ head: ResponseHead) throws(TransportError) -> AnswerStart {
    guard let location = head.location else { throw malformed(.location) }
    return .ended(.redirected(to: location))
  }

  private func failure(_ head: ResponseHead, proxy: String?) -> Outcome {
    let url = transfer.url
    if RetryPolicy.isTransient(status: head.status) {
      let seconds = RetryPolicy.seconds(
        retryAfter: head.retryAfter, date: head.date, now: Clock.wallSeconds)
      return .retry(.status(url: url, head.status), afterSeconds: seconds)
    }
    switch head.status {
    case 401, 403: return .refused(.unauthorised(url: url, status: head.status))
    case 404, 410: return .refused(.notFound(url: url, status: head.status))
    case 407: return .refused(.proxy(address: proxy ?? url, .credentials))
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

  /// Everything from byte 0, asked for or not. To a submission every status is such an answer, with
  /// a body that may say more; only the redirects that keep the method are followed. RFC 9110 15.4.
  private mutating func beginWhole(
    _ head: ResponseHead, _ length: UInt64?, _ endsWithConnection: Bool
  ) throws(TransportError) -> AnswerStart {
    if head.isEncoded { throw malformed(.contentEncoding) }
    if transfer.hasBegun || transfer.request.startOffset > 0 {
      handler.restart(transfer.request)
      transfer.hasBegun = false
    }
    transfer.forget()
    if transfer.request.submission == nil { transfer.validator = head.validator }
    transfer.total = length
    return beginBody(head, endsWithConnection)
  }

  /// 206: from where it broke off, if it is what was asked for. RFC 9110 14.4, 15.3.7.
  private mutating func beginPart(
    _ head: ResponseHead, _ endsWithConnection: Bool
  ) throws(TransportError) -> AnswerStart {
    if head.isEncoded { throw malformed(.contentEncoding) }
    guard transfer.askedRange else { throw malformed(.status) }
    guard let range = head.contentRange.flatMap({ ContentRange($0) }), let last = range.last,
      range.first == transfer.offset,
      transfer.total == nil || range.total == nil || range.total == transfer.total
    else { throw malformed(.contentRange) }
    let length = last - transfer.offset + 1
    if let announced = head.contentLength, announced != length { throw malformed(.contentRange) }
    if let etag = head.etag, let known = transfer.validator, known.utf8.first == 0x22,
      etag != known
    {
      // Not the content that the first part is of, whatever If-Range should have led to.
      transfer.forget()
      return .ended(.retry(malformed(.contentRange), afterSeconds: nil), isWorthless: true)
    }
    transfer.total = transfer.total ?? range.total
    transfer.validator = transfer.validator ?? head.validator
    self.last = last
    return beginBody(head, endsWithConnection)
  }

  private func beginBody(_ head: ResponseHead, _ endsWithConnection: Bool) -> AnswerStart {
    let limit = transfer.request.limitBytes
    if let total = transfer.total ?? last.map({ $0 &+ 1 }), total > limit { return tooLarge }
    if !transfer.hasBegun {
      transfer.hasBegun = true
      var info = info(head, total: transfer.total)
      info.endsWithConnection = endsWithConnection
      handler.begin(transfer.request, info)
    }
    return .body
  }

  private var tooLarge: AnswerStart {
    let error = TransportError.tooLarge(
      url: transfer.url, limitBytes: transfer.request.limitBytes)
    return .ended(.refused(error), isWorthless: true)
  }

  private func notModified(_ head: ResponseHead) -> AnswerStart {
    var info = info(head, total: nil)
    info.isNotModified = true
    handler.begin(transfer.request, info)
    return .ended(.finished)
  }

  /// 416: there is nothing at or after `offset`. If the content ends just there, that is all.
  private func afterEnd(_ head: ResponseHead) -> AnswerStart {
    let total = head.contentRange.flatMap { ContentRange($0) }?.total
    if let total, total == transfer.offset {
      if !transfer.hasBegun { handler.begin(transfer.request, info(head, total: total)) }
      return .ended(.finished)
    }
    transfer.forget()
    return .ended(.retry(.status(url: transfer.url, head.status), afterSeconds: nil))
  }

  // MARK: Bodies

  /// Hands a piece of the body on, which is not empty.
  func receive(_ bytes: Span<UInt8>) throws(TransportError) -> AnswerStart {
    let (reached, overflow) = transfer.offset.addingReportingOverflow(UInt64(bytes.count))
    if let last, reached > last &+ 1 { throw malformed(.contentRange) }
    if overflow || reached > transfer.request.limitBytes { return tooLarge }
    let verdict = handler.receive(transfer.request, bytes)
    transfer.offset = reached
    if case .abandon = verdict { return .ended(.abandoned) }
    return .body
  }

  /// The body has ended as its protocol has it.
  func finish() throws(TransportError) -> Outcome {
    guard let last else { return .finished }
    if transfer.offset <= last {
      throw .closed(url: transfer.url, receivedBytes: transfer.offset)
    }
    if let total = transfer.total, last + 1 < total { return .again }
    return .finished
  }
}
