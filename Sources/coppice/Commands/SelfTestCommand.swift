// SPDX-License-Identifier: Apache-2.0
import Codec
import SelfTest

extension Command {
  /// The checks that run in every build, also on the device.
  static let selfTest = Command(
    "self-test", "runs the checks that are built into the program",
    options: [
      Option("uptane-vectors", .text("DIR"), help: "play a folder of Uptane vectors instead")
    ], isHidden: true
  ) { session throws(Message) in
    let vectors = session.arguments.value("uptane-vectors")
    let report = vectors.map { SelfTest.run(uptaneVectors: $0) } ?? SelfTest.run()
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
