// SPDX-License-Identifier: Apache-2.0
import Codec
import Cryptography
import Deploy
import Updater

extension Command {
  static let markGood = Command(
    "mark-good", "says that the running deployment works: ends its trial",
    details: "Run it when the system is up, for example from 'coppice-mark-good.service'. Where "
      + "the board fell back from a deployment that failed its trial, that one is taken out of "
      + "boot order and not deployed again by itself. Running it twice changes nothing. Checks are "
      + "executable files in 'required.d' and 'wanted.d' of the folders that 'health-checks' of "
      + "the configuration names, and of greenboot's. Where targets came with the deployment, "
      + "their handlers are asked as well.",
    options: [
      Option(
        "health", help: "run the health checks first; if a required one fails, it is not good"),
      Option(
        "health-timeout", .number("SECONDS"),
        help: "how long one check may take (default: \(Health.limitSecondsDefault))"),
      Option(
        "reboot", help: "restart the machine if a check fails and the deployment is on trial"),
    ]
  ) { session throws(Message) in
    var checks: [HealthResult] = []
    if session.arguments.isFlag("health") {
      checks = try HealthCommand.run(session)
      if let failure = HealthCommand.failure(checks) {
        let isRestarting = HealthCommand.restart(session)
        return Outcome(
          members: [
            ("result", .string("unhealthy")), ("checks", HealthCommand.member(checks)),
            ("handled", .null), ("restarting", .boolean(isRestarting)),
          ], failure: failure)
      }
    }
    try session.prepareForWriting()
    let updater = try session.updater()
    let proof = try reporting { () throws(UpdaterError) in
      try updater.markGood { session.terminal.debug("handler: \($0.rawValue) '\($1)'") }
    }
    HandledText.warn(proof.handled, proof.handlersFailure, session)
    guard let report = proof.markGood else {
      let isRestarting = HealthCommand.restart(session)
      return Outcome(
        members: [
          ("result", .string("unhealthy")), ("checks", HealthCommand.member(checks)),
          ("handled", HandledText.member(proof.handled)), ("restarting", .boolean(isRestarting)),
        ], failure: HandledText.failure(proof.handled))
    }
    let sysroot = updater.sysroot
    let name = "'\(report.deployment.name)' of '\(report.deployment.stateroot)'"
    if let fallback = report.fallback { MarkGoodCommand.warn(fallback, session) }
    try session.terminal.line("\(name) is \(report.isNew ? "now" : "already") proven")
    let result = report.fallback != nil ? "fell-back" : report.isNew ? "proven" : "already-proven"
    let status = try reporting { () throws(DeployError) in try sysroot.status() }
    return Outcome(members: [
      ("result", .string(result)),
      ("checks", HealthCommand.member(checks)),
      ("handled", HandledText.member(proof.handled)),
      ("deployment", Update.deployment(report.deployment)),
      ("fallback", report.fallback.map { MarkGoodCommand.member($0) } ?? .null),
      ("deployments", .array(status.deployments.map { DeploymentText.member($0) })),
    ])
  }
}

/// What is said about a fallback, whoever notices it.
enum MarkGoodCommand {
  static func warn(_ fallback: FallbackReport, _ session: Session) {
    if let rejected = fallback.rejected {
      session.terminal.warn(
        "'\(rejected.name)' of '\(rejected.stateroot)' did not prove itself: it is rejected, and "
          + "'\(fallback.booted.name)' stays")
    } else {
      session.terminal.warn("the boot loader fell back to '\(fallback.booted.name)'")
    }
    DeployCommand.warn(fallback.cleanupFailure, session)
  }

  static func member(_ fallback: FallbackReport) -> JSONValue {
    .object([
      (
        "rejected",
        fallback.rejected.map {
          .object([
            ("stateroot", .string($0.stateroot)), ("checksum", .string($0.commit.hex)),
            ("serial", .integer(Int64($0.serial))),
          ])
        } ?? .null
      ),
      ("booted", Update.deployment(fallback.booted)),
    ])
  }
}
