// SPDX-License-Identifier: Apache-2.0
internal import CNghttp2

// Bodies, and when it is their turn.
extension HTTP2Session {
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

  func startParked() {
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
  func postpone() {
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

  func goesAway(code: UInt32, lastID: Int32) {
    isGoingAway = true
    // Ours are the odd ones.
    if code == UInt32(NGHTTP2_NO_ERROR.rawValue) && lastID > 0 && lastID < Int32.max - 1 {
      takenCount = Int(lastID / 2 + 1)
    }
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
      end(stream, takenCount != nil ? .left : .refused)
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
