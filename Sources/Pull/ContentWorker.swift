// SPDX-License-Identifier: Apache-2.0
import Cryptography
import OSTree
import Transport

/// One connection of phase 2: what it receives it inflates, hashes and writes, in one pass.
final class ContentWorker: TransferHandler {
  private let context: PullContext
  private let queue: ContentQueue
  private let base: HTTPURL
  /// What was asked for, and those of it whose body has begun.
  private var wanted: [UInt64: Wanted] = [:]
  private var transfers: [UInt64: ContentTransfer] = [:]
  private var lastTag: UInt64 = 0
  /// Decoders that no transfer uses now. On a connection of HTTP/1.1 one is enough.
  private var idle: [ContentDecoder] = []

  private struct Wanted {
    let name: ObjectName
    /// Where an earlier run stopped.
    var partial: PartialFile?
  }

  init(_ context: PullContext, _ queue: ContentQueue, _ base: HTTPURL) {
    self.context = context
    self.queue = queue
    self.base = base
  }

  var isCancelled: Bool { context.failure != nil }

  func nextRequest(mayWait: Bool) -> TransferRequest? {
    if isCancelled { return nil }
    do throws(PullError) {
      guard let name = try queue.next() else { return nil }
      lastTag += 1
      let url = base.appending("objects/\(name.loosePath(archive: true))")
      let partial = partialFile(name, url)
      wanted[lastTag] = Wanted(name: name, partial: partial)
      return TransferRequest(
        url, tag: lastTag, limitBytes: PullLimits.contentBytesMax,
        startOffset: partial?.receivedBytes ?? 0, ifRange: partial?.validator,
        allowsPipelining: partial == nil)
    } catch {
      stop(error)
      return nil
    }
  }

  func begin(_ request: TransferRequest, _ response: ResponseInfo) {
    guard let wanted = wanted[request.tag] else { return }
    do throws(PullError) {
      let decoder = try takeDecoder(wanted.name, request)
      let transfer = ContentTransfer(wanted.name, context, decoder, response.validator)
      if let partial = wanted.partial { try transfer.resume(partial, from: request.url) }
      transfers[request.tag] = transfer
    } catch { stop(error) }
  }

  func receive(_ request: TransferRequest, _ bytes: Span<UInt8>) -> TransferVerdict {
    context.progress.received(bytes.count)
    guard let transfer = transfers[request.tag] else { return .abandon }
    do throws(PullError) {
      try transfer.receive(bytes, from: request.url)
      return .proceed
    } catch {
      failed(transfer, request, error)
      return .abandon
    }
  }

  func restart(_ request: TransferRequest) {
    _ = end(request)
    guard let name = wanted[request.tag]?.name else { return }
    context.staging.forgetPartialFile(name.checksum)
    wanted[request.tag]?.partial = nil
  }

  func finish(_ request: TransferRequest) {
    guard let transfer = end(request) else { return }
    wanted[request.tag] = nil
    do throws(PullError) {
      let written = try transfer.finish(from: request.url)
      context.progress.stored(transfer.name, bytes: written)
      queue.done(transfer.name)
    } catch { failed(transfer, request, error) }
  }

  /// What a resumed transfer has come to proves nothing about the server: the part that an earlier
  /// run wrote may have been damaged. It is fetched once more, from the front.
  private func failed(
    _ transfer: ContentTransfer, _ request: TransferRequest, _ error: PullError
  ) {
    guard transfer.isResumed, error.isAboutContent else { return stop(error) }
    _ = end(request)
    wanted[request.tag] = nil
    context.staging.forgetPartialFile(transfer.name.checksum)
    queue.fetchAgain(transfer.name)
  }

  func fail(_ request: TransferRequest, _ error: TransportError) {
    _ = end(request)
    guard let name = wanted.removeValue(forKey: request.tag)?.name else { return }
    stop(context.failure(name, request, error))
  }

  private func partialFile(_ name: ObjectName, _ url: HTTPURL) -> PartialFile? {
    guard let partial = context.staging.partialFile(name.checksum) else { return nil }
    if partial.url == url.text { return partial }
    context.staging.forgetPartialFile(name.checksum)
    return nil
  }

  private func takeDecoder(
    _ name: ObjectName, _ request: TransferRequest
  ) throws(PullError) -> ContentDecoder {
    if let decoder = idle.popLast() {
      decoder.value.reset()
      return decoder
    }
    do throws(FormatError) { return try ContentDecoder() } catch {
      throw .malformed(name, url: request.url.text, error)
    }
  }

  /// Takes the transfer out of the table; its decoder is free again.
  private func end(_ request: TransferRequest) -> ContentTransfer? {
    guard let transfer = transfers.removeValue(forKey: request.tag) else { return nil }
    idle.append(transfer.decoder)
    return transfer
  }

  private func stop(_ error: PullError) {
    context.fail(error)
    queue.stop()
  }
}
