// SPDX-License-Identifier: Apache-2.0
import Cryptography
import OSTree

/// One thread that takes objects from a repo on this machine: read, verified and stored like those
/// of a server.
struct LocalWorker {
  private let context: PullContext
  private let repo: Repo

  init(_ context: PullContext, _ repo: Repo) {
    self.context = context
    self.repo = repo
  }

  func run(_ queue: MetadataQueue) {
    do throws(PullError) {
      while context.failure == nil, let name = try queue.next(mayWait: true) {
        let bytes = try naming(name) { () throws(OSTreeError) in try copyMetadata(name) }
        context.progress.received(Int(clamping: bytes))
        context.progress.stored(name, bytes: bytes)
        try queue.done(name)
      }
    } catch {
      context.fail(error)
      queue.stop()
    }
  }

  private func copyMetadata(_ name: ObjectName) throws(OSTreeError) -> UInt64 {
    var sink = try MetadataSink(name, in: context.staging)
    try repo.forEachPiece(of: name) { (piece) throws(OSTreeError) in try sink.write(piece) }
    try sink.finish()
    return sink.writtenBytes
  }

  func run(_ queue: ContentQueue) {
    do throws(PullError) {
      while context.failure == nil, let name = try queue.next() {
        let object = try naming(name) { () throws(OSTreeError) in
          try repo.openFile(name.checksum)
        }
        try context.room.take(object.sizeBytes)
        try copy(object, name)
        queue.done(name)
      }
    } catch {
      context.fail(error)
      queue.stop()
    }
  }

  private func copy(_ object: borrowing FileObject, _ name: ObjectName) throws(PullError) {
    var sink = FileSink(name.checksum, in: context.staging, storesReceived: false)
    do throws(OSTreeError) {
      try sink.begin(object.header, sizeBytes: object.sizeBytes)
      try object.forEachPiece { (piece) throws(OSTreeError) in try sink.write(piece) }
      try sink.finish()
    } catch { throw failure(name, error) }
    context.progress.received(Int(clamping: object.sizeBytes))
    context.progress.stored(name, bytes: UInt64(sink.writtenBytes))
  }

  private func naming<R: ~Copyable>(
    _ name: ObjectName, _ body: () throws(OSTreeError) -> R
  ) throws(PullError) -> R {
    do throws(OSTreeError) { return try body() } catch { throw failure(name, error) }
  }

  private func failure(_ name: ObjectName, _ error: OSTreeError) -> PullError {
    let url = "file://\(repo.path)/\(name.path)"
    switch error {
    case .missing(let name): return .missing(name, url: url)
    case .corrupt(let name, let found): return .corrupt(name, url: url, found: found)
    case .malformed(let name, let fault): return .malformed(name, url: url, fault)
    default: return .ostree(error)
    }
  }
}
