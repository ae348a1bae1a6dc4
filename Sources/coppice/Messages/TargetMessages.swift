// SPDX-License-Identifier: Apache-2.0
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
    }
  }
}
