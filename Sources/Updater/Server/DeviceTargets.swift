// SPDX-License-Identifier: Apache-2.0
import Configuration
import Cryptography
import Deploy
import Uptane

// What verified metadata want of handlers.
extension DeviceServer {
  /// What is for handlers. It goes with the system that is wanted at the same time.
  func handled(
    _ verdict: DeviceMetadata.Verdict, _ primary: ECU, _ state: SysrootState, _ place: TargetOrigin
  ) throws(UpdaterError) -> [OfferedTarget] {
    let commit = verdict.system.flatMap(ServerOffer.commit)
    var system: HandledSystem?
    if let commit {
      let (sysroot, stateroot) = (sysroot, settings.stateroot)
      let chosen = try inDeploy { () throws(DeployError) in
        try sysroot.chooseStateroot(stateroot, state)
      }
      system = HandledSystem(stateroot: chosen, commit: commit)
    }
    var offered: [OfferedTarget] = []
    for (ecu, target) in verdict.handled {
      guard let handledECU = HandledECU(ecu), !target.isOSTree else {
        throw .noHandler(
          target: target.path, format: target.format ?? "", hardwareID: ecu.hardwareID)
      }
      let job = HandlerJob(
        try HandledTarget(target, correlationID: verdict.correlationID), for: handledECU,
        custom: target.imageCustom, with: system)
      offered.append(OfferedTarget(job: job, source: try place.source(of: target)))
    }
    if let apps = try apps(verdict, primary, system) { offered.append(apps) }
    return offered
  }

  /// The apps that come with a system, where something takes care of such.
  private func apps(
    _ verdict: DeviceMetadata.Verdict, _ primary: ECU, _ system: HandledSystem?
  ) throws(UpdaterError) -> OfferedTarget? {
    guard let target = verdict.system, let ecu = HandledECU(primary),
      let bytes = try ComposeApps.list(in: target.imageCustom, of: target.path)
    else { return nil }
    let content = TargetContent(lengthBytes: UInt64(bytes.count), sha256: SHA256.hash(bytes))
    guard let content,
      let made = HandledTarget(
        name: target.path, version: target.version, format: ComposeApps.format, content: content,
        correlationID: verdict.correlationID)
    else { throw .target(target.path, .unfit) }
    let job = HandlerJob(made, for: ecu, custom: target.imageCustom, with: system)
    guard handlers.takesCare(of: job) else { return nil }
    return OfferedTarget(job: job, source: .bytes(bytes))
  }
}
