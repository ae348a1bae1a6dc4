// SPDX-License-Identifier: Apache-2.0
import Linux
import OSTree
import Synchronization

/// How much a pull may still write: what is free on the repo's file system less what its config
/// reserves (`min-free-space-percent`, `min-free-space-size`). Content counts, by blocks; metadata
/// does not. ostree spec: docs/repo.md.
final class Room: Sendable {
  private let path: String
  private let left: Atomic<Int64>
  private let blockBytes: UInt64
  private let freeBytes: UInt64

  init(_ repo: Repo, reserveBytes: UInt64?) throws(PullError) {
    let status: FileSystemStatus
    do throws(Errno) {
      status = try FileDescriptor.openDirectory(repo.path).fileSystemStatus()
    } catch { throw .ostree(.file(path: repo.path, error)) }
    path = repo.path
    blockBytes = status.blockBytes
    freeBytes = status.freeBytes
    let total = status.blocks.multipliedReportingOverflow(by: status.blockBytes)
    let reserved =
      reserveBytes
      ?? repo.configuration.reservedBytes(of: total.overflow ? .max : total.partialValue)
    left = Atomic(Int64(clamping: freeBytes > reserved ? freeBytes - reserved : 0))
  }

  /// Throws `noSpace` if `bytes` more do not fit.
  func check(_ bytes: UInt64) throws(PullError) {
    let room = UInt64(max(0, left.load(ordering: .relaxed)))
    if bytes > room || room == 0 {
      throw .noSpace(path: path, neededBytes: max(bytes, blockBytes), freeBytes: room)
    }
  }

  /// Takes the room of one file. Throws `noSpace` if there is none.
  func take(_ bytes: UInt64) throws(PullError) {
    let blocks = bytes / blockBytes + 1
    let needed = Int64(clamping: blocks.multipliedReportingOverflow(by: blockBytes).partialValue)
    let room = left.subtract(needed, ordering: .relaxed).oldValue
    if needed > room || needed < 0 {
      throw .noSpace(path: path, neededBytes: bytes, freeBytes: UInt64(max(0, room)))
    }
  }
}
