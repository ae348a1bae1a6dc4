// SPDX-License-Identifier: Apache-2.0
import Codec
import Cryptography
import Updater

/// What is said about targets that handlers take care of.
enum HandledText {
  static func warn(_ report: HandlerReport, _ failure: UpdaterError?, _ session: Session) {
    if let failure {
      session.terminal.warn("handlers were not called: \(failure.message.text)")
    }
    for failure in report.failures { session.terminal.warn(failure.message.text) }
    for name in report.rejected {
      session.terminal.warn("target '\(name)' was taken back before and is not tried again")
    }
  }

  static func show(_ report: HandlerReport, _ session: Session) throws(Message) {
    for name in report.reverted { try session.terminal.line("taken back: target \(name)") }
    for name in report.applied { try session.terminal.line("applied: target \(name)") }
    for name in report.proven { try session.terminal.line("proven: target \(name)") }
    if report.needsRestart { try session.terminal.line("a handler waits for a restart") }
  }

  /// Why the running system is not called good.
  static func failure(_ report: HandlerReport) -> Message {
    let first = report.failures.first
    return Message(
      .failed, "unhealthy",
      "target '\(first?.target ?? "")' is not well: the running deployment is not called good",
      hint: "what its handler said is above", path: first?.handler)
  }

  static func member(_ report: HandlerReport) -> JSONValue {
    .object([
      ("applied", names(report.applied)), ("proven", names(report.proven)),
      ("reverted", names(report.reverted)), ("rejected", names(report.rejected)),
      ("restart_required", .boolean(report.needsRestart)),
      (
        "failures",
        .array(
          report.failures.map {
            .object([
              ("verb", .string($0.verb.rawValue)), ("target", .string($0.target)),
              ("handler", .string($0.handler)), ("message", .string($0.message.text)),
            ])
          })
      ),
    ])
  }

  static func member(_ offered: OfferedTarget) -> JSONValue {
    let (target, job) = (offered.job.target, offered.job)
    return .object([
      ("name", .string(target.name)), ("version", .string(orNull: target.version)),
      ("format", .string(target.format)), ("length", .unsigned(target.content.lengthBytes)),
      ("ecu", .string(job.ecu.serial)), ("hardware_id", .string(job.ecu.hardwareID)),
      ("deployment", .string(orNull: job.system?.commit.hex)),
    ])
  }

  // MARK: What is there

  /// For example `docker-compose: apps-6.lock.yml; apps-7.lock.yml is to be verified`.
  static func line(_ slot: HandlerSlot) -> String {
    var line = "\(slot.ecu.hardwareID): \(slot.proven?.name ?? "nothing proven")"
    if let attempt = slot.attempt { line += "; \(attempt.target.name) \(words(attempt.phase))" }
    if let rejected = slot.rejected.first { line += "; \(rejected.name) was taken back" }
    return line
  }

  private static func words(_ phase: HandlerSlot.Phase) -> String {
    switch phase {
    case .applying: "is to be applied"
    case .applied: "is to be verified"
    case .restart: "waits for a restart"
    case .verified: "is well and waits for its system to be proven"
    case .reverting: "is to be taken back"
    }
  }

  static func member(_ slot: HandlerSlot) -> JSONValue {
    .object([
      ("handler", .string(slot.handler)), ("ecu", .string(slot.ecu.serial)),
      ("hardware_id", .string(slot.ecu.hardwareID)),
      ("proven", slot.proven.map(member) ?? .null),
      (
        "attempt",
        slot.attempt.map { attempt in
          .object([
            ("target", member(attempt.target)), ("phase", .string(attempt.phase.rawValue)),
            ("deployment", .string(orNull: attempt.system?.commit.hex)),
          ])
        } ?? .null
      ),
      ("rejected", .array(slot.rejected.map(member))),
    ])
  }

  private static func member(_ target: HandledTarget) -> JSONValue {
    .object([
      ("name", .string(target.name)), ("version", .string(orNull: target.version)),
      ("format", .string(target.format)), ("length", .unsigned(target.content.lengthBytes)),
    ])
  }

  private static func names(_ names: [String]) -> JSONValue {
    .array(names.map { .string($0) })
  }
}
