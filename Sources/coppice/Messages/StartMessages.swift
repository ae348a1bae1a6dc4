// SPDX-License-Identifier: Apache-2.0
import Deploy
import Initramfs

extension StartEvent {
  /// What the console shows; `debug` only where more was asked for.
  var words: (Terminal.Level, String) {
    switch self {
    case .watchdogStarted(let seconds):
      (.info, "the watchdog runs" + (seconds.map { ": \($0) s" } ?? ", with a time of its own"))
    case .watchdogFailed(let error):
      (.warning, "warning: nothing watches over the start: \(error.message.text)")
    case .modulesLoaded(let count, let milliseconds):
      (.debug, "\(count) modules after \(milliseconds) ms")
    case .moduleFailed(let error): (.warning, "warning: \(error.message.text)")
    case .waitingForRoot(let root, let seconds):
      (.info, "waiting up to \(seconds) s for 'root=\(root)'")
    case .rootFound(let device, let milliseconds): StartEvent.found(device, milliseconds)
    case .rootIsReadOnly(let device):
      (.warning, "warning: '\(device)' is write-protected and mounted read-only")
    case .rootMounted(let device, let isWritable, let milliseconds):
      (.debug, "'\(device)' is mounted \(isWritable ? "rw" : "ro") after \(milliseconds) ms")
    case .finalized(let ended, let milliseconds): StartEvent.finalized(ended, milliseconds)
    case .notFinalized(let error):
      (.warning, "warning: /etc is not merged once more: \(error.message.text)")
    case .prepared(let report, let milliseconds):
      StartEvent.prepared(report, milliseconds)
    case .starting(let program, let milliseconds):
      (.info, "starting '\(program)' after \(milliseconds) ms")
    }
  }

  private static func prepared(
    _ report: PrepareRoot.Report, _ milliseconds: Int64
  ) -> (Terminal.Level, String) {
    if let warning = report.warning { return (.warning, "warning: \(warning.message.text)") }
    return (.info, "\(report.words(SystemStart.root)), after \(milliseconds) ms")
  }

  private static func finalized(
    _ ended: Finalization, _ milliseconds: Int64
  ) -> (Terminal.Level, String) {
    switch ended {
    case .notPending: (.debug, "/etc needs no merge")
    case .wasMerged: (.info, "/etc has been merged before")
    case .merged(let merge):
      (
        .info,
        "merged /etc in \(milliseconds) ms: \(merge.changes.modified.count) modified, "
          + "\(merge.changes.removed.count) removed, \(merge.changes.added.count) added"
      )
    case .failed(let error):
      (.warning, "warning: the /etc of deploy time stands: \(error.message.text)")
    case .abandoned(let reason): (.warning, "warning: the /etc of deploy time stands: \(reason)")
    }
  }

  private static func found(
    _ device: RootDevice, _ milliseconds: Int64
  ) -> (Terminal.Level, String) {
    if !device.alternatives.isEmpty {
      return (
        .warning,
        "warning: '\(device.source)' is taken for the root, but "
          + device.alternatives.map { "'\($0)'" }.joined(separator: ", ")
          + " has the same name"
      )
    }
    if device.superblock?.hasErrors == true {
      return (.warning, "warning: the file system on '\(device.source)' has errors: run a check")
    }
    return (.debug, "the root is '\(device.source)', after \(milliseconds) ms")
  }
}
