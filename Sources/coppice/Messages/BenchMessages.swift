// SPDX-License-Identifier: Apache-2.0
import Bench
import Linux
import OSTree
import Pull

extension BenchError: Reportable {
  var message: Message {
    switch self {
    case .file(let path, let errno): errno.message(path)
    case .notADirectory(let path):
      Message(
        .usage, "not-a-directory", "'\(path)' is no directory",
        hint: "'--dir' names one on the medium that is to be measured", path: path)
    case .noSpace(let path, let needed, let free):
      Message.noSpace(path, neededBytes: needed, freeBytes: free)
    case .interrupted: Message(.failed, "interrupted", "interrupted by a signal")
    case .ostree(let error): error.message
    case .compression:
      Message(.failed, "bench-failed", "a stream that was packed here cannot be unpacked")
    case .pull(let error): error.message
    case .child(let part):
      Message(
        .failed, "bench-failed", "the process for the part '\(part)' of the benchmark failed",
        hint: "what it said stands above")
    case .notJSON(let path, let error):
      Message(
        .usage, "not-a-saved-run", "'\(path)' is no saved run: \(error.words)",
        hint: BenchError.saving, path: path)
    case .notASavedRun(let path):
      Message(
        .usage, "not-a-saved-run", "'\(path)' is no saved run of this version",
        hint: BenchError.saving, path: path)
    }
  }

  private static let saving = "'coppice bench --json > FILE' saves one"
}

extension BenchNote {
  var words: String {
    switch self {
    case .cacheNotDropped:
      "the file system keeps its files in memory, or does not tell: nothing was read from the "
        + "medium"
    case .leftOut(let suite, let count):
      "\(suite.rawValue): \(count) measure\(count == 1 ? "" : "s") left out, since the time was "
        + "up; '--seconds' gives more"
    case .smallerFiles(let bytes, let limit):
      "files have at most \(BinarySize.text(bytes)), for want of \(limit.words)"
    case .noServer: "there could be no server in a process of its own: nothing was pulled"
    case .noKernels: "OpenSSL could not be measured without the instructions of this processor"
    }
  }
}

extension BenchLimit {
  fileprivate var words: String {
    switch self {
    case .space: "free space"
    case .memory: "memory"
    case .time: "time; '--seconds' gives more"
    }
  }
}

extension HashAdvice {
  /// One line.
  var words: String {
    var parts: [String] = []
    if let windowBytes { parts.append("windows of \(BinarySize.text(UInt64(windowBytes)))") }
    if let bufferBytes { parts.append("buffers of \(BinarySize.text(UInt64(bufferBytes)))") }
    if let cutOffBytes {
      parts.append("files mapped from \(BinarySize.text(UInt64(cutOffBytes))) on")
    } else if comparesSizes {
      parts.append("all files read")
    }
    if let threads { parts.append("\(threads) thread\(threads == 1 ? "" : "s")") }
    return parts.isEmpty
      ? "no advice: too little was measured"
      : "best on this machine: \(parts.joined(separator: ", "))"
  }
}
