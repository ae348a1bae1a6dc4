// SPDX-License-Identifier: Apache-2.0
import Cryptography
import Linux
import OSTree

/// Phase 1: which dirtrees and dirmetas are to be fetched. Every dirtree that comes names more.
///
/// Each is taken once in a pull, by a set of what was seen: 32 bytes for each distinct object.
/// What the repo has is walked as well, since an interrupted run may have stored a dirtree and not
/// what it names.
final class MetadataQueue: Sendable {
  private struct State {
    var waiting: [ObjectName] = []
    var seen: Set<Checksum> = []
    /// Taken and not yet expanded.
    var open = 0
    var isStopped = false
  }
  private let state: Guarded<State>
  private let staging: Staging

  init(_ staging: Staging) {
    self.staging = staging
    state = Guarded(State())
  }

  func add(_ commit: Commit) throws(PullError) {
    try add([ObjectName(commit.rootTree, .dirTree), ObjectName(commit.rootMeta, .dirMeta)])
  }

  private func add(_ names: [ObjectName]) throws(PullError) {
    let fits = state.withLock { state in
      for name in names where state.seen.insert(name.checksum).inserted {
        state.waiting.append(name)
      }
      return state.seen.count <= PullLimits.dirTreesMax * 2
    }
    guard fits else {
      throw .treeTooLarge(names[0].checksum, limit: UInt64(PullLimits.dirTreesMax))
    }
    state.wakeAll()
  }

  /// The next object that must be fetched, or nil if there is none: for now, or, if `mayWait`, for
  /// good. What is here already is expanded on the way.
  func next(mayWait: Bool) throws(PullError) -> ObjectName? {
    while let name = take(mayWait: mayWait) {
      if try ostree({ () throws(OSTreeError) in try staging.contains(name) }) {
        try done(name)
      } else {
        return name
      }
    }
    return nil
  }

  private func take(mayWait: Bool) -> ObjectName? {
    if !mayWait { return state.withLock { MetadataQueue.pop(&$0) } }
    let taken = state.wait { state -> ObjectName?? in
      if state.isStopped { return .some(nil) }
      if let name = MetadataQueue.pop(&state) { return .some(name) }
      return state.open == 0 ? .some(nil) : nil
    }
    return taken
  }

  private static func pop(_ state: inout State) -> ObjectName? {
    guard !state.isStopped, let name = state.waiting.popLast() else { return nil }
    state.open += 1
    return name
  }

  /// The object is here now: what it names is next.
  func done(_ name: ObjectName) throws(PullError) {
    if name.type == .dirTree { try expand(try staging.loadTree(name.checksum)) }
    state.withLock { $0.open -= 1 }
    state.wakeAll()
  }

  private func expand(_ tree: DirTree) throws(PullError) {
    var names: [ObjectName] = []
    names.reserveCapacity(tree.directoryCount * 2)
    for index in 0..<tree.directoryCount {
      let directory = tree.directory(at: index)
      names.append(ObjectName(directory.tree, .dirTree))
      names.append(ObjectName(directory.meta, .dirMeta))
    }
    if !names.isEmpty { try add(names) }
  }

  /// Nobody waits any longer.
  func stop() {
    state.withLock { $0.isStopped = true }
    state.wakeAll()
  }
}
