// SPDX-License-Identifier: Apache-2.0
import Codec
import Cryptography
import Deploy
import Linux
import Updater

extension Command {
  static let check = Command(
    "check", "asks the server whether there is an update",
    details: "Exit code 10 if there is one, 0 if not. What was tried here and fell back is none. "
      + "Changes nothing.",
    options: [Update.from, Downgrade.option]
  ) { session throws(Message) in
    let updater = try session.updater()
    Process.catchInterrupts()
    let options = Update.options(session.arguments)
    let check = try reporting { () throws(UpdaterError) in try updater.check(options) }
    Update.warn(session, check)
    let name = Update.name(check)
    let isNew = check.isNew
    if check.isRejected {
      try session.terminal.line("rejected before: \(name)")
    } else if isNew {
      let deployed = check.deployed.map { Update.name(check.deployedVersion, $0.commit) }
      try session.terminal.line(
        "update available: \(name)\(deployed.map { ", deployed is \($0)" } ?? "")")
    } else {
      try session.terminal.line("up to date: \(name)")
    }
    return Outcome(
      exit: isNew ? .updateAvailable : .success,
      members: [("update_available", .boolean(isNew))] + Update.members(check))
  }

  static let plan = Command(
    "plan", "says what an update would fetch, write and need, before the first file moves",
    details: "Fetches the folders of the commit and their metadata, which the update then need "
      + "not fetch again. Bytes are known where the commit carries 'ostree.sizes'.",
    options: [Update.from, Downgrade.option, DeltaText.option]
  ) { session throws(Message) in
    try session.prepareForWriting()
    let updater = try session.updater()
    Process.catchInterrupts()
    let options = Update.options(session.arguments)
    let plan = try session.showingEnd { () throws(UpdaterError) in
      try updater.plan(options) { session.progress.update(Update.state($0)) }
    }
    Update.warn(session, plan.check)
    DeltaText.show(plan.deltas, session)
    for line in PlanText.lines(plan) { try session.terminal.line(line) }
    return Outcome(members: PlanText.members(plan))
  }
}

/// A plan in words and in JSON.
private enum PlanText {
  static func lines(_ plan: UpdatePlan) -> [String] {
    let name = Update.name(plan.check)
    var lines = [plan.check.isNew ? "update available: \(name)" : "up to date: \(name)"]
    lines.append("to fetch:    \(plan.content) files, \(bytes(plan.contentBytes))")
    lines += DeltaText.lines(plan.deltas)
    lines.append("here:        \(plan.reused) files")
    lines.append("to write:    \(bytes(plan.writtenBytes))")
    for room in [plan.sysroot, plan.boot] + (plan.systemPartition.map { [$0] } ?? []) {
      var line = "'\(room.path)' needs \(bytes(room.neededBytes)), has "
      line += HumanSize.text(room.freeBytes)
      if room.reservedBytes > 0 {
        line += ", of which \(HumanSize.text(room.reservedBytes)) are reserved"
      }
      if room.isEnough == false { line += ": not enough" }
      lines.append(line)
    }
    for target in plan.check.newTargets {
      let wanted = target.job.target
      lines.append(
        "to hand over: target \(wanted.name), \(HumanSize.text(wanted.content.lengthBytes))")
    }
    for deployment in plan.removed {
      lines.append("to remove:   deployment \(deployment.stateroot) \(deployment.name)")
    }
    return lines
  }

  private static func bytes(_ count: UInt64?) -> String {
    count.map { HumanSize.text($0) } ?? "an unknown number of bytes"
  }

  static func members(_ plan: UpdatePlan) -> [(String, JSONValue)] {
    [("update_available", .boolean(plan.check.isNew))] + Update.members(plan.check) + [
      (
        "fetched",
        .object([
          ("metadata", .unsigned(plan.fetchedMetadata)), ("bytes", .unsigned(plan.fetchedBytes)),
        ])
      ),
      (
        "to_fetch",
        .object([("content", .unsigned(plan.content)), ("bytes", number(plan.contentBytes))])
      ),
      ("deltas", DeltaText.member(plan.deltas)),
      ("reused", .unsigned(plan.reused)),
      ("to_write_bytes", number(plan.writtenBytes)),
      (
        "space",
        .object([
          ("sysroot", room(plan.sysroot)), ("boot", room(plan.boot)),
          ("efi", plan.systemPartition.map(room) ?? .null),
        ])
      ),
      ("to_remove", .array(plan.removed.map(Update.deployment))),
    ]
  }

  private static func room(_ room: RoomNeeded) -> JSONValue {
    .object([
      ("path", .string(room.path)), ("needed_bytes", number(room.neededBytes)),
      ("free_bytes", .unsigned(room.freeBytes)), ("reserved_bytes", .unsigned(room.reservedBytes)),
      ("enough", room.isEnough.map { .boolean($0) } ?? .null),
    ])
  }

  private static func number(_ count: UInt64?) -> JSONValue {
    count.map { .unsigned($0) } ?? .null
  }
}
