// SPDX-License-Identifier: Apache-2.0
import Boot
import Deploy
import Linux

// What the doctor looks for in the boot loader's store.
extension Doctor {
  mutating func examineLoader(
    _ sysroot: Sysroot, _ now: SysrootState
  ) throws(UpdaterError) {
    add(.loader, .ok, .loader(sysroot.foundLoader))
    // The store that could be read where an image is made is that of another machine.
    guard sysroot.loader.countsTrials, now.booted != nil else { return }
    if case .ubootEnvironment(let environment) = sysroot.loader {
      try examineEnvironment(environment)
    }
    if case .systemdBoot(let esp) = sysroot.loader { try examineSystemPartition(esp, sysroot, now) }
    let (count, proof, record) = try inDeploy { () throws(DeployError) in
      (try sysroot.trialCount(now), try sysroot.storeProof(now), try sysroot.trialRecord())
    }
    add(.loader, count == .fellBack ? .warn : .ok, .store(count))
    if count == .idle, let first = now.deployments.first, record.isOnTrial(first) {
      add(.loader, .warn, .uncountedTrial(deployment: first.name))
    }
    switch proof {
    case .proven?: add(.loader, .ok, .storeProof(.proven))
    case .untold?, .partitionUntold?, .partitionUnlinked?, .unnamed?:
      add(.loader, .warn, .storeProof(proof ?? .unnamed))
    case .differs?: add(.loader, .fail, .storeProof(proof ?? .unnamed))
    case nil: break
    }
  }

  private mutating func examineSystemPartition(
    _ esp: SystemdBoot, _ sysroot: Sysroot, _ now: SysrootState
  ) throws(UpdaterError) {
    let follows = try inDeploy { () throws(DeployError) in try sysroot.loaderFollows(now) }
    if !follows { add(.loader, .warn, .entriesBehind(path: esp.path)) }
    if let name = sysroot.environment.efi.defaultEntry, !SystemdBoot.isPattern(name) {
      add(.loader, .warn, .fixedEntry(name: name))
    }
  }

  /// With `repairs` a damaged state block is made anew: it counts nothing, and position 0 boots, as
  /// the script has it for a damaged one.
  private mutating func examineEnvironment(
    _ environment: UBootEnvironment
  ) throws(UpdaterError) {
    let repairs = repairs
    let (isMade, isSafe) = try inBoot { () throws(BootError) in
      let isMade = repairs ? try environment.makeStateIfDamaged() : false
      return (isMade, try FwEnvConfig.read(environment.path).isPowerSafe)
    }
    if isMade { add(.loader, .ok, .madeStore(path: environment.path)) }
    if !isSafe { add(.loader, .warn, .unsafeStore(path: environment.path)) }
  }
}
