// SPDX-License-Identifier: Apache-2.0
import Cryptography
import OSTree
import Transport

/// One connection of phase 1: asks for dirtrees and dirmetas, verifies and stores them.
final class MetadataWorker: TransferHandler {
  private let context: PullContext
  private let queue: MetadataQueue
  private let base: HTTPURL
  private var transfers: [UInt64: Transfer] = [:]
  private var lastTag: UInt64 = 0

  private struct Transfer {
    let name: ObjectName
    var bytes: [UInt8] = []
  }

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
      transfers[lastTag] = Transfer(name: name)
      return TransferRequest(
        base.appending("objects/\(name.loosePath(archive: true))"), tag: lastTag,
        limitBytes: Staging.metadataLimitBytes, allowsPipelining: true)
    } catch {
      stop(error)
      return nil
    }
  }

  func begin(_ request: TransferRequest, _ response: ResponseInfo) {}

  func receive(_ request: TransferRequest, _ bytes: Span<UInt8>) -> TransferVerdict {
    context.progress.received(bytes.count)
    transfers[request.tag]?.bytes.append(copying: bytes)
    return .proceed
  }

  func restart(_ request: TransferRequest) { transfers[request.tag]?.bytes = [] }

  func finish(_ request: TransferRequest) {
    guard let transfer = transfers.removeValue(forKey: request.tag) else { return }
    do throws(OSTreeError) {
      try context.staging.storeMetadata(transfer.name, transfer.bytes)
      context.progress.stored(transfer.name, bytes: UInt64(transfer.bytes.count))
    } catch { return stop(context.failure(transfer.name, request.url, error)) }
    do throws(PullError) { try queue.done(transfer.name) } catch {
      guard case .ostree(let fault) = error else { return stop(error) }
      stop(context.failure(transfer.name, request.url, fault))
    }
  }

  func fail(_ request: TransferRequest, _ error: TransportError) {
    guard let transfer = transfers.removeValue(forKey: request.tag) else { return }
    stop(context.failure(transfer.name, request, error))
  }

  private func stop(_ error: PullError) {
    context.fail(error)
    queue.stop()
  }
}

extension [UInt8] {
  /// Adds what a span shows.
  mutating func append(copying bytes: Span<UInt8>) {
    reserveCapacity(count + bytes.count)
    for index in bytes.indices { append(bytes[index]) }
  }
}
