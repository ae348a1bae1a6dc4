// SPDX-License-Identifier: Apache-2.0
internal import CNghttp2
internal import Linux

/// One connection of HTTP/2 without its socket: bytes in, bytes out. RFC 9113, by nghttp2.
///
/// Bodies go to their handlers as they come, but only few at once: what comes on other streams is
/// parked, in the bounds of the windows, until it is their turn or they are complete.
@safe final class HTTP2Session {
  private let raw: OpaquePointer
  private var streams: [Int32: HTTP2Stream] = [:]
  private var ended: [StreamEnd] = []
  private var activeCount = 0
  /// Streams with parked bytes, in the order of these.
  private var parkedStreams: [Int32] = []
  private var parkedByteCount = 0
  /// How many requests we dare to have on their way.
  private var ownLimit = HTTP2Limits.streamsMax

  /// What has come that brought an answer forward: neither frames nor their padding.
  private(set) var usefulByteCount: UInt64 = 0
  private(set) var isGoingAway = false
  /// The server wants the requests by HTTP/1.1, or fewer than we have.
  private(set) var wantsHTTP1 = false
  private var highestCompleteID: Int32 = 0
  private var highestCompleteIDBefore: Int32 = 0

  init() {
    unsafe raw = HTTP2Session.makeRaw()
    unsafe nghttp2_session_set_user_data(raw, Unmanaged.passUnretained(self).toOpaque())
    var settings = [nghttp2_settings_entry](
      repeating: nghttp2_settings_entry(
        settings_id: Int32(NGHTTP2_SETTINGS_ENABLE_PUSH.rawValue), value: 0), count: 2)
    settings[1].settings_id = Int32(NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE.rawValue)
    settings[1].value = UInt32(ResponseHead.byteCountMax)
    _ = unsafe nghttp2_submit_settings(raw, 0, settings, settings.count)
    _ = unsafe nghttp2_session_set_local_window_size(raw, 0, 0, HTTP2Limits.connectionWindow)
  }

  deinit { unsafe nghttp2_session_del(raw) }

  @unsafe private static func makeRaw() -> OpaquePointer {
    var option: OpaquePointer?
    var session: OpaquePointer?
    guard let callbacks = unsafe HTTP2Callbacks.make(), unsafe nghttp2_option_new(&option) == 0
    else { die("libnghttp2 has no memory for a connection") }
    // What was received is credited when it has been used. nghttp2_session_consume(3).
    unsafe nghttp2_option_set_no_auto_window_update(option, 1)
    unsafe nghttp2_option_set_max_deflate_dynamic_table_size(option, HTTP2Limits.headerTableBytes)
    let result = unsafe nghttp2_session_client_new2(&session, callbacks, nil, option)
    unsafe nghttp2_option_del(option)
    unsafe nghttp2_session_callbacks_del(callbacks)
    guard result == 0, let session = unsafe session else {
      die("libnghttp2 has no memory for a connection")
    }
    return unsafe session
  }

  // MARK: Requests

  var isIdle: Bool { streams.isEmpty && ended.isEmpty }
  var transfers: [TransferState] {
    streams.keys.sorted().compactMap { streams[$0]?.transfer }
  }

  /// Whether new requests may be sent on this connection at all.
  var takesRequests: Bool {
    let isAllowed = unsafe nghttp2_session_check_request_allowed(raw) != 0
    return isAllowed && !isGoingAway && !wantsHTTP1
  }

  /// Requests that may be on their way now. RFC 9113 5.1.2.
  var streamLimit: Int {
    let theirs = unsafe nghttp2_session_get_remote_settings(
      raw, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS)
    return min(ownLimit, Int(clamping: theirs))
  }

  var hasRoom: Bool { streams.count < streamLimit }

  /// Puts a request on its way; false if the connection takes no more.
  func submit(
    _ head: RequestHead, _ transfer: TransferState, _ handler: any TransferHandler
  ) -> Bool {
    let fields = HTTP2Fields(head)
    let hasBody = transfer.request.submission != nil
    let id = unsafe fields.withFields { fields in
      guard hasBody else {
        return unsafe nghttp2_submit_request(
          raw, nil, fields.baseAddress, fields.count, nil, nil)
      }
      var body = unsafe nghttp2_data_provider()
      unsafe body.read_callback = HTTP2Callbacks.readBody
      return unsafe nghttp2_submit_request(
        raw, nil, fields.baseAddress, fields.count, &body, nil)
    }
    guard id > 0 else {
      isGoingAway = true
      return false
    }
    streams[id] = HTTP2Stream(id, transfer, handler)
    return true
  }

  /// Gives up on every stream: the connection has ended.
  func endAll() -> [TransferState] {
    defer { streams = [:] }
    return transfers
  }

  /// Ends the streams whose time is up.
  func endOverdue(_ now: Int64) {
    for stream in Array(streams.values) where stream.transfer.deadline ?? .max <= now {
      cancel(stream, .failed(.timedOut(url: stream.transfer.url, .total)))
    }
  }

