// SPDX-License-Identifier: Apache-2.0
import Codec
import Cryptography
import Linux
import OSTree
import Pull
import Updater

extension Command {
  static let fsck = Command(
    "fsck", "hashes every object again, and looks whether commits have all of theirs",
    details: "Exit code 4 if something is not as it must be. Commits that lack objects are marked, "
      + "so that the next pull completes them.",
    options: [
      Option(
        "repair",
        help: "remove damaged objects and fetch them, and what is missing, from the remotes again"),
      Option("jobs", .number("N"), help: "hash with N threads (default: one for each core)"),
      Option("limit-rate", .bytes("BYTES/s"), help: "read no faster than this"),
      Option("drop-cache", help: "read from the medium, not from memory"),
    ]
  ) { session throws(Message) in
    let repairs = session.arguments.isFlag("repair")
    let repo = repairs ? try session.writableRepo() : try session.repo()
    let options = try FsckCommand.options(session.arguments)
    var report = try FsckCommand.check(session, repo, options)
    var repaired: [JSONValue] = []
    if !report.isSound, repairs {
      for problem in report.problems { session.terminal.warn(problem.words) }
      for commit in try FsckRepair.run(session, repo, report) {
        repaired.append(.string(commit.hex))
      }
      report = try FsckCommand.check(session, repo, options)
    }
    return try FsckCommand.outcome(session, repo, report, repaired)
  }
}

private enum FsckCommand {
  /// More threads than any board has cores.
  private static let jobsMax: UInt64 = 256

  static func options(_ arguments: Arguments) throws(Message) -> FsckOptions {
    var options = FsckOptions()
    if let jobs = arguments.number("jobs") {
      guard (1...jobsMax).contains(jobs) else {
        throw Message(
          .usage, "bad-value", "option '--jobs' has the value '\(jobs)'",
          hint: "it must be a number from 1 to \(jobsMax)")
      }
      options.jobs = Int(jobs)
    }
    options.limitRateBytesPerSecond = arguments.bytes("limit-rate")
    options.dropsCache = arguments.isFlag("drop-cache")
    return options
  }

  static func check(
    _ session: Session, _ repo: Repo, _ options: FsckOptions
  ) throws(Message) -> FsckReport {
    let progress = session.progress
    do throws(OSTreeError) {
      let report = try repo.fsck(options) { state in
        progress.update(
          ProgressState(
            phase: "verify", done: UInt64(state.foldersDone), total: UInt64(state.folders)))
      }
      progress.finish()
      return report
    } catch {
      progress.finish()
      throw error.message
    }
  }

  static func outcome(
    _ session: Session, _ repo: Repo, _ report: FsckReport, _ repaired: [JSONValue]
  ) throws(Message) -> Outcome {
    let terminal = session.terminal
    for problem in report.problems { try terminal.line(problem.words) }
    if !report.partialCommits.isEmpty {
      try terminal.line("\(report.partialCommits.count) partial commits not verified")
    }
    var outcome = Outcome(members: [
      ("commits", .unsigned(report.commits)), ("objects", .unsigned(report.objects)),
      ("bytes", .unsigned(report.bytes)),
      ("partial_commits", .array(report.partialCommits.map { .string($0.hex) })),
      ("problems", .array(report.problems.map { $0.member })),
      ("problem_count", .unsigned(report.problemCount)), ("repaired_commits", .array(repaired)),
    ])
    if report.isSound {
      try terminal.line(
        "object fsck of \(report.commits) commits completed successfully - no errors found.")
    } else {
      outcome.failure = Message(
        report.exitCode, "repo-damaged",
        "\(report.problemCount) problem\(report.problemCount == 1 ? "" : "s") in the repo "
          + "'\(repo.path)'",
        hint: session.arguments.isFlag("repair")
          ? "what is left could not be fetched again"
          : "'coppice fsck --repair' fetches what is damaged or missing from the remotes",
        path: repo.path)
    }
    return outcome
  }
}

