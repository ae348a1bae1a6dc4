// SPDX-License-Identifier: Apache-2.0
import Configuration
import Deploy
import Transport
import Uptane

// What the doctor looks for in whose word the device takes, without asking the network.
extension Doctor {
  mutating func examineTrust(
    _ sysroot: Sysroot, _ settings: Settings, _ now: SysrootState
  ) throws(UpdaterError) {
    let folder = try inDeploy { () throws(DeployError) in
      try StateFolder.path(of: sysroot, stateroot: settings.stateroot, now)
    }
    let time = ClockFloor(folder: folder).now.seconds
    for repository in settings.mode.repositories {
      guard let state = TrustState(repository, folder: folder) else {
        let isGiven = settings.trustFirstRoot == .yes
        add(.trust, .warn, .noRoot(repository: repository.name, takesFirst: isGiven))
        continue
      }
      let hasExpired = state.expires.map { $0 <= time } ?? false
      add(.trust, hasExpired ? .warn : .ok, .trust(repository: repository.name, state))
    }
  }
}
