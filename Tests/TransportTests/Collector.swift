// SPDX-License-Identifier: Apache-2.0
import Transport

/// What came of a transfer.
enum Fetch: Hashable {
  case body([UInt8])
  case failed(TransportError)
}

/// Fetches a list of requests and remembers all that it is told.
final class Collector: TransferHandler {
  var requests: [TransferRequest]
  var bodies: [UInt64: [UInt8]] = [:]
  var results: [UInt64: Fetch] = [:]
  var infos: [UInt64: ResponseInfo] = [:]
  var restarts = 0
  var begins = 0
  var largestPiece = 0
  var finishOrder: [UInt64] = []
  /// Abandons the transfers with these tags at their first piece.
  var abandons: Set<UInt64> = []
  var cancelsAfterPieces = Int.max
  var pieces = 0
  /// Bodies that had begun and not ended.
  var bodiesAtOnceMax = 0
  private var openBodies: Set<UInt64> = []

  init(_ requests: [TransferRequest]) { self.requests = requests.reversed() }

  func nextRequest(mayWait: Bool) -> TransferRequest? { requests.popLast() }
  func begin(_ request: TransferRequest, _ response: ResponseInfo) {
    begins += 1
    openBodies.insert(request.tag)
    bodiesAtOnceMax = max(bodiesAtOnceMax, openBodies.count)
    infos[request.tag] = response
  }
  func receive(_ request: TransferRequest, _ bytes: Span<UInt8>) -> TransferVerdict {
    pieces += 1
    largestPiece = max(largestPiece, bytes.count)
    if abandons.contains(request.tag) { return .abandon }
    for index in bytes.indices { bodies[request.tag, default: []].append(bytes[index]) }
    return .proceed
  }
  func restart(_ request: TransferRequest) {
    restarts += 1
    bodies[request.tag] = []
  }
  func finish(_ request: TransferRequest) {
    finishOrder.append(request.tag)
    openBodies.remove(request.tag)
    results[request.tag] = .body(bodies[request.tag] ?? [])
  }
  func fail(_ request: TransferRequest, _ error: TransportError) {
    results[request.tag] = .failed(error)
  }
  var isCancelled: Bool { pieces >= cancelsAfterPieces }
}

extension HTTPClient {
  /// Fetches one URL as a transfer.
  func fetch(
    _ url: HTTPURL, limit: UInt64 = 1 << 30, startOffset: UInt64 = 0, ifRange: String? = nil
  ) -> Collector {
    let request = TransferRequest(
      url, limitBytes: limit, startOffset: startOffset, ifRange: ifRange)
    let collector = Collector([request])
    run(url, collector)
    return collector
  }
}
