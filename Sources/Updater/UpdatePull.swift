// SPDX-License-Identifier: Apache-2.0
import Configuration
import Deploy
import Linux
import OSTree
import Pull

// How the configuration makes itself felt in a pull.
extension Updater {
  func pullOptions(_ source: UpdateSource, _ target: PullTarget) -> PullOptions {
    var options = PullOptions()
    options.targets = [target]
    options.url = source.url
    options.connections = settings.connections
    options.limitRateBytesPerSecond = settings.limitRateBytesPerSecond
    options.lowSpeedSeconds = settings.lowSpeedTimeoutSeconds
    options.retriesMax = settings.retries
    options.userAgent = "coppice/\(BuildIdentity.version)"
    // Files for /boot are read back by the deploy in any case.
    options.readBack = (settings.readBack ?? .all) == .all ? .all : .none
    options.reserveBytes = reserveBytes
    return options
  }

  /// Room to leave on the file system of the repo. Nil where the configuration says nothing and the
  /// repo's own decides.
  var reserveBytes: UInt64? {
    guard let space = try? FileDescriptor.openDirectory(sysroot.repo.path).fileSystemStatus()
    else { return nil }
    return settings.reserveBytes(of: space.totalBytes)
  }
}

extension Settings {
  /// Of a file system of `totalBytes`; nil where no file says so.
  func reserveBytes(of totalBytes: UInt64) -> UInt64? {
    if case .builtIn = origin(of: .reserveSpace) { return nil }
    switch reserveSpace {
    case .bytes(let count): return count
    case .percent(let percent): return totalBytes / 100 * UInt64(percent)
    }
  }
}

extension FileSystemStatus {
  var totalBytes: UInt64 {
    let (bytes, overflows) = blocks.multipliedReportingOverflow(by: blockBytes)
    return overflows ? .max : bytes
  }
}
