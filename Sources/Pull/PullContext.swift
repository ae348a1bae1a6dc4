// SPDX-License-Identifier: Apache-2.0
import Cryptography
import Linux
import OSTree
import Transport

/// What the workers of one pull share.
final class PullContext: Sendable {
  let staging: Staging
  let progress: PullProgress
  let room: Room
  private let found = Guarded<PullError?>(nil)

  init(_ staging: Staging, _ progress: PullProgress, _ room: Room) {
    self.staging = staging
    self.progress = progress
    self.room = room
  }

  /// The first failure; all workers stop at it.
  var failure: PullError? { found.withLock { $0 } }

  func fail(_ error: PullError) {
    found.withLock { if $0 == nil { $0 = error } }
  }

  /// Runs `body` on `count` threads and calls `report` now and then until all are done; a signal
  /// is a failure. Throws the first failure of any of them. When it returns no thread holds on to
  /// anything: the next pull of this process finds the staging folder unlocked.
  func runWorkers(
    _ count: Int, stop: () -> Void, report: () -> Void, body: @escaping @Sendable () -> Void
  ) throws(PullError) {
    let left = Shared(Guarded(0))
    var threads = ThreadGroup()
    for index in 0..<count {
      left.value.withLock { $0 += 1 }
      do throws(Errno) {
        try threads.start {
          body()
          left.value.withLock { $0 -= 1 }
          left.value.wakeAll()
        }
      } catch {
        left.value.withLock { $0 -= 1 }
        if index == 0 { throw .ostree(.file(path: staging.repo.path, error)) }
        break  // fewer will do
      }
    }
    while left.value.wait(milliseconds: 100, { $0 == 0 ? true : nil }) == nil {
      if Process.isInterrupted { fail(.interrupted) }
      if failure != nil { stop() }
      report()
    }
    threads.join()
    report()
    if let failure { throw failure }
  }

  /// What a transfer's error means for an object.
  func failure(_ name: ObjectName, _ request: TransferRequest, _ error: TransportError) -> PullError
  {
    switch error {
    case .notFound: .missing(name, url: request.url.text)
    case .tooLarge(_, let limit): .tooLarge(name, url: request.url.text, limitBytes: limit)
    case .interrupted: .interrupted
    default: .transport(error)
    }
  }

  /// The same error with the URL that the bytes came from.
  func failure(_ name: ObjectName, _ url: HTTPURL, _ error: OSTreeError) -> PullError {
    switch error {
    case .corrupt(let name, let found): .corrupt(name, url: url.text, found: found)
    case .malformed(let name, let fault): .malformed(name, url: url.text, fault)
    default: .ostree(error)
    }
  }
}