  var nextDeadline: Int64? { streams.values.compactMap { $0.transfer.deadline }.min() }

  /// Ends the streams on which nothing came since the last call, though the answers to later
  /// requests were complete before it. Called once in the time that may pass without anything.
  func endStalled() {
    for stream in Array(streams.values) {
      let isOvertaken = stream.id < highestCompleteIDBefore
      if isOvertaken && !stream.hasMoved && stream.parked.isEmpty {
        cancel(stream, .failed(.tooSlow(url: stream.transfer.url)))
      }
      stream.hasMoved = false
    }
    highestCompleteIDBefore = highestCompleteID
  }

  var hasEnded: Bool { !ended.isEmpty }

  func takeEnded() -> [StreamEnd] {
    defer { ended = [] }
    return ended
  }

  // MARK: Bytes

  /// Whether nothing more can come of this connection: it said so, or broke the rules.
  var isOver: Bool { unsafe nghttp2_session_want_read(raw) == 0 }

  /// Appends what is to be sent, about `limit` bytes of it.
  func appendOutgoing(to bytes: inout [UInt8], limit: Int) {
    let start = bytes.count
    while bytes.count - start < limit {
      var piece: UnsafePointer<UInt8>?
      let count = unsafe nghttp2_session_mem_send(raw, &piece)
      guard count > 0, let piece = unsafe piece else { return }
      unsafe bytes.append(contentsOf: UnsafeBufferPointer(start: piece, count: count))
    }
  }

  /// Takes what was received. Throws if nothing can be made of it, which ends the connection.
  func receive(_ bytes: Span<UInt8>) throws(MalformedResponse) {
    let count = unsafe bytes.withUnsafeBufferPointer {
      unsafe nghttp2_session_mem_recv(raw, $0.baseAddress, $0.count)
    }
    if count < 0 { throw .frame }
    startParked()
    if parkedByteCount > HTTP2Limits.parkedBytesMax { postpone() }
  }

  private func consume(_ id: Int32, _ count: Int) {
    _ = unsafe nghttp2_session_consume(raw, id, count)
  }

  // MARK: The ends of streams

  private func cancel(_ stream: HTTP2Stream, _ result: StreamResult) {
    let code = UInt32(NGHTTP2_CANCEL.rawValue)
    _ = unsafe nghttp2_submit_rst_stream(raw, 0, stream.id, code)
    end(stream, result)
  }

  private func end(_ stream: HTTP2Stream, _ result: StreamResult) {
    guard streams.removeValue(forKey: stream.id) != nil else { return }
    if stream.isActive { activeCount -= 1 }
    unpark(stream, stream.parked.count)
    ended.append(StreamEnd(transfer: stream.transfer, result: result))
  }

  /// `count` parked bytes have been used, or are not wanted.
  private func unpark(_ stream: HTTP2Stream, _ count: Int) {
    guard count > 0 else { return }
    parkedByteCount -= count
    parkedStreams.removeAll { $0 == stream.id }
    stream.parked = []
    consume(stream.id, count)
  }

  // MARK: Bodies

  /// Judges the head; the body, if it is wanted, goes to the handler from now on.
  private func start(_ stream: HTTP2Stream) {
    guard let head = stream.head else { return }
    do throws(TransportError) {
      let hasNone = head.status == 204 || head.status == 205 || head.status == 304
      switch try stream.reader.begin(head, length: hasNone ? 0 : head.contentLength) {
      case .body:
        stream.isActive = true
        activeCount += 1
        let isLong = head.contentLength ?? .max > UInt64(HTTP2Limits.streamWindow)
        if isLong && !stream.isComplete {
          _ = unsafe nghttp2_session_set_local_window_size(
            raw, 0, stream.id, HTTP2Limits.connectionWindow)
        }
      case .ended(let outcome, _): settle(stream, .outcome(outcome))
      }
    } catch { settle(stream, .failed(error)) }
  }

  private func settle(_ stream: HTTP2Stream, _ result: StreamResult) {
    if stream.isComplete { end(stream, result) } else { cancel(stream, result) }
  }

  private func deliver(_ stream: HTTP2Stream, _ bytes: Span<UInt8>) {
    do throws(TransportError) {
      if case .ended(let outcome, _) = try stream.reader.receive(bytes) {
        settle(stream, .outcome(outcome))
      }
    } catch { settle(stream, .failed(error)) }
  }

  /// Begins a body that was parked, with what is there of it.
  private func startAndDeliver(_ stream: HTTP2Stream) {
    start(stream)
    guard stream.isActive else { return }
    let parked = stream.parked
    var first = 0
    while first < parked.count && streams[stream.id] != nil {
      let next = min(parked.count, first + Connection.bufferByteCount)
      deliver(stream, parked.span.extracting(first..<next))
      first = next
    }
    unpark(stream, stream.parked.count)
  }

