// SPDX-License-Identifier: Apache-2.0
import Boot
import Codec
import Configuration
import Cryptography
import Deploy
import Linux
import OSTree
import Updater
import Uptane

extension Command {
  static let status = Command(
    "status", "shows the deployments in boot order, and how the last update ended"
  ) { session throws(Message) in
    let sysroot = try session.openSysroot()
    let status = try reporting { () throws(DeployError) in try sysroot.status() }
    let folder = StatusCommand.folder(sysroot, try session.settings())
    let last = folder.flatMap { History(folder: $0).last() }
    let trust = StatusCommand.trust(session, sysroot, try session.settings(), status, folder)
    for line in DeploymentText.lines(status) { try session.terminal.line(line) }
    let slots = StatusCommand.slots(folder, try session.settings())
    for line in StatusCommand.lines(status, trust, slots, last) { try session.terminal.line(line) }
    return Outcome(members: StatusCommand.members(status, slots, last, folder))
  }
}

private enum StatusCommand {
  static func lines(
    _ status: SysrootStatus, _ trust: String?, _ slots: [HandlerSlot], _ last: HistoryEntry?
  ) -> [String] {
    var lines = ["", "boot loader: \(status.loader.word)"]
    if let failure = status.loaderFailure {
      lines.append("trial boots: unknown: \(failure.message.text)")
    } else if status.trialCount == .fellBack {
      lines.append(
        "trial boots: the boot loader fell back; 'coppice mark-good' or 'update' tidies up")
    }
    if !status.loaderFollows {
      lines.append(
        "boot entries: the boot loader's are not in this order yet; "
          + "'coppice mark-good' or 'update' brings them up")
    }
    for rejection in status.rejected {
      lines.append(
        "rejected: \(rejection.deployment.stateroot) \(rejection.deployment.name), noticed at "
          + Timestamp.text(seconds: rejection.at))
    }
    if let trust { lines.append("trust: \(trust)") }
    for slot in slots { lines.append(HandledText.line(slot)) }
    lines.append("clock: \(Timestamp.text(seconds: Clock.wallSeconds))")
    lines.append(
      "free: \(HumanSize.text(status.freeBytes)) in the sysroot, "
        + "\(HumanSize.text(status.bootFreeBytes)) in /boot")
    if let last { lines.append("last: \(self.last(last))") }
    if status.needsReboot {
      lines.append("a restart boots another deployment than the running one")
    }
    return lines
  }

  private static func last(_ entry: HistoryEntry) -> String {
    let times = entry.times > 1 ? ", \(entry.times) times in a row" : ""
    let result = entry.result ?? entry.error ?? "failed"
    return "\(entry.command) at \(Timestamp.text(seconds: entry.at)): \(result) "
      + "(exit code \(entry.exit)\(times))"
  }

  /// Nil where nobody says which stateroot is meant.
  static func folder(_ sysroot: Sysroot, _ settings: Settings) -> String? {
    do throws(DeployError) {
      return try StateFolder.path(
        of: sysroot, stateroot: settings.stateroot, try sysroot.state())
    } catch { return nil }
  }

  /// What handlers have made of their ECUs; nothing where that cannot be read, which `doctor` says.
  static func slots(_ folder: String?, _ settings: Settings) -> [HandlerSlot] {
    guard let folder else { return [] }
    return (try? Handlers(stateFolder: folder, settings).slots()) ?? []
  }

  /// What vouches for the next update; nil where nothing says where it comes from.
  static func trust(
    _ session: Session, _ sysroot: Sysroot, _ settings: Settings, _ status: SysrootStatus,
    _ folder: String?
  ) -> String? {
    switch settings.mode {
    case .uptane: return "both repositories must agree: \(versions(folder, settings.mode))"
    case .tuf: return "the image repository: \(versions(folder, settings.mode))"
    case .none: break
    }
    let current = status.deployments.first { $0.isBooted } ?? status.deployments.first
    let origin = current?.origin?.refspec.flatMap { Refspec($0) }
    guard let name = settings.remote ?? origin?.remote,
      let remote = try? sysroot.repo.remote(name, folder: session.remotesFolder)
    else { return nil }
    if remote.signaturePolicy != .none { return "commits of '\(remote.name)' must be signed" }
    if remote.summarySignaturePolicy != .none {
      return "the summary of '\(remote.name)' must be signed"
    }
    if remote.url.utf8.starts(with: "https:".utf8), !remote.isPermissive {
      return "nothing but TLS vouches for what '\(remote.name)' serves"
    }
    return "nothing vouches for what '\(remote.name)' serves: neither signatures nor TLS"
  }

  private static func versions(_ folder: String?, _ mode: TrustMode) -> String {
    var text = ""
    for repository in mode.repositories {
      if !text.isEmpty { text += ", " }
      text += repository.name
      guard let state = folder.flatMap({ TrustState(repository, folder: $0) }) else {
        text += " has no root yet"
        continue
      }
      text += " root \(state.root)"
      if let targets = state.targets { text += " targets \(targets)" }
      if let expires = state.expires { text += " until \(Timestamp.text(seconds: expires))" }
    }
    return text
  }

  static func members(
    _ status: SysrootStatus, _ slots: [HandlerSlot], _ last: HistoryEntry?, _ folder: String?
  ) -> [(String, JSONValue)] {
    [
      ("schema", .string("coppice.status/1")),
      ("sysroot", .string(status.path)),
      ("bootloader", .string(status.loader.word)),
      ("deployments", .array(status.deployments.map { DeploymentText.member($0) })),
      ("staged", status.staged.map { DeploymentText.member(staged: $0) } ?? .null),
      ("fell_back", status.trialCount.map { .boolean($0 == .fellBack) } ?? .null),
      ("rejected", .array(status.rejected.map { member($0) })),
      (
        "trust",
        .object([("director", member(folder, .director)), ("image", member(folder, .image))])
      ),
      ("handled", .array(slots.map { HandledText.member($0) })),
      (
        "space",
        .object([
          ("sysroot", .object([("free_bytes", .unsigned(status.freeBytes))])),
          ("boot", .object([("free_bytes", .unsigned(status.bootFreeBytes))])),
        ])
      ),
      ("last", last.map { member($0) } ?? .null),
      ("reboot_required", .boolean(status.needsReboot)),
    ]
  }

  private static func member(_ folder: String?, _ repository: Repository) -> JSONValue {
    guard let state = folder.flatMap({ TrustState(repository, folder: $0) }) else { return .null }
    return .object([
      ("root", .integer(state.root)),
      ("targets", state.targets.map { .integer($0) } ?? .null),
      ("expires", .string(orNull: state.expires.map { Timestamp.text(seconds: $0) })),
    ])
  }

  private static func member(_ rejection: TrialRecord.Rejection) -> JSONValue {
    .object([
      ("stateroot", .string(rejection.deployment.stateroot)),
      ("checksum", .string(rejection.deployment.commit.hex)),
      ("serial", .integer(Int64(rejection.deployment.serial))),
      ("at", .string(Timestamp.text(seconds: rejection.at))),
    ])
  }

  private static func member(_ entry: HistoryEntry) -> JSONValue {
    .object([
      ("command", .string(entry.command)), ("exit", .integer(Int64(entry.exit))),
      ("result", .string(orNull: entry.result)),
      ("at", .string(Timestamp.text(seconds: entry.at))),
      ("commit", .string(orNull: entry.commit?.hex)), ("error", .string(orNull: entry.error)),
      ("times", .integer(entry.times)),
    ])
  }
}
