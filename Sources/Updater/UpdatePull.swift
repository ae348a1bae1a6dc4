// SPDX-License-Identifier: Apache-2.0
public import Configuration
import Deploy
import Linux
public import OSTree
public import Pull

// How the configuration makes itself felt in a pull.
extension PullOptions {
  /// As the configuration has it. What that leaves open: `readBack`, and the room that the repo's
  /// own configuration reserves.
  public init(_ settings: Settings, repoPath: String, readBack: OSTree.ReadBack) {
    self.init()
    connections = settings.connections
    limitRateBytesPerSecond = settings.limitRateBytesPerSecond
    lowSpeedSeconds = settings.lowSpeedTimeoutSeconds
    retriesMax = settings.retries
    userAgent = "coppice/\(BuildIdentity.version)"
    switch settings.readBack {
    case nil: self.readBack = readBack
    case .all?: self.readBack = .all
    // Files for /boot are read back by the deploy in any case.
    case .boot?, Configuration.ReadBack.none?: self.readBack = .none
    }
    if let space = try? FileDescriptor.openDirectory(repoPath).fileSystemStatus() {
      reserveBytes = settings.reserveBytes(of: space.totalBytes)
    }
    server.authoritiesPath = settings.caFile
    server.certificatePath = settings.certificate
    server.privateKeyPath = settings.privateKey
    switch settings.proxy {
    case .environment: server.proxy = .environment
    case .none: server.proxy = .none
    case .url(let url): server.proxy = .url(url)
    }
  }
}

extension Updater {
  func pullOptions(_ source: UpdateSource, _ target: PullTarget) -> PullOptions {
    var options = PullOptions(settings, repoPath: sysroot.repo.path, readBack: .all)
    options.targets = [target]
    options.url = source.url
    if let offer = source.offer { options.server = offer.access }
    return options
  }

  /// Room to leave on the file system of the repo. Nil where the configuration says nothing and the
  /// repo's own decides.
  var reserveBytes: UInt64? {
    PullOptions(settings, repoPath: sysroot.repo.path, readBack: .none).reserveBytes
  }
}

extension Settings {
  /// Of a file system of `totalBytes`; nil where no file says so.
  func reserveBytes(of totalBytes: UInt64) -> UInt64? {
    if case .builtIn = origin(of: .reserveSpace) { return nil }
    return reserveSpace.bytes(of: totalBytes)
  }
}

extension SpaceReserve {
  func bytes(of totalBytes: UInt64) -> UInt64 {
    switch self {
    case .bytes(let count): count
    case .percent(let percent): totalBytes / 100 * UInt64(percent)
    }
  }
}

extension FileSystemStatus {
  var totalBytes: UInt64 {
    let (bytes, overflows) = blocks.multipliedReportingOverflow(by: blockBytes)
    return overflows ? .max : bytes
  }
}
