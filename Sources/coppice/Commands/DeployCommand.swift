// SPDX-License-Identifier: Apache-2.0
import Boot
import Codec
import Configuration
import Cryptography
import Deploy
import OSTree
import Updater

extension Command {
  static let deploy = Command(
    "deploy", "makes a deployment of a commit and puts it first in boot order",
    operands: [.one("REFSPEC|CHECKSUM")],
    options: [
      Option("stateroot", .text("NAME"), help: "the stateroot that it becomes a part of"),
      Option(
        "karg", .text("K=V"), repeats: true,
        help: "set a kernel argument, in place of those of the same name"),
      Option("karg-append", .text("K=V"), repeats: true, help: "append a kernel argument"),
      Option("karg-delete", .text("K[=V]"), repeats: true, help: "delete a kernel argument"),
      Option(
        "merge", .choice(["now", "boot"]),
        help: "when changes in /etc are carried over: now, or once more at the first boot"),
      Option("retain", help: "keep all other deployments"),
      Option(
        "trial", .number("N"),
        help: "fall back after N starts without 'mark-good' (default: 'trial-boots'; 0: never)"),
      Option("no-merge", help: "take neither /etc nor kernel arguments from another deployment"),
    ]
  ) { session throws(Message) in
    let sysroot = try session.writableSysroot()
    let revision = session.arguments.operands[0]
    let options = try DeployCommand.options(session.arguments, try session.settings())
    session.progress.update(ProgressState(phase: "deploy"))
    let report = try session.showingEnd { () throws(DeployError) in
      let lock = try sysroot.lock()
      let commit = try DeployCommand.resolve(revision, in: sysroot.repo)
      return try sysroot.deploy(commit, origin: Origin(refspec: revision), options, lock)
    }
    try session.terminal.line(try DeployCommand.text(report, sysroot))
    if session.arguments.number("trial") ?? 0 > 0, report.trialBoots == nil {
      session.terminal.warn(
        "not tried: boot loader '\(sysroot.loader.word)' does not count, nothing runs from "
          + "'\(sysroot.path)', or there is nothing to fall back on")
    }
    DeployCommand.warn(report.cleanupFailure, trial: report.trialFailure, session)
    return Outcome(members: try DeployCommand.members(report, sysroot))
  }
}

extension Session {
  /// Runs `body`, whose end is also the end of the progress.
  func showingEnd<R, E: Reportable>(_ body: () throws(E) -> R) throws(Message) -> R {
    do throws(E) {
      let result = try body()
      progress.finish()
      return result
    } catch {
      progress.finish()
      throw error.message
    }
  }
}

/// What a deploy is told, and what it tells.
enum DeployCommand {
  fileprivate static func options(
    _ arguments: Arguments, _ settings: Settings
  ) throws(Message) -> DeployOptions {
    var options = DeployOptions()
    options.stateroot = arguments.value("stateroot") ?? settings.stateroot
    options.argumentChanges = changes(
      arguments, replace: "karg", append: "karg-append", delete: "karg-delete")
    options.merges = !arguments.isFlag("no-merge")
    options.verifiesObjects = true
    let merge = arguments.value("merge").flatMap { MergeTime(rawValue: $0) } ?? settings.merge
    options.lateMerge = LateMerge(merge)
    options.trialBoots = settings.trialBoots
    if let trial = arguments.number("trial") {
      guard let boots = Int(exactly: trial), boots <= TrialLimit.bootsMax else {
        throw Message(
          .usage, "bad-value", "'--trial' is at most \(TrialLimit.bootsMax), not \(trial)")
      }
      options.trialBoots = boots
    }
    if arguments.isFlag("retain") { options.retention = .all }
    return options
  }

  /// Changes of kernel arguments, in the order in which they were asked for.
  static func changes(
    _ arguments: Arguments, replace: String, append: String, delete: String
  ) -> [KernelArgumentChange] {
    arguments.occurrences(of: [replace, append, delete]).map { name, value in
      name == replace ? .replace(value) : name == append ? .append(value) : .delete(value)
    }
  }

  fileprivate static func resolve(
    _ revision: String, in repo: Repo
  ) throws(DeployError) -> Checksum {
    do throws(OSTreeError) { return try repo.resolve(revision) } catch { throw .ostree(error) }
  }

  /// What was done holds; what it has made superfluous could not be removed.
  static func warn(
    _ failure: DeployError?, trial: DeployError? = nil, _ session: Session
  ) {
    if let message = trial?.message {
      session.terminal.warn(
        "the trial of the deployment before it may still be counted, until 'coppice mark-good': "
          + message.text)
    }
    guard let message = failure?.message else { return }
    session.terminal.warn("what nothing needs any more is still there: \(message.text)")
  }

  /// As `ostree admin deploy` says it.
  static func text(_ report: DeployReport, _ sysroot: Sysroot) throws(Message) -> String {
    try text(report.change, sysroot, countChange: report.countAfter - report.countBefore)
  }

  static func text(
    _ change: BootChange, _ sysroot: Sysroot, countChange: Int
  ) throws(Message) -> String {
    let state = try reporting { () throws(DeployError) in try sysroot.state() }
    let version = "boot.\(state.bootVersion?.rawValue ?? 0).\(state.linkVersion.rawValue)"
    let isSwapped = if case .swapped = change { true } else { false }
    return "\(isSwapped ? "Bootloader updated" : "Transaction complete"); "
      + "bootconfig swap: \(isSwapped ? "yes" : "no"); bootversion: \(version), "
      + "deployment count change: \(countChange)"
  }

  static func members(
    _ report: DeployReport, _ sysroot: Sysroot
  ) throws(Message) -> [(String, JSONValue)] {
    let status = try reporting { () throws(DeployError) in try sysroot.status() }
    let made = status.deployments.first { $0.deployment.isSame(as: report.deployment) }
    return [
      ("deployment", made.map { DeploymentText.member($0) } ?? .null),
      ("bootconfig_swap", .boolean(isSwap(report.change))),
      ("deployment_count", .integer(Int64(report.countAfter))),
      ("trial_boots", report.trialBoots.map { .integer(Int64($0)) } ?? .null),
      ("etc", etc(report.etc)),
      ("removed", .array(report.removed.map { .string($0) })),
      ("reboot_required", .boolean(status.needsReboot)),
    ]
  }

  static func isSwap(_ change: BootChange) -> Bool {
    if case .swapped = change { return true }
    return false
  }

  private static func etc(_ merge: EtcMerge?) -> JSONValue {
    guard let merge else { return .null }
    return .object([
      ("modified", .integer(Int64(merge.changes.modified.count))),
      ("removed", .integer(Int64(merge.changes.removed.count))),
      ("added", .integer(Int64(merge.changes.added.count))),
      ("left_out", .array(merge.leftOut.map { .string($0) })),
    ])
  }
}
