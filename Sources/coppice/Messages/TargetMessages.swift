// SPDX-License-Identifier: Apache-2.0
import Linux
import Updater

extension TargetFault {
  func message(_ name: String) -> Message {
    switch self {
    case .missing(let url):
      Message(
        .transfer, "target-not-found", "target '\(name)' is not on the server: '\(url)'",
        hint: "is the upload to the server complete? try again later", url: url)
    case .tooLong(let url, let expected):
      Message(
        .refused, "target-length",
        "target '\(name)' from '\(url)' is longer than the \(expected) bytes that it has by the "
          + "metadata", url: url)
    case .length(let url, let found, let expected):
      Message(
        .refused, "target-length",
        "target '\(name)' from '\(url)' has \(found) bytes, and by the metadata \(expected)",
        url: url)
    case .hash(let url, let found, let expected):
      Message(
        .refused, "target-hash",
        "target '\(name)' from '\(url)' has hash \(found), and by the metadata \(expected)",
        url: url)
    case .unknownHash:
      Message(
        .refused, "target-hash-unknown",
        "the metadata have no hash of target '\(name)' that can be checked here")
    case .unfit:
      Message(
        .refused, "target-malformed",
        "the name, version, format or correlation id of target '\(name)' is longer than "
          + "\(HandledTarget.textBytesMax) bytes or holds control characters")
    case .apps:
      Message(
        .refused, "target-malformed",
        "'docker_compose_apps' of target '\(name)' names no apps with a 'uri' by digest each")
    }
  }
}

extension HandlerFailure: Reportable {
  /// What was tried again later is not the handler's fault, nor the target's.
  var message: Message {
    if isTemporary {
      return Message(
        .transfer, "handler-not-now",
        "handler '\(handler)' cannot apply target '\(target)' now; nothing was changed",
        hint: "the next run tries again; what it said is above", path: handler)
    }
    return Message(
      .failed, "handler-failed",
      "handler '\(handler)' failed to \(verb.rawValue) target '\(target)': it \(end.words)",
      hint: verb == .revert ? "the next run tries again; what it said is above" : nil,
      path: handler)
  }
}

extension HandlerFailure.End {
  fileprivate var words: String {
    switch self {
    case .ended(let end): end.words
    case .notStarted(let errno): "could not be started: \(errno.reason)"
    case .missing: "is not there any more"
    }
  }
}

extension ProgramEnd {
  /// Behind the program's name.
  var words: String {
    switch self {
    case .exited(let code): "failed with exit code \(code)"
    case .killed(let signal): "was ended by signal \(signal)"
    case .timedOut: "took too long and was ended"
    }
  }
}
