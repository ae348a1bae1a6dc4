// SPDX-License-Identifier: Apache-2.0
import Cryptography
import Linux
import Synchronization

/// The first half of a check: every object of the repo is hashed once, by several threads, each of
/// which takes a folder of `objects/` at a time. Memory: the names in one folder for each thread.
final class FsckHashing: Sendable {
  private let store: LooseObjects
  private let folders: [String]
  private let options: FsckOptions
  private let progress: @Sendable (FsckProgress) -> Void
  private let startNanoseconds = Clock.monotonicNanoseconds
  private let next = Atomic<Int>(0)
  private let state: Guarded<State>

  private struct State {
    var report = FsckReport()
    var commits: [Checksum] = []
    var foldersDone = 0
    var failure: OSTreeError?
    var reportedNanoseconds: Int64 = 0
  }

  /// Somebody may be watching.
  private static let progressNanoseconds: Int64 = 100_000_000

  init(
    _ store: LooseObjects, _ options: FsckOptions,
    _ progress: @escaping @Sendable (FsckProgress) -> Void
  ) throws(OSTreeError) {
    self.store = store
    self.options = options
    self.progress = progress
    folders = try store.folders()
    state = Guarded(State())
  }

  /// Hashes all and gives what was found, and the commits that are there and sound.
  func run() throws(OSTreeError) -> (report: FsckReport, commits: [Checksum]) {
    let jobs = max(1, min(options.jobs ?? Thread.cores, folders.count))
    Thread.fanOut(jobs) { _ in self.work() }
    if let failure = state.withLock({ $0.failure }) { throw failure }
    return state.withLock { ($0.report, $0.commits.sorted()) }
  }

  private func work() {
    var hash = FileHash()
    while true {
      let index = next.add(1, ordering: .relaxed).oldValue
      if index >= folders.count || state.withLock({ $0.failure != nil }) { return }
      do throws(OSTreeError) {
        for name in try store.names(inFolder: folders[index]) { try check(name, &hash) }
      } catch {
        let failure = error
        return state.withLock { $0.failure = $0.failure ?? failure }
      }
      note { $0.foldersDone += 1 }
    }
  }

  private func check(_ name: ObjectName, _ hash: inout FileHash) throws(OSTreeError) {
    guard name.type.isContentAddressed, let status = try store.status(name) else { return }
    let problem = try problem(of: name, &hash)
    let sizeBytes = status.sizeBytes
    note { state in
      state.report.objects += 1
      state.report.bytes += sizeBytes
      if let problem {
        state.report.add(problem)
        if name.type == .commit { state.report.unsoundCommits.append(name.checksum) }
      } else if name.type == .commit {
        state.commits.append(name.checksum)
      }
    }
    slowDown()
  }

  /// Nil for a sound object, and for one that went away meanwhile.
  private func problem(
    of name: ObjectName, _ hash: inout FileHash
  ) throws(OSTreeError) -> FsckProblem? {
    do throws(OSTreeError) {
      let found = try store.checksum(of: name, &hash, dropping: options.dropsCache)
      return found == name.checksum ? nil : .damaged(name, found: found)
    } catch {
      switch error {
      case .missing: return nil
      case .malformed(_, let fault): return .malformed(name, fault)
      case .tooLarge(_, let limitBytes): return .tooLarge(name, limitBytes: limitBytes)
      case .file(_, let errno) where errno != .outOfMemory:
        return .unreadable(name, errno)
      default: throw error
      }
    }
  }

  private func note(_ change: (inout State) -> Void) {
    let now = Clock.monotonicNanoseconds
    let shown: FsckProgress? = state.withLock { state in
      change(&state)
      let isLast = state.foldersDone == folders.count
      guard isLast || now - state.reportedNanoseconds >= FsckHashing.progressNanoseconds else {
        return nil
      }
      state.reportedNanoseconds = now
      return FsckProgress(
        objects: state.report.objects, bytes: state.report.bytes,
        foldersDone: state.foldersDone, folders: folders.count)
    }
    if let shown { progress(shown) }
  }

  /// Sleeps until the bytes so far are what the rate allows.
  private func slowDown() {
    guard let rate = options.limitRateBytesPerSecond, rate > 0 else { return }
    let bytes = state.withLock { $0.report.bytes }
    let dueMilliseconds = Int64(clamping: bytes / rate) * 1000 + Int64(bytes % rate * 1000 / rate)
    let elapsed = (Clock.monotonicNanoseconds - startNanoseconds) / 1_000_000
    if dueMilliseconds > elapsed { Clock.sleep(milliseconds: dueMilliseconds - elapsed) }
  }
}
