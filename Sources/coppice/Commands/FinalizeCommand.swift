// SPDX-License-Identifier: Apache-2.0
import Codec
import Deploy
import Initramfs
import Linux

extension Command {
  static let finalize = Command(
    "finalize", "merges /etc once more for the deployment that is being booted",
    details: "For an initramfs, between the mount of the root file system and 'prepare-root': "
      + "what was changed in /etc up to the shutdown goes along into the deployment that 'ostree=' "
      + "on the kernel command line names, if it was deployed so. The power may go at any point; "
      + "the next boot does what is missing. If it fails, the /etc of deploy time stands, as it "
      + "does with 'coppice.finalize=0' and on an ext4 that has errors."
  ) { session throws(Message) in
    let start = Clock.monotonicNanoseconds
    let path = session.sysroot
    let (options, deployment) = try FinalizeCommand.deployment(path)
    let ended = try reporting { () throws(InitramfsError) in
      _ = Process.setFileModeMask(0o022)
      return try RootFinalizer(root: path, options)
        .run(deployment, describe: { $0.message.text })
    }
    let milliseconds = (Clock.monotonicNanoseconds - start) / 1_000_000
    try session.terminal.line(FinalizeCommand.line(ended, deployment, milliseconds))
    return FinalizeCommand.outcome(ended, deployment, milliseconds)
  }
}

private enum FinalizeCommand {
  static func open(_ path: String) throws(DeployError) -> FileDescriptor {
    do throws(Errno) { return try FileDescriptor.openDirectory(path) } catch {
      throw .file(path: path, error)
    }
  }

  /// The one that `ostree=` names. A running system is not touched.
  static func deployment(
    _ path: String
  ) throws(Message) -> (BootOptions, BootedDeployment) {
    let (options, deployment) = try reporting { () throws(InitramfsError) in
      let options = BootOptions(try KernelCommandLine.current())
      return (options, try options.namedDeployment(in: path))
    }
    let isRunning = try reporting { () throws(DeployError) in
      try deployment.isRoot(in: try FinalizeCommand.open(path), path: path)
    }
    if isRunning {
      throw Message(
        .usage, "is-booted", "'\(deployment.name)' runs: its /etc is in use",
        hint: "'finalize' is for an initramfs")
    }
    return (options, deployment)
  }

  static func line(
    _ ended: Finalization, _ deployment: BootedDeployment, _ milliseconds: Int64
  ) -> String {
    switch ended {
    case .notPending: "'\(deployment.name)' has its /etc"
    case .wasMerged: "'\(deployment.name)' has had its /etc merged"
    case .merged(let merge):
      "merged /etc of '\(deployment.name)' in \(milliseconds) ms: "
        + "\(merge.changes.modified.count) modified, \(merge.changes.removed.count) removed, "
        + "\(merge.changes.added.count) added"
    case .failed: "the /etc of deploy time stands in '\(deployment.name)'"
    case .abandoned(let reason):
      "the /etc of deploy time stands in '\(deployment.name)': \(reason)"
    }
  }

  /// A failure is told, but is not that of the boot.
  static func outcome(
    _ ended: Finalization, _ deployment: BootedDeployment, _ milliseconds: Int64
  ) -> Outcome {
    var outcome = Outcome(members: [
      ("deployment", .string(deployment.name)), ("result", .string(word(ended))),
      ("milliseconds", .integer(milliseconds)),
    ])
    if case .failed(let error) = ended { outcome.failure = error.message }
    return outcome
  }

  private static func word(_ ended: Finalization) -> String {
    switch ended {
    case .notPending: "nothing"
    case .merged, .wasMerged: "merged"
    case .failed, .abandoned: "failed"
    }
  }
}
