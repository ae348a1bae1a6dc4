// SPDX-License-Identifier: Apache-2.0

/// Takes one body into memory: the handler behind `HTTPClient.get` and `send`.
final class WholeBody: TransferHandler {
  private var request: TransferRequest?
  private var bytes: [UInt8] = []
  private var response = ResponseInfo()
  private var result: Result<Fetched, TransportError> = .failure(.interrupted)

  init(_ request: TransferRequest) { self.request = request }

  /// What came of it.
  func take() throws(TransportError) -> Fetched {
    switch result {
    case .success(let fetched): return fetched
    case .failure(let error): throw error
    }
  }

  /// What came of it, where something was handed in.
  func takeAnswer() throws(TransportError) -> Answer {
    _ = try take()
    return Answer(status: response.status, bytes: bytes, isRepeated: response.isRepeated)
  }

  func nextRequest(mayWait: Bool) -> TransferRequest? {
    defer { request = nil }
    return request
  }

  func begin(_ request: TransferRequest, _ response: ResponseInfo) { self.response = response }

  func receive(_ request: TransferRequest, _ piece: Span<UInt8>) -> TransferVerdict {
    unsafe piece.withUnsafeBufferPointer { unsafe bytes.append(contentsOf: $0) }
    return .proceed
  }

  func restart(_ request: TransferRequest) { bytes.removeAll(keepingCapacity: true) }

  func finish(_ request: TransferRequest) {
    result = .success(
      response.isNotModified
        ? .notModified : .body(bytes, conditions: response.conditions))
  }

  func fail(_ request: TransferRequest, _ error: TransportError) { result = .failure(error) }

  var isCancelled: Bool { false }
}
