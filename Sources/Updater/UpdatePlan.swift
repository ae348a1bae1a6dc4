// SPDX-License-Identifier: Apache-2.0
import Cryptography
public import Deploy
import Linux
import OSTree
import Pull

/// What an update would take. Bytes are nil where nobody can know them yet.
public struct UpdatePlan: Sendable {
  public let check: UpdateCheck
  /// Of phase 1, which a plan runs: objects and bytes that came now, and need not come again.
  public let fetchedMetadata: UInt64
  public let fetchedBytes: UInt64
  /// File objects to fetch, and their bytes on the wire.
  public let content: UInt64
  public let contentBytes: UInt64?
  /// File objects that are here.
  public let reused: UInt64
  /// Static deltas that would bring most of these objects, as far as they are any good.
  public let deltas: [DeltaReport]
  /// What will be written to the repo.
  public let writtenBytes: UInt64?
  public let sysroot: RoomNeeded
  public let boot: RoomNeeded
  /// Of the EFI system partition, where the boot loader has kernels of its own there.
  public let systemPartition: RoomNeeded?
  /// The deployments that would go.
  public let removed: [Deployment]
}

/// Room that an update needs on a file system.
public struct RoomNeeded: Sendable {
  public let path: String
  public let neededBytes: UInt64?
  public let freeBytes: UInt64
  /// To be left free.
  public let reservedBytes: UInt64

  /// Nil while nobody can know it.
  public var isEnough: Bool? {
    guard let neededBytes else { return nil }
    let (sum, overflows) = neededBytes.addingReportingOverflow(reservedBytes)
    return !overflows && sum <= freeBytes
  }
}

extension UpdatePlan {
  /// What `deploy` leaves free in `/boot` for entries and directories.
  static let bootMarginBytes: UInt64 = 1 << 20

  /// `pulled` is what phase 1 gave; all zeros where the server wants nothing new.
  init(
    _ check: UpdateCheck, _ pulled: PullResult, _ now: Situation, _ updater: Updater
  ) throws(UpdaterError) {
    let sysroot = updater.sysroot
    let forecast = try check.commit.map { (commit) throws(UpdaterError) in
      try inDeploy { () throws(DeployError) in
        try sysroot.forecast(of: commit, now.deployOptions, now.state)
      }
    }
    self.check = check
    fetchedMetadata = pulled.fetchedMetadata
    fetchedBytes = pulled.fetchedBytes
    content = pulled.plan.missingContent
    contentBytes = content == 0 ? 0 : pulled.plan.missingBytes
    deltas = pulled.deltas
    reused = pulled.plan.presentContent
    writtenBytes = content == 0 ? 0 : pulled.plan.missingUnpackedBytes
    removed = check.isAvailable ? forecast?.removed ?? [] : []

    let space = try at(sysroot.repo.path) { () throws(Errno) in
      try FileDescriptor.openDirectory(sysroot.repo.path).fileSystemStatus()
    }
    self.sysroot = RoomNeeded(
      path: sysroot.repo.path, neededBytes: writtenBytes, freeBytes: space.freeBytes,
      reservedBytes: updater.reserveBytes
        ?? sysroot.repo.configuration.reservedBytes(of: space.totalBytes))
    let bootPath =
      sysroot.path.utf8.last == UInt8(ascii: "/") ? "/boot" : "\(sysroot.path)/boot"
    boot = try UpdatePlan.roomForKernels(
      in: bootPath, isNeeded: forecast?.needsBootSpace ?? false, check, sysroot)
    var systemPartition: RoomNeeded?
    if let path = forecast?.systemPartition {
      systemPartition = try UpdatePlan.roomForKernels(in: path, isNeeded: true, check, sysroot)
    }
    self.systemPartition = systemPartition
  }

  private static func roomForKernels(
    in path: String, isNeeded: Bool, _ check: UpdateCheck, _ sysroot: Sysroot
  ) throws(UpdaterError) -> RoomNeeded {
    let space = try at(path) { () throws(Errno) in
      try FileDescriptor.openDirectory(path).fileSystemStatus()
    }
    var needed: UInt64? = 0
    if check.isAvailable, isNeeded, let commit = check.commit {
      needed = try KernelSizes(commit, replacing: check.deployed?.commit, sysroot.repo)
        .bytes(inBlocksOf: space.blockBytes)
      if let bytes = needed, bytes > 0 { needed = bytes + bootMarginBytes }
    }
    return RoomNeeded(path: path, neededBytes: needed, freeBytes: space.freeBytes, reservedBytes: 0)
  }
}
