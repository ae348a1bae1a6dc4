// SPDX-License-Identifier: Apache-2.0
import Codec
import Configuration
import Cryptography
import Gateway
import Linux
import Updater

extension UpdaterError: Reportable {
  var message: Message {
    switch self {
    case .ostree(let error): error.message
    case .pull(let error): error.message
    case .deploy(let error): error.message
    case .transport(let error): error.message
    case .gateway(let error): error.message
    case .file(let path, let errno): errno.message(path)
    case .notConfigured(let missing):
      Message(
        .usage, "not-configured",
        "the configuration does not say what to follow: \(UpdaterError.list(missing)) missing",
        hint: "set \(UpdaterError.names(missing)) in '[\(missing.first?.section ?? "device")]' of "
          + "'/etc/coppice/coppice.conf'")
    case .unconfigured(let deployment, let text):
      Message(
        .usage, "remote-unconfigured", "deployment '\(deployment)' is not set up: \(text)",
        hint: "'remote' and 'ref' in '[device]' of the configuration count more")
    case .invalidRef(let ref):
      Message(
        .usage, "bad-ref", "'\(ref)' is no ref", hint: "see 'ref' in '[device]'")
    case .metadata(let error): error.message
    case .busy(let path):
      Message(.busy, "busy", "another run works on '\(path)'", hint: "try again later", path: path)
    case .older(let commit, let timestamp, let deployed, let deployedTimestamp):
      Message(
        .refused, "older-commit",
        "commit '\(commit.hex)' of \(UpdaterError.time(timestamp)) is older than the deployed "
          + "'\(deployed.hex)' of \(UpdaterError.time(deployedTimestamp))",
        hint: "'--allow-downgrade' takes it all the same")
    case .target(let name, let fault): fault.message(name)
    case .noHandler(let target, let format, let hardwareID):
      Message(
        .failed, "no-handler",
        "nothing here takes care of target '\(target)' of format '\(format)' for hardware id "
          + "'\(hardwareID)'",
        hint: "a handler is an executable in '/etc/coppice/handlers' that is named for one of them")
    case .handler(let failure): failure.message
    case .strangeRecord(let path):
      Message(
        .storage, "handler-record", "what is recorded about targets in '\(path)' cannot be read",
        hint: "a newer coppice may have written it; removed, every target is applied anew",
        path: path)
    case .noSpace(let path, let needed, let free):
      Message.noSpace(path, neededBytes: needed, freeBytes: free)
    }
  }

  private static func list(_ settings: [Setting]) -> String {
    let section = settings.first?.section ?? "device"
    return "\(names(settings)) of '[\(section)]' \(settings.count == 1 ? "is" : "are")"
  }

  private static func names(_ settings: [Setting]) -> String {
    settings.map { "'\($0.key)'" }.joined(separator: " and ")
  }

  private static func time(_ timestamp: UInt64) -> String {
    Timestamp.text(seconds: Int64(clamping: timestamp))
  }
}
