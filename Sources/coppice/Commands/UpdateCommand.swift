// SPDX-License-Identifier: Apache-2.0
import Codec
import Configuration
import Cryptography
import Deploy
import Linux
import OSTree
import Pull
import Updater
import Uptane

extension Command {
  static let update = Command(
    "update", "brings the device to what its server has: the one-shot job for cron",
    details: "Checks, plans, pulls, verifies and deploys what '[device] remote' and 'ref' of the "
      + "configuration name, or, without them, what the running deployment came from. Running it "
      + "again at any point continues where it stopped.",
    options: [
      Update.from, Downgrade.option, DeltaText.option,
      Option("no-deploy", help: "fetch and verify only"),
      Option("reboot", help: "restart the machine if something was deployed"),
      Option("force", help: "deploy also what is deployed already, or was rejected before"),
    ]
  ) { session throws(Message) in
    let history = Update.Recorder(session)
    let report: UpdateReport
    do throws(Message) {
      try session.prepareForWriting()
      report = try Update.run(session, try session.updater(history))
    } catch {
      history.record(error)
      throw error
    }
    history.record(.success, result: report.result, report.check.commit)
    try Update.show(session, report)
    return Outcome(members: Update.members(report), failure: try Update.restart(session, report))
  }
}

/// Going back in time, of `pull`, `check`, `plan` and `update`; named as in `ostree admin upgrade`.
enum Downgrade {
  static let option = Option(
    "allow-downgrade", help: "take also a commit that is older than the one that is here")
}

/// What `update`, `check` and `plan` have in common, and what they say.
enum Update {
  static let from = Option(
    "from", .text("DIR|URL"),
    help: "pull from this repo instead of the remote's URL, with the same checks")

  static func options(_ arguments: Arguments) -> UpdateOptions {
    var options = UpdateOptions()
    options.from = arguments.value("from")
    options.allowsDowngrade = arguments.isFlag(Downgrade.option.name)
    options.usesDeltas = !arguments.isFlag(DeltaText.option.name)
    options.deploys = !arguments.isFlag("no-deploy")
    options.isForced = arguments.isFlag("force")
    return options
  }

  fileprivate static func run(
    _ session: Session, _ updater: Updater
  ) throws(Message) -> UpdateReport {
    let wanted = options(session.arguments)
    Process.catchInterrupts()
    return try session.showingEnd { () throws(UpdaterError) in
      try updater.update(wanted) { session.progress.update(state($0)) }
    }
  }

  static func state(_ step: UpdateStep) -> ProgressState {
    switch step {
    case .pulling(let progress): PullCommand.state(progress)
    case .fetching(let progress):
      ProgressState(
        phase: "apps", done: progress.doneBytes, total: progress.totalBytes, unit: .bytes,
        object: progress.name)
    case .handling(let verb, let target):
      ProgressState(phase: "apps", object: "\(verb.rawValue) \(target)")
    case .deploying(let commit):
      ProgressState(phase: "deploy", total: 1, object: commit.hex)
    }
  }

  // MARK: words

  fileprivate static func show(_ session: Session, _ report: UpdateReport) throws(Message) {
    let terminal = session.terminal
    Update.warn(session, report.check)
    let name = name(report.check)
    if let fallback = report.fallback { MarkGoodCommand.warn(fallback, session) }
    if let failure = report.reportFailure {
      terminal.warn("the server does not know all of this yet: \(failure.message.text)")
    }
    HandledText.warn(report.handled, nil, session)
    try HandledText.show(report.handled, session)
    if let pull = report.pull {
      DeltaText.show(pull.deltas, session)
      try terminal.line(PullCommand.text(pull, report.milliseconds))
    }
    switch report.result {
    case .upToDate: try terminal.line("up to date: \(name)")
    case .downloaded: try terminal.line("downloaded: \(name)")
    case .deployed: try terminal.line("deployed: \(name)")
    case .applied: try terminal.line("applied: \(name)")
    case .awaitingProof:
      try terminal.line(
        report.pull == nil
          ? "awaiting proof: \(name) is on trial"
          : "awaiting proof: \(name) is fetched and waits until the deployment on trial is proven")
    case .rejectedBefore:
      try terminal.line(
        "rejected before: \(name) was tried here and fell back; '--force' tries it again")
    }
    for path in report.deploy?.removed ?? [] { terminal.debug("removed '\(path)'") }
    DeployCommand.warn(
      report.deploy?.cleanupFailure, trial: report.deploy?.trialFailure, session)
    if let failure = report.pruneFailure {
      terminal.warn("objects that nothing needs are still there: \(failure.message.text)")
    }
    if report.needsReboot,
      report.result == .deployed || report.result == .upToDate
        || report.result == .applied
    {
      try terminal.line("reboot to start it")
    }
  }

