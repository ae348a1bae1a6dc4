// SPDX-License-Identifier: Apache-2.0
import Codec
import Cryptography
import Linux
import OSTree
import Pull
import Updater

extension Command {
  static let pull = Command(
    "pull", "fetches commits into the repo and verifies every object",
    details: "REF may be followed by '@CHECKSUM', which the ref is then pointed at. Without a REF, "
      + "what 'branches' of the remote names is fetched. What an interrupted pull has fetched is "
      + "used by the next one.",
    operands: [.one("REMOTE"), .any("REF|CHECKSUM")],
    options: [
      Option("depth", .text("N"), help: "fetch also N generations of parents; -1 for all"),
      Option("commit-metadata-only", help: "fetch commits without their trees"),
      Option("mirror", help: "make the remote's refs refs of this repo; without REF, all of them"),
      Option("limit-rate", .bytes("BYTES/s"), help: "fetch no faster than this"),
      Option("connections", .number("N"), help: "use at most N connections"),
      Option("read-back", help: "read from the medium again what was written, and verify it"),
      Option("url", .text("URL"), help: "fetch from this URL instead of the remote's"),
      Downgrade.option,
      DeltaText.option,
    ]
  ) { session throws(Message) in
    let options = try PullCommand.options(session)
    let repo = try session.writableRepo()
    let remote = try session.remote(session.arguments.operands[0], of: repo)
    let started = Clock.monotonicNanoseconds
    let result = try session.pull(remote, options, into: repo)
    let milliseconds = (Clock.monotonicNanoseconds - started) / 1_000_000
    DeltaText.show(result.deltas, session)
    try session.terminal.line(PullCommand.text(result, milliseconds))
    return Outcome(members: PullCommand.members(result, milliseconds))
  }
}

extension Session {
  func remote(_ name: String, of repo: Repo) throws(Message) -> RemoteConfig {
    let folder = remotesFolder
    return try reporting { () throws(OSTreeError) in try repo.remote(name, folder: folder) }
  }

  /// Pulls, and shows how far it is.
  func pull(
    _ remote: RemoteConfig, _ options: PullOptions, into repo: Repo
  ) throws(Message) -> PullResult {
    Process.catchInterrupts()
    do throws(PullError) {
      let pull = try CommitPull(repo, from: remote, options, PullProgress())
      let result = try pull.run { progress.update(PullCommand.state($0)) }
      progress.finish()
      if let route = result.route { terminal.debug(PullCommand.text(route)) }
      return result
    } catch {
      progress.finish()
      throw error.message
    }
  }
}

/// What a pull is told, and what it tells.
enum PullCommand {
  static func options(_ session: Session) throws(Message) -> PullOptions {
    let arguments = session.arguments
    var options = PullOptions(
      try session.settings(), repoPath: session.repoPath, readBack: .none)
    for word in arguments.operands.dropFirst() { options.targets.append(try target(word)) }
    if let depth = arguments.value("depth") { options.depth = try Depth.parse(depth) }
    options.commitMetadataOnly = arguments.isFlag("commit-metadata-only")
    options.isMirror = arguments.isFlag("mirror")
    options.url = arguments.value("url")
    if let rate = arguments.bytes("limit-rate") {
      options.limitRateBytesPerSecond = rate == 0 ? nil : rate
    }
    if let connections = arguments.number("connections") {
      guard (1...UInt64(PullLimits.connectionsMax)).contains(connections) else {
        throw Message(
          .usage, "bad-value", "option '--connections' has the value '\(connections)'",
          hint: "it must be a number from 1 to \(PullLimits.connectionsMax)")
      }
      options.connections = Int(connections)
    }
    if arguments.isFlag("read-back") { options.readBack = .all }
    options.checksTimestamp = !arguments.isFlag(Downgrade.option.name)
    options.usesDeltas = !arguments.isFlag(DeltaText.option.name)
    return options
  }

  /// `REF`, `REF@CHECKSUM` or `CHECKSUM`.
  static func target(_ word: String) throws(Message) -> PullTarget {
    if let checksum = Checksum(hex: word) { return .commit(checksum) }
    let parts = word.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
    let ref = String(parts[0])
    guard RefName.isValid(ref) else {
      throw Message(.usage, "bad-ref", "'\(word)' is no ref or checksum")
    }
    guard parts.count == 2 else { return .ref(ref) }
    guard let checksum = Checksum(hex: String(parts[1])) else {
      throw Message(
        .usage, "bad-ref", "'\(parts[1])' in '\(word)' is no checksum", hint: "it has 64 digits")
    }
    return .refAt(ref, checksum)
  }

  static func state(_ progress: PullProgress) -> ProgressState {
    let object = progress.lastObject?.path
    switch progress.phase {
    case .metadata:
      return ProgressState(phase: "metadata", done: progress.metadataObjects, object: object)
    case .content:
      return ProgressState(
        phase: "content", done: progress.contentObjects, total: progress.contentTotal,
        object: object)
    case .verify:
      return ProgressState(phase: "verify", done: progress.contentObjects, object: object)
    case .delta:
      return ProgressState(
        phase: "content", done: progress.fetchedBytes, total: progress.deltaBytes, unit: .bytes,
        object: object)
    }
  }

  static func text(_ result: PullResult, _ milliseconds: Int64) -> String {
    "\(result.fetchedMetadata) metadata, \(result.fetchedContent) content objects fetched; "
      + "\(HumanSize.text(result.fetchedBytes)) transferred in \(seconds(milliseconds)) seconds; "
      + "\(HumanSize.text(result.writtenBytes)) written"
  }

  /// "HTTP/2, 3 connections, 128 streams on each".
  static func text(_ route: PullRoute) -> String {
    let connections = route.connections == 1 ? "1 connection" : "\(route.connections) connections"
    guard let streams = route.streams else { return "HTTP/1.1, \(connections)" }
    return "HTTP/2, \(connections), \(streams) streams on each"
  }

  static func members(_ result: PullResult, _ milliseconds: Int64) -> [(String, JSONValue)] {
    [
      ("commits", .array(result.commits.map { .string($0.hex) })),
      (
        "fetched",
        .object([
          ("metadata", .unsigned(result.fetchedMetadata)),
          ("content", .unsigned(result.fetchedContent)),
          ("bytes", .unsigned(result.fetchedBytes)),
        ])
      ),
      ("reused", .unsigned(result.reused)),
      ("deltas", DeltaText.member(result.deltas)),
      ("written_bytes", .unsigned(result.writtenBytes)),
      ("seconds", .decimal(seconds(milliseconds))),
      ("peak_rss_bytes", .unsigned(Process.usage.peakBytes)),
    ]
  }

  /// With one digit behind the point.
  static func seconds(_ milliseconds: Int64) -> String {
    "\(milliseconds / 1000).\(milliseconds % 1000 / 100)"
  }
}

/// How many generations of parents: a number, or -1 for all.
enum Depth {
  static func parse(_ text: String) throws(Message) -> UInt64? {
    if text == "-1" { return nil }
    guard let depth = Arguments.count(text) else {
      throw Message(
        .usage, "bad-value", "option '--depth' has the value '\(text)'",
        hint: "it must be a number, or -1 for all of history")
    }
    return depth
  }
}
