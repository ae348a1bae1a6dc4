// SPDX-License-Identifier: Apache-2.0
import Configuration
import Deploy
import OSTree
import Pull

// What the doctor looks for in what the device follows, without asking the network.
extension Doctor {
  mutating func examineRemote(
    _ sysroot: Sysroot, _ settings: Settings, _ now: SysrootState
  ) throws(UpdaterError) {
    let updater = Updater(sysroot, settings, remotesFolder: remotesFolder)
    let situation = try Situation(updater)
    let source = try Branch.find(
      settings, situation.origin, deployment: situation.source, sysroot.repo,
      remotesFolder: remotesFolder, from: nil)
    let remote = source.remote
    add(.remote, .ok, .remote(name: remote.name, url: remote.url, ref: source.ref))
    examineOrigin(situation, source)
    examineSignatures(remote)
    try examineCertificates(sysroot, source, updater)
  }

  private mutating func examineOrigin(_ situation: Situation, _ source: Branch) {
    guard let deployment = situation.source else { return }
    guard let refspec = situation.origin?.refspec else {
      return add(.origin, .warn, .noOrigin(deployment: deployment.name))
    }
    if same(refspec, source.refspec.text) {
      add(.origin, .ok, .origin(refspec: refspec))
    } else {
      add(.origin, .warn, .originDiffers(refspec: refspec, configured: source.refspec.text))
    }
  }

  private mutating func examineSignatures(_ remote: RemoteConfig) {
    if remote.demandsGPG || remote.demandsGPGForSummary {
      return add(.signatures, .fail, .failed(.pull(.gpgDemanded(remote: remote.name))))
    }
    if remote.signaturePolicy != .none {
      do throws(OSTreeError) {
        if try TrustedKeys(for: remote).isEmpty {
          return add(.signatures, .fail, .failed(.pull(.noKeys(remote: remote.name))))
        }
        add(.signatures, .ok, .signatures(remote: remote.name))
      } catch { add(.signatures, .fail, .failed(.ostree(error))) }
      return
    }
    let isOnTheWay = remote.url.utf8.starts(with: "http://".utf8)
    let isProven = !isOnTheWay && !remote.isPermissive
    add(
      .signatures, isProven ? .ok : .warn,
      .noSignatures(remote: remote.name, url: remote.url, isEncrypted: isProven))
  }

  /// Opening a remote reads the authorities, the client's certificate and its key.
  private mutating func examineCertificates(
    _ sysroot: Sysroot, _ source: Branch, _ updater: Updater
  ) throws(UpdaterError) {
    guard case .url = source.remote.location,
      source.remote.url.utf8.starts(with: "https://".utf8)
    else { return }
    do throws(PullError) {
      _ = try CommitPull(
        sysroot.repo, from: source.remote, updater.pullOptions(.branch(source), .ref(source.ref)),
        PullProgress())
      add(.certificates, .ok, .certificates)
    } catch { add(.certificates, .fail, .failed(.pull(error))) }
  }
}
