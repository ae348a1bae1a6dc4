// SPDX-License-Identifier: Apache-2.0
import Cryptography
import Linux
import OSTree
import Transport

/// Fetches one file of a static delta into a scratch file, and hashes it on its way.
final class DeltaDownload: TransferHandler {
  private let url: HTTPURL
  private let limitBytes: UInt64
  private let context: PullContext
  private let file: Shared<FileDescriptor>
  private var hash = SHA256()
  private(set) var byteCount: UInt64 = 0
  private var isAsked = false
  private var isComplete = false
  private var failure: DeltaStop?

  init(
    _ url: HTTPURL, limitBytes: UInt64, _ context: PullContext
  ) throws(DeltaStop) {
    self.url = url
    self.limitBytes = limitBytes
    self.context = context
    do throws(OSTreeError) { file = try context.staging.openScratch() } catch {
      throw .failed(.ostree(error))
    }
  }

  /// What was fetched, and its checksum. Throws `.passedOver` if it is not there or too large.
  func run(
    on client: HTTPClient
  ) throws(DeltaStop) -> (file: Shared<FileDescriptor>, checksum: Checksum) {
    client.run(url, self)
    if let failure { throw failure }
    guard isComplete else { throw .failed(context.failure ?? .interrupted) }
    return (file, hash.finish())
  }

  var isCancelled: Bool { context.failure != nil }

  func nextRequest(mayWait: Bool) -> TransferRequest? {
    if isAsked || isCancelled { return nil }
    isAsked = true
    return TransferRequest(url, limitBytes: limitBytes)
  }

  func begin(_ request: TransferRequest, _ response: ResponseInfo) {}

  func receive(_ request: TransferRequest, _ bytes: Span<UInt8>) -> TransferVerdict {
    context.progress.received(bytes.count)
    do throws(Errno) {
      try file.value.write(bytes, offset: Int64(clamping: byteCount))
    } catch {
      failure = DeltaStop(scratch: error, in: context.staging.repo)
      return .abandon
    }
    hash.update(bytes)
    byteCount += UInt64(bytes.count)
    return .proceed
  }

  func restart(_ request: TransferRequest) {
    _ = hash.finish()
    byteCount = 0
    do throws(Errno) { try file.value.truncate(to: 0) } catch {
      failure = DeltaStop(scratch: error, in: context.staging.repo)
    }
  }

  func finish(_ request: TransferRequest) { isComplete = true }

  func fail(_ request: TransferRequest, _ error: TransportError) {
    switch error {
    case .notFound: failure = .passedOver(.missing(file: url.text))
    case .tooLarge(_, let limit):
      failure = .passedOver(.tooLarge(.part, neededBytes: nil, limitBytes: limit))
    case .interrupted: failure = .failed(context.failure ?? .interrupted)
    default: failure = .failed(.transport(error))
    }
  }
}

/// Why a static delta came to no good end.
enum DeltaStop: Error {
  /// Its objects can be had one by one.
  case passedOver(DeltaFault)
  case failed(PullError)

  init(scratch errno: Errno, in repo: Repo) {
    self =
      errno == .noSpace
      ? .passedOver(.room)
      : .failed(.ostree(.file(path: "\(repo.path)/coppice", errno)))
  }
}
