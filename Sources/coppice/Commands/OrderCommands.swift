// SPDX-License-Identifier: Apache-2.0
import Codec
import Deploy
import OSTree

extension Command {
  static let rollback = Command(
    "rollback", "puts the previous deployment first in boot order"
  ) { session throws(Message) in
    let sysroot = try session.writableSysroot()
    let (report, first) = try reporting { () throws(DeployError) in
      let lock = try sysroot.lock()
      let report = try sysroot.rollback(lock)
      return (report, try sysroot.state().deployments[0])
    }
    try session.terminal.line("'\(first.name)' of '\(first.stateroot)' is now first")
    try session.terminal.line(try DeployCommand.text(report.change, sysroot, countChange: 0))
    DeployCommand.warn(report.cleanupFailure, trial: report.trialFailure, session)
    return try OrderCommand.outcome(report.change, sysroot)
  }

  static let pin = Command(
    "pin", "keeps deployments until they are unpinned, whatever else is deployed",
    operands: [.many("N")]
  ) { session throws(Message) in try OrderCommand.setPinned(true, session) }

  static let unpin = Command(
    "unpin", "lets deployments go that were pinned", operands: [.many("N")]
  ) { session throws(Message) in try OrderCommand.setPinned(false, session) }

  static let undeploy = Command(
    "undeploy", "removes a deployment; the running one stays", operands: [.one("N")]
  ) { session throws(Message) in
    let index = try session.arguments.index(0)
    let sysroot = try session.writableSysroot()
    let (report, name, before, after) = try reporting { () throws(DeployError) in
      let lock = try sysroot.lock()
      let state = try sysroot.state()
      let name = try OrderCommand.name(index, sysroot, state)
      let report = try sysroot.undeploy(index, lock)
      return (report, name, state.deployments.count, try sysroot.state().deployments.count)
    }
    try session.terminal.line(
      try DeployCommand.text(report.change, sysroot, countChange: after - before))
    if report.cleanupFailure == nil {
      try session.terminal.line("Deleted deployment \(name)")
    }
    DeployCommand.warn(report.cleanupFailure, trial: report.trialFailure, session)
    return try OrderCommand.outcome(report.change, sysroot)
  }
}

private enum OrderCommand {
  /// `COMMIT.SERIAL` of a deployment, also of one that ostree has staged.
  static func name(
    _ index: Int, _ sysroot: Sysroot, _ state: SysrootState
  ) throws(DeployError) -> String {
    if index == 0, let staged = state.staged?.target { return staged.name }
    return try sysroot.deployment(index, state).name
  }

  static func setPinned(_ pinned: Bool, _ session: Session) throws(Message) -> Outcome {
    var indices: [Int] = []
    for position in session.arguments.operands.indices {
      indices.append(try session.arguments.index(position))
    }
    let sysroot = try session.writableSysroot()
    let word = pinned ? "pinned" : "unpinned"
    for index in indices {
      let isNew = try reporting { () throws(DeployError) in
        try sysroot.setPinned(pinned, index, try sysroot.lock())
      }
      try session.terminal.line("Deployment \(index) is \(isNew ? "now" : "already") \(word)")
    }
    return try outcome(.unchanged, sysroot)
  }

  static func outcome(_ change: BootChange, _ sysroot: Sysroot) throws(Message) -> Outcome {
    let status = try reporting { () throws(DeployError) in try sysroot.status() }
    return Outcome(members: [
      ("deployments", .array(status.deployments.map { DeploymentText.member($0) })),
      ("bootconfig_swap", .boolean(DeployCommand.isSwap(change))),
      ("reboot_required", .boolean(status.needsReboot)),
    ])
  }
}
