// SPDX-License-Identifier: Apache-2.0
import Compression
import Cryptography
import Linux
import OSTree
import Transport

/// One `.filez` on its way: decoded as it comes, and into its sink.
final class ContentTransfer {
  let name: ObjectName
  private let context: PullContext
  let decoder: ContentDecoder
  private var sink: FileSink
  /// What tells the server's copy apart from a later one; without it nothing is recorded.
  private let validator: String?
  private var recordedBytes: UInt64 = 0
  /// Whether it went on where an earlier run had stopped.
  private(set) var isResumed = false

  init(
    _ name: ObjectName, _ context: PullContext, _ decoder: ContentDecoder, _ validator: String?
  ) {
    self.name = name
    self.context = context
    self.decoder = decoder
    self.validator = validator
    sink = FileSink(name.checksum, in: context.staging, storesReceived: true)
  }

  func receive(_ bytes: Span<UInt8>, from url: HTTPURL) throws(PullError) {
    try storing(url) { () throws(OSTreeError) in try sink.writeReceived(bytes) }
    try decode(bytes, from: url)
    try recordIfDue(url)
  }

  private func decode(_ bytes: Span<UInt8>, from url: HTTPURL) throws(PullError) {
    var rest = bytes
    while true {
      let step: ArchiveFileDecoder.Step
      do throws(FormatError) { step = try decoder.value.step(rest) } catch {
        throw .malformed(name, url: url.text, error)
      }
      rest = rest.extracting(step.consumed..<rest.count)
      switch step.event {
      case .inputUsed: return
      case .header: try begin(url)
      case .content:
        try storing(url) { () throws(OSTreeError) in
          try decoder.value.withContent { (piece) throws(OSTreeError) in try sink.write(piece) }
        }
      }
    }
  }

  private func begin(_ url: HTTPURL) throws(PullError) {
    guard let header = decoder.value.header else { return }
    let sizeBytes = decoder.value.sizeBytes
    try context.room.take(sizeBytes)
    try storing(url) { () throws(OSTreeError) in try sink.begin(header, sizeBytes: sizeBytes) }
  }

  /// Gives the bytes written.
  func finish(from url: HTTPURL) throws(PullError) -> UInt64 {
    do throws(FormatError) { try decoder.value.finish() } catch {
      throw .malformed(name, url: url.text, error)
    }
    try storing(url) { () throws(OSTreeError) in try sink.finish() }
    return UInt64(sink.writtenBytes)
  }

  /// Goes on where an earlier run stopped: what it wrote is read and hashed again.
  func resume(_ partial: PartialFile, from url: HTTPURL) throws(PullError) {
    try storing(url) { () throws(OSTreeError) in
      sink = try FileSink(resuming: partial, name.checksum, in: context.staging)
    }
    recordedBytes = partial.storedBytes
    isResumed = true
    guard let boundary = partial.boundary else { return try catchUp(url) }
    let window = try storing(url) { () throws(OSTreeError) in
      try sink.tail(Inflate.windowBytes)
    }
    do throws(FormatError) {
      let found = try partial.header()
      decoder.value = try ArchiveFileDecoder(
        resuming: boundary, window: window.span, header: found.header, sizeBytes: found.sizeBytes,
        headerBytes: UInt64(partial.front.count))
    } catch { throw .malformed(name, url: url.text, error) }
  }

  /// Decodes what a repo in archive mode has stored as it came.
  private func catchUp(_ url: HTTPURL) throws(PullError) {
    var buffer = [UInt8](repeating: 0, count: 64 << 10)
    var offset: Int64 = 0
    while true {
      let count = try storing(url) { () throws(OSTreeError) in
        try sink.readStored(into: &buffer, at: offset)
      }
      if count == 0 { return }
      offset += Int64(count)
      try decode(buffer.span.extracting(0..<count), from: url)
    }
  }

  /// Large files leave a record now and then of where a later run can go on.
  private func recordIfDue(_ url: HTTPURL) throws(PullError) {
    let produced = decoder.value.producedBytes
    guard let validator, produced >= recordedBytes + PartialFile.intervalBytes,
      decoder.value.sizeBytes - produced >= PartialFile.intervalBytes / 2,
      let header = decoder.value.header, let boundary = decoder.value.boundary
    else { return }
    let keepsReceived = context.staging.repo.mode == .archive
    let received = decoder.value.headerBytes + boundary.inputOffset
    let partial = PartialFile(
      url: url.text, validator: validator,
      storedBytes: keepsReceived ? UInt64(sink.writtenBytes) : boundary.outputOffset,
      receivedBytes: keepsReceived ? UInt64(sink.writtenBytes) : received,
      front: header.archiveHeader(sizeBytes: decoder.value.sizeBytes),
      boundary: keepsReceived ? nil : boundary)
    try storing(url) { () throws(OSTreeError) in try sink.record(partial) }
    recordedBytes = produced
  }

  private func storing<R>(
    _ url: HTTPURL, _ body: () throws(OSTreeError) -> R
  ) throws(PullError) -> R {
    do throws(OSTreeError) { return try body() } catch {
      throw context.failure(name, url, error)
    }
  }
}

/// A decoder with its buffers, handed from one transfer of a connection to the next.
final class ContentDecoder {
  var value: ArchiveFileDecoder
  init() throws(FormatError) { value = try ArchiveFileDecoder() }
}
