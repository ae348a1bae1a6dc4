// SPDX-License-Identifier: Apache-2.0
internal import CNghttp2
internal import Linux

/// Passes what nghttp2 reports on to the session that it is about.
/// nghttp2_session_callbacks_new(3).
enum HTTP2Callbacks {
  /// Nil if there is no memory; to be freed with nghttp2_session_callbacks_del(3).
  @unsafe static func make() -> OpaquePointer? {
    var made: OpaquePointer?
    guard unsafe nghttp2_session_callbacks_new(&made) == 0, let made = unsafe made else {
      return nil
    }
    unsafe setForHeaders(made)
    unsafe setForFrames(made)
    unsafe nghttp2_session_callbacks_set_on_data_chunk_recv_callback(made) {
      _, _, id, bytes, count, context in
      let bytes = unsafe UnsafeBufferPointer(start: bytes, count: count)
      unsafe HTTP2Callbacks.session(context)?.received(id, body: bytes.span)
      return 0
    }
    unsafe nghttp2_session_callbacks_set_on_stream_close_callback(made) { _, id, code, context in
      unsafe HTTP2Callbacks.session(context)?.closed(id, code: code)
      return 0
    }
    return unsafe made
  }

  @unsafe private static func session(_ context: UnsafeMutableRawPointer?) -> HTTP2Session? {
    guard let context = unsafe context else { return nil }
    return unsafe Unmanaged<HTTP2Session>.fromOpaque(context).takeUnretainedValue()
  }

  @unsafe private static func setForHeaders(_ callbacks: OpaquePointer) {
    unsafe nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks) { _, frame, context in
      if let frame = unsafe frame {
        unsafe HTTP2Callbacks.session(context)?.beganHeaders(frame.pointee.hd.stream_id)
      }
      return 0
    }
    unsafe nghttp2_session_callbacks_set_on_header_callback(callbacks) {
      _, frame, name, nameCount, value, valueCount, _, context in
      guard let frame = unsafe frame, let session = unsafe HTTP2Callbacks.session(context) else {
        return 0
      }
      let name = unsafe UnsafeBufferPointer(start: name, count: nameCount)
      let value = unsafe UnsafeBufferPointer(start: value, count: valueCount)
      let isFit = unsafe session.received(
        frame.pointee.hd.stream_id, name: name.span, value: value.span)
      return isFit ? 0 : NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue
    }
  }

  @unsafe private static func setForFrames(_ callbacks: OpaquePointer) {
    unsafe nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks) { _, frame, context in
      if let frame = unsafe frame, let session = unsafe HTTP2Callbacks.session(context) {
        unsafe HTTP2Callbacks.received(frame.pointee, session)
      }
      return 0
    }
    unsafe nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(callbacks) {
      _, frame, _, context in
      if let frame = unsafe frame {
        unsafe HTTP2Callbacks.session(context)?.broken(frame.pointee.hd.stream_id)
      }
      return 0
    }
    unsafe nghttp2_session_callbacks_set_on_frame_send_callback(callbacks) { _, frame, context in
      if let frame = unsafe frame, unsafe HTTP2Callbacks.isHeaders(frame.pointee.hd) {
        unsafe HTTP2Callbacks.session(context)?.sent(frame.pointee.hd.stream_id)
      }
      return 0
    }
    unsafe nghttp2_session_callbacks_set_on_frame_not_send_callback(callbacks) {
      _, frame, _, context in
      if let frame = unsafe frame, unsafe HTTP2Callbacks.isHeaders(frame.pointee.hd) {
        unsafe HTTP2Callbacks.session(context)?.refused(frame.pointee.hd.stream_id)
      }
      return 0
    }
  }

  private static func isHeaders(_ head: nghttp2_frame_hd) -> Bool {
    UInt32(head.type) == NGHTTP2_HEADERS.rawValue
  }

  @unsafe private static func received(_ frame: nghttp2_frame, _ session: HTTP2Session) {
    let head = unsafe frame.hd
    let isLast = head.flags & UInt8(NGHTTP2_FLAG_END_STREAM.rawValue) != 0
    switch UInt32(head.type) {
    case NGHTTP2_HEADERS.rawValue:
      session.endedHeaders(head.stream_id)
      if isLast { session.endedStream(head.stream_id) }
    case NGHTTP2_DATA.rawValue where isLast: session.endedStream(head.stream_id)
    case NGHTTP2_GOAWAY.rawValue:
      let goAway = unsafe frame.goaway
      unsafe session.goesAway(code: goAway.error_code, lastID: goAway.last_stream_id)
    default: break
    }
  }

  /// Gives nghttp2 the next piece of what a request hands in. nghttp2_data_source_read_callback.
  @unsafe static let readBody:
    @convention(c) (
      OpaquePointer?, Int32, UnsafeMutablePointer<UInt8>?, Int, UnsafeMutablePointer<UInt32>?,
      UnsafeMutablePointer<nghttp2_data_source>?, UnsafeMutableRawPointer?
    ) -> Int = { _, id, buffer, count, flags, _, context in
      let buffer = unsafe UnsafeMutableRawBufferPointer(start: buffer, count: count)
      guard let taken = unsafe HTTP2Callbacks.session(context)?.takeBody(id, into: buffer) else {
        return Int(NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue)
      }
      if taken.isLast { unsafe flags?.pointee |= UInt32(NGHTTP2_DATA_FLAG_EOF.rawValue) }
      return taken.0
    }
}

/// The head of a request as HTTP/2 has it. RFC 9113 8.3.1.
struct HTTP2Fields {
  /// Names and values, one behind the other, and where each of them ends.
  private var bytes: [UInt8] = []
  private var ends: [Int] = []

  init(_ head: RequestHead) {
    add(":method", head.method)
    add(":scheme", head.url.scheme)
    add(":authority", head.url.authority)
    add(":path", head.url.target)
    var fields = self
    head.forEachHeader { name, value in fields.add(name, value) }
    self = fields
  }

  /// Names are in lower case. RFC 9113 8.2.
  private mutating func add(_ name: String, _ value: String) {
    for byte in name.utf8 { bytes.append(URLCharacter.lowered(byte)) }
    ends.append(bytes.count)
    bytes.append(contentsOf: value.utf8)
    ends.append(bytes.count)
  }

  /// Lends them in nghttp2's form; it copies them.
  @unsafe func withFields<R>(_ body: (UnsafeBufferPointer<nghttp2_nv>) -> R) -> R {
    var bytes = bytes
    return unsafe bytes.withUnsafeMutableBufferPointer { buffer in
      guard let start = buffer.baseAddress else { die("a request without a head") }
      var fields: [nghttp2_nv] = unsafe []
      var first = 0
      for index in stride(from: 0, to: ends.count, by: 2) {
        let (name, value) = (ends[index], ends[index + 1])
        unsafe fields.append(
          nghttp2_nv(
            name: start + first, value: start + name, namelen: name - first,
            valuelen: value - name, flags: UInt8(NGHTTP2_NV_FLAG_NONE.rawValue)))
        first = value
      }
      return unsafe fields.withUnsafeBufferPointer { unsafe body($0) }
    }
  }
}
