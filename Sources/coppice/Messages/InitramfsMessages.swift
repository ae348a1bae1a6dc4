// SPDX-License-Identifier: Apache-2.0
import Codec
import Initramfs
import Linux

extension InitramfsError: Reportable {
  var message: Message {
    switch self {
    case .file(let path, let errno): errno.message(path)
    case .deploy(let error): error.message
    case .keyfile(let path, let error):
      Message(.failed, "bad-keyfile", "'\(path)' cannot be read: \(error.words)", path: path)
    case .noRoot:
      Message(
        .usage, "no-root", "the kernel command line has no 'root='",
        hint: "the boot entry of the deployment should name it, for example 'root=LABEL=root'")
    case .strangeRoot(let text):
      Message(
        .usage, "strange-root", "'root=\(text)' names no device that is understood here",
        hint: "a path below /dev, UUID=, LABEL=, PARTUUID=, PARTLABEL= and UBI volumes are")
    case .rootNotFound(let root, let seconds, let devices):
      Message(
        .failed, "root-not-found",
        "no device is 'root=\(root)' after \(seconds) s of waiting"
          + (devices.isEmpty
            ? ": there is none at all"
            : "; there are: " + devices.joined(separator: ", ")),
        hint: InitramfsError.hint(root, hasDevices: !devices.isEmpty))
    case .unknownFileSystem(let device):
      Message(
        .failed, "unknown-file-system", "no file system that is known on '\(device)'",
        hint: "'rootfstype=' names one", path: device)
    case .mountFailed(let source, let place, let type, let errno):
      Message(
        errno.exitCode, "mount-failed",
        "cannot mount '\(source)' on '\(place)'\(type == "none" ? "" : " as \(type)"): "
          + errno.reason,
        hint: errno == .notPermitted ? "run it as root" : nil, path: place)
    case .strangeModule(let path):
      Message(
        .failed, "strange-module", "'\(path)' is neither .ko nor .ko.gz nor .ko.xz", path: path)
    case .damagedModule(let path):
      Message(.failed, "damaged-module", "'\(path)' cannot be unpacked", path: path)
    case .moduleRefused(let path, let errno):
      Message(
        .failed, "module-refused", "the kernel does not load '\(path)': \(errno.reason)",
        hint: errno == .notFound ? "a module that it needs must stand before it" : nil, path: path)
    case .noDeployment:
      Message(
        .usage, "no-deployment", "the kernel command line has no 'ostree='",
        hint: "the boot entry of a deployment has it; was it started by another one?")
    case .unsupported(let path, let key, let value):
      Message(
        .failed, "unsupported-root", "'\(path)' demands '\(key)=\(value)', which coppice cannot do",
        hint: "composefs and a root that is kept in memory need ostree-prepare-root", path: path)
    case .configuration(let path, let key, let value):
      Message(
        .usage, "bad-configuration",
        "'\(path)' has the value '\(value)' for '\(key)', which makes no sense", path: path)
    case .noProgram(let programs, let errno):
      Message(
        .failed, "no-init",
        "none of \(programs.map { "'\($0)'" }.joined(separator: ", ")) can be started: "
          + errno.reason,
        hint: "'init=' names the program to start")
    }
  }

  private static func hint(_ root: RootSpecification, hasDevices: Bool) -> String {
    if case .ubi = root {
      return "'ubi.mtd=' attaches a flash; the drivers of UBI and of the flash must be there"
    }
    return hasDevices
      ? "'rootwait=SECONDS' waits longer"
      : "the driver of the disk may be a module that the initramfs lacks"
  }
}
