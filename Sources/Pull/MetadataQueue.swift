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
    /// By what they are: a server may name the same checksum as both, and then lack one of them.
    var trees: Set<Checksum> = []
    var metas: Set<Checksum> = []
    /// Taken and not yet expanded.
    var open = 0
    var isStopped = false

    mutating func add(tree: Checksum, meta: Checksum) {
      if metas.insert(meta).inserted { waiting.append(ObjectName(meta, .dirMeta)) }
      if trees.insert(tree).inserted { waiting.append(ObjectName(tree, .dirTree)) }
    }
  }
  private let state: Guarded<State>
  private let staging: Staging
  private let treesMax: Int
  private let metasMax: Int

  init(_ staging: Staging, _ commits: [PulledCommit]) {
    self.staging = staging
    let count = min(max(commits.count, 1), PullLimits.pullTreesMax)
    treesMax = min(PullLimits.dirTreesMax * count, PullLimits.pullTreesMax)
    metasMax = min(PullLimits.dirMetasMax * count, PullLimits.pullTreesMax)
    var initial = State()
    for commit in commits { initial.add(tree: commit.rootTree, meta: commit.rootMeta) }
    state = Guarded(initial)
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
    if name.type == .dirTree { try expand(try staging.loadTree(name.checksum), name.checksum) }
    state.withLock { $0.open -= 1 }
    state.wakeAll()
  }

  /// Adds what the tree names. A tree of too many folders is refused before all of them are
  /// listed, and before any of them is asked for.
  private func expand(_ tree: DirTree, _ checksum: Checksum) throws(PullError) {
    let fits = state.withLock { state in
      for index in 0..<tree.directoryCount {
        let directory = tree.directory(at: index)
        state.add(tree: directory.tree, meta: directory.meta)
        if state.trees.count > treesMax || state.metas.count > metasMax {
          state.isStopped = true
          return false
        }
      }
      return true
    }
    guard fits else { throw .tooManyFolders(ObjectName(checksum, .dirTree), limit: treesMax) }
    state.wakeAll()
  }

  /// Nobody waits any longer.
  func stop() {
    state.withLock { $0.isStopped = true }
    state.wakeAll()
  }
}
