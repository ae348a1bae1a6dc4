// SPDX-License-Identifier: Apache-2.0
import Cryptography
import OSTree
import Transport

/// One connection of phase 1: asks for dirtrees and dirmetas, verifies and stores them.
final class MetadataWorker: TransferHandler {
  private let context: PullContext
  private let queue: MetadataQueue
  private let base: HTTPURL
  /// What was asked for, and that of it whose body has begun.
  private var wanted: [UInt64: ObjectName] = [:]
  private var transfers: [UInt64: MetadataTransfer] = [:]
  private var lastTag: UInt64 = 0

  init(_ context: PullContext, _ queue: MetadataQueue, _ base: HTTPURL) {
    self.context = context
    self.queue = queue
    self.base = base
  }

  var isCancelled: Bool { context.failure != nil }

  func nextRequest(mayWait: Bool) -> TransferRequest? {
    if isCancelled { return nil }
    do throws(PullError) {
      guard let name = try queue.next(mayWait: mayWait) else { return nil }
      lastTag += 1
      wanted[lastTag] = name
      return TransferRequest(
        base.appending("objects/\(name.loosePath(archive: true))"), tag: lastTag,
        limitBytes: Staging.metadataLimitBytes, allowsPipelining: true)
    } catch {
      stop(error)
      return nil
    }
  }

  func begin(_ request: TransferRequest, _ response: ResponseInfo) {
    guard let name = wanted[request.tag] else { return }
    do throws(OSTreeError) {
      transfers[request.tag] = try MetadataTransfer(name, in: context.staging)
    } catch { stop(context.failure(name, request.url, error)) }
  }

  func receive(_ request: TransferRequest, _ bytes: Span<UInt8>) -> TransferVerdict {
    context.progress.received(bytes.count)
    guard let transfer = transfers[request.tag] else { return .abandon }
    do throws(OSTreeError) {
      try transfer.sink.write(bytes)
      return .proceed
    } catch {
      stop(context.failure(transfer.sink.name, request.url, error))
      return .abandon
    }
  }

  func restart(_ request: TransferRequest) { transfers[request.tag] = nil }

  func finish(_ request: TransferRequest) {
    guard let name = wanted.removeValue(forKey: request.tag),
      let transfer = transfers.removeValue(forKey: request.tag)
    else { return }
    do throws(OSTreeError) {
      try transfer.sink.finish()
      context.progress.stored(name, bytes: transfer.sink.writtenBytes)
    } catch { return stop(context.failure(name, request.url, error)) }
    do throws(PullError) { try queue.done(name) } catch {
      guard case .ostree(let fault) = error else { return stop(error) }
      stop(context.failure(name, request.url, fault))
    }
  }

  func fail(_ request: TransferRequest, _ error: TransportError) {
    transfers[request.tag] = nil
    guard let name = wanted.removeValue(forKey: request.tag) else { return }
    stop(context.failure(name, request, error))
  }

  private func stop(_ error: PullError) {
    context.fail(error)
    queue.stop()
  }
}

/// One dirtree or dirmeta on its way: hashed and written as it comes.
private final class MetadataTransfer {
  var sink: MetadataSink

  init(_ name: ObjectName, in staging: Staging) throws(OSTreeError) {
    sink = try MetadataSink(name, in: staging)
  }
}
