// SPDX-License-Identifier: Apache-2.0
import Codec
import Configuration
import Deploy
import Linux
import Updater

/// The health checks of `mark-good --health`, and what they come to.
enum HealthCommand {
  static func run(_ session: Session) throws(Message) -> [HealthResult] {
    let folders = try session.settings().healthChecks + Health.greenbootFolders
    let seconds = session.arguments.number("health-timeout") ?? UInt64(Health.limitSecondsDefault)
    guard let limit = Int(exactly: seconds), limit > 0, limit <= 86_400 else {
      throw Message(.usage, "bad-value", "'--health-timeout' is 1 to 86400 seconds, not \(seconds)")
    }
    let results = try reporting { () throws(UpdaterError) in
      try Health(folders, limitSeconds: limit).run { session.terminal.debug("running '\($0)'") }
    }
    for result in results where !result.hasPassed {
      session.terminal.warn(
        "\(result.isRequired ? "required" : "wanted") check '\(result.path)' \(words(result.end))")
    }
    return results
  }

  /// Nil if all required checks have passed.
  static func failure(_ results: [HealthResult]) -> Message? {
    let failed = results.filter { $0.isRequired && !$0.hasPassed }
    guard let first = failed.first else { return nil }
    let count = failed.count == 1 ? "1 required check" : "\(failed.count) required checks"
    return Message(
      .failed, "unhealthy", "\(count) failed: the running deployment is not called good",
      hint: "'\(first.path)' tells why when it is run by hand", path: first.path)
  }

  /// Restarts the machine, so that the boot loader counts on: only while the running deployment is
  /// on trial. One that was proven is not sent round in circles by a check that fails later.
  static func restart(_ session: Session) -> Bool {
    guard session.arguments.isFlag("reboot"), let sysroot = try? session.openSysroot(),
      let status = try? sysroot.status(),
      let running = status.deployments.first(where: { $0.isBooted }), case .trial = running.proof
    else { return false }
    do throws(Errno) { try Process.reboot() } catch {
      session.terminal.warn("cannot restart the machine: \(error.reason)")
      return false
    }
    return true
  }

  private static func words(_ end: HealthResult.End) -> String {
    switch end {
    case .ended(let end): end.words
    case .notStarted(let errno): "could not be started: \(errno.reason)"
    }
  }

  private static func word(_ end: HealthResult.End) -> String {
    switch end {
    case .ended(.exited(0)): "passed"
    case .ended(.timedOut): "timed-out"
    case .ended: "failed"
    case .notStarted: "not-started"
    }
  }

  static func member(_ results: [HealthResult]) -> JSONValue {
    .array(
      results.map { result in
        .object([
          ("path", .string(result.path)), ("required", .boolean(result.isRequired)),
          ("result", .string(word(result.end))),
          ("seconds", .decimal(PullCommand.seconds(result.milliseconds))),
        ])
      })
  }
}
