// SPDX-License-Identifier: Apache-2.0
import Codec
import Deploy
import Initramfs
import Linux

extension Command {
  /// Also what an initramfs made for libostree calls as `ostree-prepare-root SYSROOT`.
  static let prepareRoot = Command(
    "prepare-root", "mounts the booted deployment as the root of the system, in an initramfs",
    details:
      "For an initramfs that finds and mounts the physical root and starts the system by itself, "
      + "such as dracut's or initramfs-tools'. The deployment is the one that 'ostree=' on the "
      + "kernel command line names; it takes the place of the physical root in SYSROOT, and that "
      + "is found in SYSROOT/sysroot then. Reads ostree/prepare-root.conf in /usr/lib and /etc of "
      + "the initramfs.",
    operands: [.optional("SYSROOT")]
  ) { session throws(Message) in
    let arguments = session.arguments
    let sysroot = arguments.value("sysroot") ?? arguments.operand(0) ?? "/sysroot"
    let report = try reporting { () throws(InitramfsError) in
      let commandLine = try KernelCommandLine.current()
      let settings = try PrepareRootSettings.read(root: "/", commandLine)
      let deployment = try BootOptions(commandLine).namedDeployment(in: sysroot)
      _ = Process.setFileModeMask(0o022)
      return try PrepareRoot.run(deployment, in: sysroot, settings)
    }
    if let warning = report.warning { session.terminal.warn(warning.message.text) }
    session.terminal.inform(report.words(sysroot))
    return Outcome(members: [
      ("sysroot", .string(sysroot)),
      ("stateroot", .string(report.deployment.stateroot)),
      ("deployment", .string(report.deployment.name)),
      ("sysroot_read_only", .boolean(report.isSysrootReadOnly)),
      ("etc_transient", .boolean(report.isEtcTransient)),
      ("var_mounted", .boolean(report.mountsVar)),
    ])
  }
}

extension PrepareRoot.Report {
  /// What was done, on one line.
  func words(_ sysroot: String) -> String {
    var text = "deployment \(deployment.stateroot) \(deployment.name) is the root in '\(sysroot)'"
    if isSysrootReadOnly { text += ", /sysroot is read-only" }
    if isEtcTransient { text += ", changes in /etc are kept in memory" }
    if madeWritable { text += "; 'rw' on the kernel command line would have spared a remount" }
    return text
  }
}
