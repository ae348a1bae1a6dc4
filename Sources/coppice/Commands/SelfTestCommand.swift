// SPDX-License-Identifier: Apache-2.0
import Codec
import SelfTest

extension Command {
  /// The checks that run in every build, also on the device.
  static let selfTest = Command(
    "self-test", "runs the checks that are built into the program", isHidden: true
  ) { session throws(Message) in
    let report = SelfTest.run()
    for failure in report.failures { try session.terminal.line("failed: \(failure)") }
    try session.terminal.line(report.summary)
    return Outcome(
      exit: report.holds ? .success : .failed,
      members: [
        ("passed", .integer(Int64(report.passedCount))),
        ("failed", .array(report.failures.map { .string($0) })),
      ])
  }
}
