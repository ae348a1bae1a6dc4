// SPDX-License-Identifier: Apache-2.0
import Cryptography
import Linux
import OSTree

/// Phase 2: which file objects are to be fetched, read from the dirtrees that phase 1 has stored.
///
/// One dirtree is open at a time; no list of file objects is kept. An object that several folders
/// name is found present the second time, or in flight.
final class ContentQueue: Sendable {
  private struct State {
    /// Dirtrees to open, and those that are or were among them.
    var waiting: [Checksum]
    var seen: Set<Checksum>
    var tree: DirTree?
    var nextFile = 0
    /// Taken and neither stored nor given up.
    var inFlight: Set<Checksum> = []
    /// To be fetched from the front: what an earlier run had left was no good.
    var again: [Checksum] = []
    var isStopped = false
  }
  private let state: Guarded<State>
  private let staging: Staging

  init(_ staging: Staging, roots: [Checksum]) {
    self.staging = staging
    let distinct = Set(roots)
    state = Guarded(State(waiting: Array(distinct), seen: distinct))
  }

  /// The next file that must be fetched, or nil when there is none.
  func next() throws(PullError) -> ObjectName? {
    while let checksum = try take() {
      let name = ObjectName(checksum, .file)
      let isHere = try ostree { () throws(OSTreeError) in try staging.contains(name) }
      if !isHere { return name }
      done(name)
    }
    return nil
  }

  private func take() throws(PullError) -> Checksum? {
    let staging = self.staging
    return try state.withLock { (state) throws(PullError) -> Checksum? in
      while !state.isStopped {
        if let checksum = state.again.popLast() { return checksum }
        guard let tree = state.tree, state.nextFile < tree.fileCount else {
          guard try ContentQueue.openNext(&state, staging) else { return nil }
          continue
        }
        let checksum = tree.fileChecksum(at: state.nextFile)
        state.nextFile += 1
        if state.inFlight.insert(checksum).inserted { return checksum }
      }
      return nil
    }
  }

  private static func openNext(
    _ state: inout State, _ staging: Staging
  ) throws(PullError) -> Bool {
    state.tree = nil
    guard let checksum = state.waiting.popLast() else { return false }
    let tree = try staging.loadTree(checksum)
    for index in 0..<tree.directoryCount {
      let child = tree.directoryTree(at: index)
      if state.seen.insert(child).inserted { state.waiting.append(child) }
    }
    state.tree = tree
    state.nextFile = 0
    return true
  }

  /// The object is here, or has been given up.
  func done(_ name: ObjectName) {
    state.withLock { _ = $0.inFlight.remove(name.checksum) }
  }

  /// The object, which is still in flight, is to be fetched once more.
  func fetchAgain(_ name: ObjectName) { state.withLock { $0.again.append(name.checksum) } }

  func stop() { state.withLock { $0.isStopped = true } }
}