  private func startParked() {
    while activeCount < HTTP2Limits.bodiesMax, let id = parkedStreams.first {
      guard let stream = streams[id] else {
        parkedStreams.removeFirst()
        continue
      }
      startAndDeliver(stream)
    }
  }

  /// A server that mixes more bodies than we can hold: the last ones come later, and from now on
  /// we ask for fewer at once.
  private func postpone() {
    ownLimit = max(HTTP2Limits.streamsMin, streams.count / 2)
    while parkedByteCount > HTTP2Limits.parkedBytesMax / 2, let id = parkedStreams.last {
      guard let stream = streams[id] else { return }
      cancel(stream, .postponed)
    }
  }

  private func complete(_ stream: HTTP2Stream) {
    guard stream.hasHead else { return cancel(stream, .failed(stream.malformed(.statusLine))) }
    stream.isComplete = true
    highestCompleteID = max(highestCompleteID, stream.id)
    if !stream.isActive { startAndDeliver(stream) }
    guard streams[stream.id] != nil else { return }
    do throws(TransportError) {
      end(stream, .outcome(try stream.reader.finish()))
    } catch { end(stream, .failed(error)) }
  }
}

// What nghttp2 reports, in the course of `receive` and `appendOutgoing`.
extension HTTP2Session {
  func beganHeaders(_ id: Int32) {
    guard let stream = streams[id] else { return }
    stream.transfer.hasAnswer = true
    stream.hasMoved = true
  }

  /// False: the stream is to be reset.
  func received(_ id: Int32, name: Span<UInt8>, value: Span<UInt8>) -> Bool {
    guard let stream = streams[id] else { return true }
    usefulByteCount += UInt64(name.count + value.count)
    do throws(MalformedResponse) { try stream.add(name, value) } catch {
      stream.fault = error
      return false
    }
    return true
  }

  func endedHeaders(_ id: Int32) {
    guard let stream = streams[id] else { return }
    do throws(MalformedResponse) { try stream.endHead() } catch {
      cancel(stream, .failed(stream.malformed(error)))
    }
  }

  func received(_ id: Int32, body bytes: Span<UInt8>) {
    guard let stream = streams[id] else { return consume(id, bytes.count) }
    usefulByteCount += UInt64(bytes.count)
    stream.hasMoved = true
    if !stream.isActive && stream.parked.isEmpty && activeCount < HTTP2Limits.bodiesMax {
      start(stream)
      guard streams[id] != nil else { return consume(id, bytes.count) }
    }
    if stream.isActive {
      deliver(stream, bytes)
      return consume(id, bytes.count)
    }
    if stream.parked.isEmpty { parkedStreams.append(id) }
    unsafe bytes.withUnsafeBufferPointer { unsafe stream.parked.append(contentsOf: $0) }
    parkedByteCount += bytes.count
  }

  func endedStream(_ id: Int32) {
    if let stream = streams[id] { complete(stream) }
  }

  func sent(_ id: Int32) { streams[id]?.transfer.wasSent = true }

  /// The request could not be sent any more: the server is leaving.
  func refused(_ id: Int32) { closed(id, code: UInt32(NGHTTP2_REFUSED_STREAM.rawValue)) }

  func broken(_ id: Int32) { streams[id]?.fault = .frame }

  func goesAway(code: UInt32) {
    isGoingAway = true
    noticeWish(code)
  }

  /// RFC 9113 7.
  private func noticeWish(_ code: UInt32) {
    switch code {
    case UInt32(NGHTTP2_ENHANCE_YOUR_CALM.rawValue), UInt32(NGHTTP2_HTTP_1_1_REQUIRED.rawValue),
      UInt32(NGHTTP2_INADEQUATE_SECURITY.rawValue):
      wantsHTTP1 = true
    default: break
    }
  }

  /// The stream is closed, before its answer was complete if it still is in the table.
  func closed(_ id: Int32, code: UInt32) {
    guard let stream = streams[id] else { return }
    noticeWish(code)
    if let fault = stream.fault { return end(stream, .failed(stream.malformed(fault))) }
    switch code {
    case UInt32(NGHTTP2_REFUSED_STREAM.rawValue), UInt32(NGHTTP2_HTTP_1_1_REQUIRED.rawValue):
      stream.transfer.wasSent = false
      end(stream, .refused)
    default: end(stream, .failed(stream.closed))
    }
  }

  /// Copies from what a stream hands in. Nil: there is no such stream any more.
  func takeBody(_ id: Int32, into buffer: UnsafeMutableRawBufferPointer) -> (Int, isLast: Bool)? {
    guard let stream = streams[id], let bytes = stream.transfer.request.submission?.bytes else {
      return nil
    }
    let count = min(buffer.count, bytes.count - stream.submittedCount)
    unsafe bytes.withUnsafeBytes {
      unsafe buffer.copyMemory(
        from: UnsafeRawBufferPointer(
          rebasing: $0[stream.submittedCount..<stream.submittedCount + count]))
    }
    stream.submittedCount += count
    return (count, stream.submittedCount == bytes.count)
  }
}
