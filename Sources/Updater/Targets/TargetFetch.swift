// SPDX-License-Identifier: Apache-2.0
public import Configuration
import Linux
import Synchronization
public import Transport

/// A target whose content is wanted.
public struct TargetRequest: Sendable {
  /// What messages and progress call it.
  public let name: String
  public let url: HTTPURL
  public let content: TargetContent

  public init(_ name: String, from url: HTTPURL, _ content: TargetContent) {
    (self.name, self.url, self.content) = (name, url, content)
  }
}

/// How far the content of a target is: read by whoever shows it while it comes.
public final class TargetProgress: Sendable {
  public let name: String
  public let totalBytes: UInt64
  private let done = Atomic<UInt64>(0)

  init(_ request: TargetRequest) {
    name = request.name
    totalBytes = request.content.lengthBytes
  }

  /// What an earlier run has left counts as well.
  public var doneBytes: UInt64 { done.load(ordering: .relaxed) }

  func set(_ bytes: UInt64) { done.store(bytes, ordering: .relaxed) }
}

extension TargetFolder {
  /// As `TargetPlace.fetch`, into the file that is named for the content.
  public func fetch(
    _ request: TargetRequest, by client: HTTPClient, reserving reserve: SpaceReserve = .bytes(0),
    _ report: (TargetProgress) -> Void = { _ in }
  ) throws(UpdaterError) -> String {
    if try contains(request.content) { return path(of: request.content) }
    return try place(of: request.content).fetch(request, by: client, reserving: reserve, report)
  }
}

extension TargetPlace {
  /// Fetches the content of a target, whole and verified; gives the path of its file.
  ///
  /// What an earlier run, cut off anywhere, has left of it is gone on from; if that turns out to be
  /// damaged, all is fetched once more. At most as many bytes are taken as the metadata says, and
  /// hashed as they are written; only what has held gets the name, in place of what was there.
  /// `report` is called now and then on this thread.
  ///
  /// Durable when it returns. Throws `target` where the server does not have it or has something
  /// else, `transport`, `noSpace` before anything is fetched, or `file`.
  func fetch(
    _ request: TargetRequest, by client: HTTPClient, reserving reserve: SpaceReserve,
    _ report: (TargetProgress) -> Void
  ) throws(UpdaterError) -> String {
    while true {
      switch try attempt(request, client, reserve, report) {
      case .complete: return path
      case .failed(let error): throw error
      case .resumedInVain: continue  // Nothing is left to resume now.
      }
    }
  }

  /// On a thread of its own, so that this one can show how far it is.
  private func attempt(
    _ request: TargetRequest, _ client: HTTPClient, _ reserve: SpaceReserve,
    _ report: (TargetProgress) -> Void
  ) throws(UpdaterError) -> TargetTransfer.Outcome {
    let progress = TargetProgress(request)
    let end = Shared(Guarded<TargetTransfer.Outcome?>(nil))
    var threads = ThreadGroup()
    try at(path) { () throws(Errno) in
      try threads.start {
        let outcome = self.transfer(request, client, reserve, progress)
        end.value.withLock { $0 = outcome }
        end.value.wakeAll()
      }
    }
    var outcome: TargetTransfer.Outcome?
    while outcome == nil {
      outcome = end.value.wait(milliseconds: 100) { $0 }
      report(progress)
    }
    threads.join()
    return outcome ?? .failed(.transport(.interrupted))
  }

  private func transfer(
    _ request: TargetRequest, _ client: HTTPClient, _ reserve: SpaceReserve,
    _ progress: TargetProgress
  ) -> TargetTransfer.Outcome {
    do throws(UpdaterError) {
      let transfer = try at(path) { () throws(Errno) in
        try TargetTransfer(request, at: self, progress)
      }
      try checkRoom(for: transfer.missingBytes, reserve)
      if transfer.missingBytes == 0 {
        transfer.complete()
      } else {
        client.run(request.url, transfer)
      }
      return transfer.end()
    } catch { return .failed(error) }
  }

  private func checkRoom(for bytes: UInt64, _ reserve: SpaceReserve) throws(UpdaterError) {
    let space = try at(folder) { () throws(Errno) in
      try FileDescriptor.openDirectory(folder).fileSystemStatus()
    }
    let reserved = reserve.bytes(of: space.totalBytes)
    let room = space.freeBytes > reserved ? space.freeBytes - reserved : 0
    if bytes > room { throw .noSpace(path: folder, neededBytes: bytes, freeBytes: room) }
  }
}
