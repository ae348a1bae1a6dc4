// SPDX-License-Identifier: Apache-2.0
import Linux
import Transport

/// One target on its way from the server into its file.
final class TargetTransfer: TransferHandler {
  enum Outcome: Sendable {
    case complete
    case failed(UpdaterError)
    /// What an earlier run had left was damaged, and is gone.
    case resumedInVain
  }

  private let request: TargetRequest
  private let progress: TargetProgress
  /// For messages: where the content shall be.
  private let path: String
  private var part: TargetPart
  private var isAsked = false
  private var endsWithConnection = false
  private(set) var outcome: Outcome?

  init(
    _ request: TargetRequest, at place: TargetPlace, _ progress: TargetProgress
  ) throws(Errno) {
    self.request = request
    self.progress = progress
    path = place.path
    part = try TargetPart.open(request.content, at: place, from: request.url.text)
    progress.set(part.writtenBytes)
  }

  var isCancelled: Bool { false }

  /// Bytes that must still come.
  var missingBytes: UInt64 { request.content.lengthBytes - part.writtenBytes }

  func nextRequest(mayWait: Bool) -> TransferRequest? {
    if isAsked { return nil }
    isAsked = true
    return TransferRequest(
      request.url, limitBytes: request.content.lengthBytes, startOffset: part.writtenBytes,
      ifRange: part.validator)
  }

  func begin(_ request: TransferRequest, _ response: ResponseInfo) {
    endsWithConnection = response.endsWithConnection
    part.begin(validator: response.validator)
    if let expected = response.expectedBytes, expected != self.request.content.lengthBytes {
      failWrongLength(expected)
    }
  }

  func receive(_ request: TransferRequest, _ bytes: Span<UInt8>) -> TransferVerdict {
    if outcome != nil { return .abandon }
    do throws(Errno) {
      try part.write(bytes)
      progress.set(part.writtenBytes)
      return .proceed
    } catch {
      fail(error)
      return .abandon
    }
  }

  func restart(_ request: TransferRequest) {
    do throws(Errno) { try part.restart() } catch { fail(error) }
    progress.set(0)
  }

  func finish(_ request: TransferRequest) {
    if outcome != nil { return }
    if missingBytes == 0 { return complete() }
    if endsWithConnection {
      // Nothing tells whether that was all.
      return fail(
        request, .closed(url: self.request.url.text, receivedBytes: part.writtenBytes))
    }
    failWrongLength(part.writtenBytes)
  }

  /// All bytes are there: they are the content or they are nothing.
  func complete() {
    let wasResumed = part.isResumed
    do throws(Errno) {
      switch try part.finish() {
      case .holds: outcome = .complete
      case .differs where wasResumed: outcome = .resumedInVain
      case .differs(let found, let expected):
        fault(.hash(url: request.url.text, found: found, expected: expected))
      }
    } catch { fail(error) }
  }

  func fail(_ request: TransferRequest, _ error: TransportError) {
    switch error {
    case .notFound(let url, _): fault(.missing(url: url))
    case .tooLarge(let url, _):
      fault(.tooLong(url: url, expectedBytes: self.request.content.lengthBytes))
    default: outcome = outcome ?? .failed(.transport(error))
    }
  }

  /// How it ended. After a failure what came is kept if it can be of the content.
  func end() -> Outcome {
    let outcome = outcome ?? .failed(.transport(.interrupted))
    guard case .failed(let error) = outcome else { return outcome }
    // That it cannot be kept is no other failure.
    do throws(Errno) {
      switch error {
      case .target(_, .tooLong), .target(_, .length), .target(_, .hash): try part.discard()
      default: if part.writtenBytes == 0 { try part.discard() } else { try part.record() }
      }
    } catch {}
    return outcome
  }

  private func failWrongLength(_ found: UInt64) {
    fault(
      .length(
        url: request.url.text, foundBytes: found, expectedBytes: request.content.lengthBytes))
  }

  private func fault(_ fault: TargetFault) {
    outcome = .failed(.target(request.name, fault))
  }

  private func fail(_ errno: Errno) {
    outcome = .failed(.file(path: path, errno))
  }
}
