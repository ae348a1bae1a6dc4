// SPDX-License-Identifier: Apache-2.0
internal import CNghttp2
internal import Linux

/// One connection of HTTP/2 without its socket: bytes in, bytes out. RFC 9113, by nghttp2.
///
/// Bodies go to their handlers as they come, but only few at once: what comes on other streams is
/// parked, in the bounds of the windows, until it is their turn or they are complete.
@safe final class HTTP2Session {
  let raw: OpaquePointer
  var streams: [Int32: HTTP2Stream] = [:]
  var ended: [StreamEnd] = []
  var activeCount = 0
  /// Streams with parked bytes, in the order of these.
  var parkedStreams: [Int32] = []
  var parkedByteCount = 0
  /// How many requests we dare to have on their way.
  var ownLimit: Int

  /// What has come that brought an answer forward: neither frames nor their padding.
  var usefulByteCount: UInt64 = 0
  var isGoingAway = false
  /// Requests that the server has taken before it left.
  var takenCount: Int?
  /// Requests so far, and how many the server is known to take.
  private var requestCount = 0
  private let requestsMax: Int
  /// The server wants the requests by HTTP/1.1, or fewer than we have.
  var wantsHTTP1 = false
  var highestCompleteID: Int32 = 0
  private var highestCompleteIDBefore: Int32 = 0

  /// `requestsMax`: on this connection in all; `streamsMax`: at once.
  init(requestsMax: Int = .max, streamsMax: Int = HTTP2Limits.streamsMax) {
    self.requestsMax = requestsMax
    ownLimit = streamsMax
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

  static var libraryVersion: String {
    guard let info = unsafe nghttp2_version(0), let text = unsafe info.pointee.version_str else {
      return "unknown"
    }
    return unsafe String(cString: text)
  }

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
    return isAllowed && !isGoingAway && !wantsHTTP1 && requestCount < requestsMax
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
    requestCount += 1
    return true
  }

  /// Gives up on every stream: the connection has ended.
  func endAll() -> [HTTP2Stream] {
    defer { streams = [:] }
    return streams.keys.sorted().compactMap { streams[$0] }
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

  func consume(_ id: Int32, _ count: Int) {
    _ = unsafe nghttp2_session_consume(raw, id, count)
  }

  // MARK: The ends of streams

  func cancel(_ stream: HTTP2Stream, _ result: StreamResult) {
    let code = UInt32(NGHTTP2_CANCEL.rawValue)
    _ = unsafe nghttp2_submit_rst_stream(raw, 0, stream.id, code)
    end(stream, result)
  }

  func end(_ stream: HTTP2Stream, _ result: StreamResult) {
    guard streams.removeValue(forKey: stream.id) != nil else { return }
    if stream.isActive { activeCount -= 1 }
    unpark(stream, stream.parked.count)
    ended.append(StreamEnd(transfer: stream.transfer, result: result))
  }

  /// `count` parked bytes have been used, or are not wanted.
  func unpark(_ stream: HTTP2Stream, _ count: Int) {
    guard count > 0 else { return }
    parkedByteCount -= count
    parkedStreams.removeAll { $0 == stream.id }
    stream.parked = []
    consume(stream.id, count)
  }
}