/// Fetches what is damaged or missing from where it came.
private enum FsckRepair {
  /// Gives the commits that are complete again.
  static func run(
    _ session: Session, _ repo: Repo, _ report: FsckReport
  ) throws(Message) -> [Checksum] {
    var plan: [(commit: Checksum, remote: RemoteConfig)] = []
    for commit in report.unsoundCommits {
      guard let remote = try remote(of: commit, session, repo) else {
        session.terminal.warn("no remote is known that commit '\(commit.hex)' came from")
        continue
      }
      plan.append((commit, remote))
    }
    // What nobody can give again is better damaged than gone; what no commit needs is not.
    if plan.isEmpty, !report.unsoundCommits.isEmpty { return [] }
    try reporting { () throws(OSTreeError) in try repo.removeDamaged(report) }
    var repaired: [Checksum] = []
    let settings = try session.settings()
    for (commit, remote) in plan {
      var options = PullOptions(settings, repoPath: session.repoPath, readBack: .none)
      options.targets = [.commit(commit)]
      _ = try session.pull(remote, options, into: repo)
      repaired.append(commit)
    }
    return repaired
  }

  /// The remote whose ref names the commit or, where none does, the only remote there is.
  private static func remote(
    of commit: Checksum, _ session: Session, _ repo: Repo
  ) throws(Message) -> RemoteConfig? {
    let folder = session.remotesFolder
    return try reporting { () throws(OSTreeError) in
      let named = try repo.refs().first { $0.commit == commit && $0.refspec.remote != nil }
      let names = try repo.remoteNames(folder: folder)
      let name = named?.refspec.remote ?? (names.count == 1 ? names[0] : nil)
      guard let name, names.contains(name) else { return nil }
      return try repo.remote(name, folder: folder)
    }
  }
}

extension FsckReport {
  /// A medium that gives nothing needs a person; what is damaged on it was refused.
  fileprivate var exitCode: ExitCode {
    let isUnreadable = problems.contains {
      if case .unreadable(_, let errno) = $0 { return errno.exitCode == .storage }
      return false
    }
    return isUnreadable ? .storage : .refused
  }
}

extension FsckProblem {
  fileprivate var words: String {
    switch self {
    case .damaged(let name, let found):
      "object '\(name.path)' is damaged: its checksum is \(found.hex)"
    case .malformed(let name, let error):
      "object '\(name.path)' is malformed: \(error.words)"
    case .tooLarge(let name, let limit):
      "object '\(name.path)' is larger than the \(limit) bytes it may have"
    case .unreadable(let name, let errno): "cannot read object '\(name.path)': \(errno.reason)"
    case .missing(let name, let commit):
      "object '\(name.path)' of commit '\(commit.hex)' is missing"
    case .endless(let name, let commit):
      "the tree of commit '\(commit.hex)' has no end at '\(name.path)'"
    case .danglingRef(let refspec, let commit):
      "ref '\(refspec.text)' names commit '\(commit.hex)', which is missing"
    case .foreignRef(let refspec, let commit):
      "ref '\(refspec.text)' names commit '\(commit.hex)', which is for other refs"
    }
  }

  private var kind: String {
    switch self {
    case .damaged: "damaged"
    case .malformed: "malformed"
    case .tooLarge: "too-large"
    case .unreadable: "unreadable"
    case .missing: "missing"
    case .endless: "endless"
    case .danglingRef: "dangling-ref"
    case .foreignRef: "foreign-ref"
    }
  }

  fileprivate var member: JSONValue {
    var object: ObjectName?
    var commit: Checksum?
    switch self {
    case .damaged(let name, _), .malformed(let name, _), .tooLarge(let name, _),
      .unreadable(let name, _):
      object = name
    case .missing(let name, let wanted), .endless(let name, let wanted):
      (object, commit) = (name, wanted)
    case .danglingRef(_, let wanted), .foreignRef(_, let wanted): commit = wanted
    }
    return .object([
      ("kind", .string(kind)), ("object", .string(orNull: object?.path)),
      ("commit", .string(orNull: commit?.hex)), ("message", .string(words)),
    ])
  }
}
