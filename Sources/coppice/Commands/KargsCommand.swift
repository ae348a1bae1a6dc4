// SPDX-License-Identifier: Apache-2.0
import Boot
import Codec
import Configuration
import Deploy

extension Command {
  static let kargs = Command(
    "kargs", "shows or edits kernel arguments",
    details: "Edits make a new deployment of the same commit, which is put first. What is shown "
      + "and edited is the deployment that boots next.",
    options: [
      Option("append", .text("K=V"), repeats: true, help: "append an argument"),
      Option("delete", .text("K[=V]"), repeats: true, help: "delete an argument"),
      Option(
        "replace", .text("K=V"), repeats: true,
        help: "set an argument, in place of those of the same name"),
      Option("index", .number("N"), help: "show or edit deployment N"),
    ]
  ) { session throws(Message) in
    let changes = DeployCommand.changes(
      session.arguments, replace: "replace", append: "append", delete: "delete")
    let index = session.arguments.number("index").map { Int(clamping: $0) }
    if changes.isEmpty {
      let sysroot = try session.openSysroot()
      let deployment = try reporting { () throws(DeployError) in
        let state = try sysroot.state()
        return try index == nil ? sysroot.nextDeployment(state) : sysroot.deployment(index, state)
      }
      try session.terminal.line(deployment.entry.options)
      return Outcome(members: [member(deployment.arguments)])
    }
    let sysroot = try session.writableSysroot()
    let boots = try session.settings().trialBoots
    let report = try reporting { () throws(DeployError) in
      let lock = try sysroot.lock()
      return try sysroot.editKernelArguments(changes, of: index, trialBoots: boots, lock)
    }
    guard let report else {
      try session.terminal.line("no change: the kernel arguments are as wanted")
      return Outcome(members: [("changed", .boolean(false))])
    }
    try session.terminal.line(try DeployCommand.text(report, sysroot))
    DeployCommand.warn(report.cleanupFailure, trial: report.trialFailure, session)
    let members = [("changed", JSONValue.boolean(true)), member(report.deployment.arguments)]
    return Outcome(members: members + (try DeployCommand.members(report, sysroot)))
  }

  private static func member(_ arguments: KernelArguments) -> (String, JSONValue) {
    ("kernel_arguments", .array(arguments.arguments.map { .string($0) }))
  }
}