  /// What the owner of the device should know about the branch.
  static func warn(_ session: Session, _ check: UpdateCheck) {
    guard case .branch = check.source else { return }
    let ref = check.source.refspec.text
    if let text = check.endOfLife { session.terminal.warn("'\(ref)' is at its end: \(text)") }
    if let next = check.endOfLifeRebase {
      session.terminal.warn("'\(ref)' goes on as '\(next)': set 'ref' in '[device]'")
    }
  }

  /// What the server wants; what runs where it wants nothing new.
  static func name(_ check: UpdateCheck) -> String {
    if let commit = check.commit { return name(check.version, commit) }
    if let first = check.handled.first?.job.target.name {
      return check.handled.count > 1 ? "\(first) and \(check.handled.count - 1) more" : first
    }
    return check.deployed.map { name(check.deployedVersion, $0.commit) } ?? "nothing is assigned"
  }

  /// For example `2.0 (ed05f417b8cb)`.
  static func name(_ version: String?, _ commit: Checksum) -> String {
    let digits = commit.hex.prefix(12)
    return version.map { "\($0) (\(digits))" } ?? String(digits)
  }

  // MARK: JSON

  fileprivate static func members(_ report: UpdateReport) -> [(String, JSONValue)] {
    let pull = report.pull
    return [("result", .string(report.result.rawValue))] + members(report.check) + [
      (
        "fetched",
        .object([
          ("metadata", .unsigned(pull?.fetchedMetadata ?? 0)),
          ("content", .unsigned(pull?.fetchedContent ?? 0)),
          ("bytes", .unsigned(pull?.fetchedBytes ?? 0)),
        ])
      ),
      ("reused", .unsigned(pull?.reused ?? 0)),
      ("deltas", DeltaText.member(pull?.deltas ?? [])),
      ("written_bytes", .unsigned(pull?.writtenBytes ?? 0)),
      ("handled", HandledText.member(report.handled)),
      ("removed", .array((report.deploy?.removed ?? []).map { .string($0) })),
      ("pruned_objects", .unsigned(report.prune?.removedObjects ?? 0)),
      ("deployment", report.deploy.map { deployment($0.deployment) } ?? .null),
      ("trial_boots", report.deploy?.trialBoots.map { .integer(Int64($0)) } ?? .null),
      ("fallback", report.fallback.map { MarkGoodCommand.member($0) } ?? .null),
      ("settled", report.settled.map { .string($0 ? "installed" : "failed") } ?? .null),
      ("reported", report.isReported.map { .boolean($0) } ?? .null),
      ("next", report.next.map(deployment) ?? .null),
      ("reboot_required", .boolean(report.needsReboot)),
      ("seconds", .decimal(PullCommand.seconds(report.milliseconds))),
      ("peak_rss_bytes", .unsigned(Process.usage.peakBytes)),
    ]
  }

