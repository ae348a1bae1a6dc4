// SPDX-License-Identifier: Apache-2.0
import Codec
import Cryptography
import Deploy

extension DeployError: Reportable {
  var message: Message {
    switch self {
    case .file(let path, let errno): errno.message(path)
    case .boot(let error): error.message
    case .ostree(let error): error.message
    case .noSpace(let path, let needed, let free):
      Message.noSpace(path, neededBytes: needed, freeBytes: free)
    case .busy(let path):
      Message(
        .busy, "busy", "another coppice or ostree holds the lock '\(path)'",
        hint: "try again when it is done", path: path)
    case .notASysroot(let path):
      Message(
        .usage, "not-a-sysroot", "'\(path)' is no OSTree sysroot",
        hint: "name one with '--sysroot'; 'coppice init-sysroot' makes one", path: path)
    case .configuration(let path, let key, let value):
      Message(
        .usage, "bad-configuration",
        "'\(path)' has the value '\(value)' for '\(key)', which makes no sense", path: path)
    case .invalidStateroot(let name):
      Message(
        .usage, "bad-stateroot", "'\(name)' cannot be the name of a stateroot",
        hint: "letters, digits, '-', '_' and '.' can stand in it, the last three not at its front")
    case .noStateroot(let path, let name):
      Message(
        .usage, "unknown-stateroot", "no stateroot '\(name)' in '\(path)'",
        hint: "'coppice init-sysroot --stateroot \(name)' makes it", path: path)
    case .whichStateroot(let names):
      Message(
        .usage, "which-stateroot",
        names.isEmpty
          ? "the sysroot has no stateroot"
          : "the sysroot has several stateroots: \(DeployError.list(names))",
        hint: "name one with '--stateroot', or as 'stateroot' in '[device]'")
    case .strangeEntry(let path, let deployment):
      Message(
        .storage, "boot-entry",
        deployment.map { "boot entry '\(path)' leads to no deployment: '\($0)'" }
          ?? "boot entry '\(path)' names no deployment",
        hint: "remove or mend it; 'coppice doctor' looks at all of them", path: path)
    case .strangeRunFile(let path):
      Message(.failed, "strange-run-file", "'\(path)' cannot be understood", path: path)
    case .strangePending(let path):
      Message(
        .failed, "strange-pending", "'\(path)' cannot be understood",
        hint: "the /etc of deploy time stays in force", path: path)
    case .noMergeSource(let path):
      Message(
        .failed, "no-merge-source", "the deployment '\(path)' is gone, or has no /etc",
        hint: "the /etc of deploy time stays in force", path: path)
    case .strangeBootLink(let link):
      Message(.failed, "strange-boot-link", "no deployment is behind 'ostree=\(link)'")
    case .noDeployment(let index, let count):
      Message(
        .usage, "unknown-deployment",
        count == 0 ? "there are no deployments" : "no deployment \(index), there are \(count)",
        hint: "'coppice status' counts them from 0")
    case .notAnOrder:
      Message(.usage, "bad-order", "an order names every deployment once")
    case .isBooted(let index):
      Message(
        .usage, "is-booted", "deployment \(index) is the one that runs",
        hint: "boot another one first")
    case .bootedNotListed(let path, let boot):
      Message(
        .storage, "booted-not-listed", "no boot entry in '\(boot)' leads to '\(path)', which runs",
        hint: "is the right file system mounted on '\(boot)'?", path: boot)
    case .isStaged:
      Message(
        .usage, "is-staged", "deployment 0 is staged by ostree and not yet made",
        hint: "restart, or remove it with 'coppice undeploy 0'")
    case .strangeRecord(let path):
      Message(
        .storage, "trial-record", "what is recorded about trial boots in '\(path)' cannot be read",
        hint: "a newer coppice may have written it; removed, no deployment counts as proven",
        path: path)
    case .storeDiffers(let told, let found):
      Message(
        .storage, "loader-store-differs",
        "the boot loader counts in a store that is called '\(told)', and the one that is read here "
          + (found.map { "is called '\($0)'" } ?? "has no name"),
        hint:
          "name the right place in 'fw_env.config' or 'loader'; after a new installation restart")
    case .notBooted(let path):
      Message(
        .usage, "not-booted", "this system does not run from a deployment in '\(path)'",
        hint: "run it on the device")
    case .nothingToRollBackTo:
      Message(.usage, "no-rollback", "there is no other deployment to go back to")
    case .missingTree(let path):
      Message(
        .storage, "deployment-missing", "the tree of the deployment '\(path)' is missing",
        hint: "deploy its commit again", path: path)
    case .partialCommit(let commit):
      Message(
        .refused, "commit-partial", "commit '\(commit.hex)' is not completely in the repo",
        hint: "pull it first")
    case .selinuxUnsupported(let path):
      Message(
        .failed, "selinux-unsupported",
        "the image wants its files labelled by SELinux, which coppice cannot do: '\(path)'",
        hint: "build it without SELinux, or with 'SELINUX=disabled'", path: path)
    case .composefsUnsupported(let path):
      Message(
        .failed, "composefs-unsupported",
        "the image demands composefs, which coppice cannot make: '\(path)'",
        hint: "build it with 'enabled=no' or 'enabled=maybe' in '[composefs]'", path: path)
    case .damagedKernel(let path, let expected, let found):
      Message(
        .refused, "kernel-damaged",
        "'\(path)' has checksum \(found.hex) on the medium, not \(expected.hex)",
        hint: "the medium may be failing; see the kernel log and 'coppice doctor'", path: path)
    case .noKernelArgument(let argument):
      Message(
        .usage, "no-kernel-argument", "no kernel argument '\(argument)'",
        hint: "'coppice kargs' shows those that are there")
    case .ambiguousKernelArgument(let argument):
      Message(
        .usage, "ambiguous-kernel-argument", "several kernel arguments are called '\(argument)'",
        hint: "name it with its value")
    case .noKernel(let tree):
      Message(
        .failed, "no-kernel", "'\(tree)' holds no kernel",
        hint: "OSTree looks for usr/lib/modules/VERSION/vmlinuz", path: tree)
    case .kernelMismatch(let kernel, let initramfs):
      Message(
        .failed, "kernel-mismatch", "'\(kernel)' and '\(initramfs)' do not belong together")
    case .kernelName(let path):
      Message(.failed, "kernel-name", "the name '\(path)' does not end in a checksum", path: path)
    case .noOSRelease(let tree):
      Message(
        .failed, "no-os-release", "no name of the system in 'os-release' of '\(tree)'",
        hint: "it needs PRETTY_NAME or ID", path: tree)
    case .twoEtcs(let tree):
      Message(
        .failed, "two-etcs", "'\(tree)' has both /etc and /usr/etc",
        hint: "a commit holds its settings in /usr/etc", path: tree)
    case .etcNowDirectory(let path):
      Message(
        .failed, "etc-conflict",
        "'/etc/\(path)' was changed here, and is a directory in the new image",
        hint: "move the file away, or deploy with '--no-merge'", path: "/etc/\(path)")
    case .etcNoLongerDirectory(let path):
      Message(
        .failed, "etc-conflict",
        "something was changed in '/etc/\(path)', which is no directory in the new image",
        hint: "move the directory away, or deploy with '--no-merge'", path: "/etc/\(path)")
    case .keyfile(let path, let error):
      Message(.failed, "bad-keyfile", "'\(path)' cannot be read: \(error.words)", path: path)
    }
  }
  private static func list(_ names: [String]) -> String {
    names.map { "'\($0)'" }.joined(separator: ", ")
  }
}
