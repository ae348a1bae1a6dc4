// SPDX-License-Identifier: Apache-2.0
import Cryptography
import Linux
import OSTree
import Pull

/// A server that the user names, in place of the one of `bench` itself.
public struct BenchRemote: Sendable {
  let url: String
  let target: PullTarget

  public init(url: String, target: PullTarget) {
    self.url = url
    self.target = target
  }
}

/// One pull, as the child is told it: the repo, the URL, the commit, and whether a proxy may be
/// between.
struct PullJob {
  let url: String
  let commit: Checksum
  /// Never by a proxy.
  let isDirect: Bool

  /// What the repos of `bench` call the server.
  static let remote = "bench"
  private static let direct = "direct"

  func words(_ repo: String) -> [String] {
    [repo, url, commit.hex, isDirect ? PullJob.direct : "environment"]
  }

  /// What the child does; nil if the words are no job.
  static func figures(_ words: [String]) throws(BenchError) -> [UInt64]? {
    guard words.count == 4, let commit = Checksum(hex: words[2]) else { return nil }
    return try Cost.figures { () throws(BenchError) in
      let repo = try inRepo { () throws(OSTreeError) in try Repo.open(words[0]) }
      let result = try run(repo, words[1], .commit(commit), isDirect: words[3] == direct)
      return (result.fetchedMetadata + result.fetchedContent, result.fetchedBytes)
    }
  }

  static func run(
    _ repo: Repo, _ url: String, _ target: PullTarget, isDirect: Bool
  ) throws(BenchError) -> PullResult {
    let remote = try inRepo { () throws(OSTreeError) in try repo.remote(PullJob.remote) }
    var options = PullOptions()
    options.targets = [target]
    options.url = url
    // What is measured is the way of an object.
    options.usesDeltas = false
    if isDirect { options.server.proxy = .none }
    do throws(PullError) {
      return try CommitPull(repo, from: remote, options, PullProgress()).run()
    } catch { throw .pull(error) }
  }
}

/// The loopback server in a process of its own, which ends with this value.
final class BenchServer {
  let url: String
  private var program: StartedProgram?

  private static let startLimitNanoseconds: Int64 = 10_000_000_000

  /// Nil if it cannot be started.
  init?(_ folder: String, _ child: BenchChild, _ scratch: Scratch) throws(BenchError) {
    guard var program = try? child.start(.serve, [folder], scratch) else { return nil }
    let end = Clock.monotonicNanoseconds + BenchServer.startLimitNanoseconds
    while true {
      if let port = try child.saved(.serve, scratch)?.first {
        url = "http://127.0.0.1:\(port)/"
        break
      }
      if Process.isInterrupted { throw .interrupted }
      if program.end() != nil || Clock.monotonicNanoseconds > end { return nil }
      Clock.sleep(milliseconds: 10)
    }
    self.program = consume program
  }

  func stop() { program = nil }
}