  static func members(_ check: UpdateCheck) -> [(String, JSONValue)] {
    [
      ("remote", .string(check.source.remote.name)),
      ("ref", .string(check.source.refspec.ref)),
      ("target", .string(orNull: check.source.offer?.target?.path)),
      ("targets", .array(check.handled.map { HandledText.member($0) })),
      ("correlation_id", .string(orNull: check.source.offer?.correlationID)),
      ("commit", .string(orNull: check.commit?.hex)), ("version", .string(orNull: check.version)),
      ("timestamp", check.timestamp.map { .unsigned($0) } ?? .null),
      (
        "date",
        check.timestamp.map { .string(Timestamp.text(seconds: Int64(clamping: $0))) } ?? .null
      ),
      (
        "deployed",
        check.deployed.map {
          .object([
            ("stateroot", .string($0.stateroot)), ("checksum", .string($0.commit.hex)),
            ("serial", .integer(Int64($0.serial))),
            ("version", .string(orNull: check.deployedVersion)),
          ])
        } ?? .null
      ),
      ("end_of_life", .string(orNull: check.endOfLife)),
      ("end_of_life_rebase", .string(orNull: check.endOfLifeRebase)),
    ]
  }

  static func deployment(_ deployment: Deployment) -> JSONValue {
    .object([
      ("stateroot", .string(deployment.stateroot)), ("checksum", .string(deployment.commit.hex)),
      ("serial", .integer(Int64(deployment.serial))),
    ])
  }

  // MARK: reboot

  /// Restarts the machine if that was asked for and this run has something new to start: a board
  /// that fell back to its old tree must not be sent round in circles.
  fileprivate static func restart(
    _ session: Session, _ report: UpdateReport
  ) throws(Message) -> Message? {
    let isAsked = session.arguments.isFlag("reboot")
    let isPolicy = try session.settings().reboot == .now
    let isNew =
      report.result == .deployed || report.result == .applied && report.handled.needsRestart
    guard isAsked || isPolicy, isNew else { return nil }
    guard report.needsReboot else {
      if isAsked {
        session.terminal.warn("not restarting: this system does not run from '\(session.sysroot)'")
      }
      return nil
    }
    // The machine shall restart also where nobody hears what is said.
    _ = try? session.terminal.flush()
    do throws(Errno) { try Process.reboot() } catch {
      return Message(
        .failed, "reboot-failed", "cannot restart the machine: \(error.reason)",
        hint: "the update is deployed; restart the machine yourself")
    }
    return nil
  }
}

extension Update {
  /// Keeps how the run ended, once it is known where.
  final class Recorder: Sendable {
    private let session: Session
    private let place = Guarded<History?>(nil)

    init(_ session: Session) { self.session = session }

    func keep(in folder: String) { place.withLock { $0 = History(folder: folder) } }

    func record(_ exit: ExitCode, result: UpdateResult, _ commit: Checksum?) {
      record(
        HistoryEntry(
          command: "update", exit: exit.rawValue, result: result.rawValue, at: Clock.wallSeconds,
          commit: commit))
    }

    func record(_ message: Message) {
      record(
        HistoryEntry(
          command: "update", exit: message.exit.rawValue, at: Clock.wallSeconds,
          error: message.name))
    }

    /// A state folder that cannot be written to is no reason for an update to fail.
    private func record(_ entry: HistoryEntry) {
      guard let history = place.withLock({ $0 }) else { return }
      do throws(Errno) { try history.record(entry) } catch {
        session.terminal.warn("cannot keep the result in '\(history.path)': \(error.reason)")
      }
    }
  }
}

extension Session {
  /// What works on the sysroot by the configuration. `history` learns where results are kept.
  func updater(_ history: Update.Recorder? = nil) throws(Message) -> Updater {
    let settings = try settings()
    let sysroot = try openSysroot()
    if let history {
      // Where it is not clear which system is meant, there is no place to keep anything.
      let folder = try? StateFolder.path(
        of: sysroot, stateroot: settings.stateroot, try sysroot.state())
      if let folder { history.keep(in: folder) }
    }
    return Updater(sysroot, settings, remotesFolder: remotesFolder)
  }
}
