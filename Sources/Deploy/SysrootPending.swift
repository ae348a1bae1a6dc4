// SPDX-License-Identifier: Apache-2.0
import Boot
import Linux

/// Whether a deployment's /etc is as it will stay.
public enum EtcState: Hashable, Sendable {
  case merged
  /// It is merged once more at the first boot.
  case pending
  /// It was to be, and is that of deploy time for this reason.
  case failed(String)
}

// Records of the merges that first boots are to do.
extension Sysroot {
  /// What is to be known of a deployment's /etc. A record that cannot be read counts as none: the
  /// initramfs does not act upon it either.
  func etcState(of deployment: Deployment) throws(DeployError) -> EtcState {
    let pending: PendingMerge?
    do throws(DeployError) {
      pending = try PendingMerge.read(
        deployment.stateroot, deployment.name, in: store, path: place(""))
    } catch {
      if case .strangePending = error { return .merged }
      throw error
    }
    guard let pending else { return .merged }
    return pending.failure.map { .failed($0) } ?? .pending
  }

  /// `source` nil: nothing is pending. A run that was cut may have left a record by this name, of a
  /// tree that is gone.
  func recordMerge(
    of deployment: Deployment, from source: Deployment?
  ) throws(DeployError) {
    guard let source else {
      return try PendingMerge.remove(
        deployment.stateroot, deployment.name, in: store, path: place(""))
    }
    let etc = try at(place("\(deployment.folder)/etc")) { () throws(Errno) in
      try store.status(of: "\(deployment.folder)/etc")
    }
    try PendingMerge(source: source.name, etcInode: etc.inode)
      .write(deployment.stateroot, deployment.name, in: store, path: place(""))
  }

  /// Of deployments that are gone, and of the one that runs: its /etc is in use, and nothing may
  /// take its place any more.
  func removeUnusedPendingMerges(_ state: SysrootState) throws(DeployError) {
    for stateroot in try pendingNames(PendingMerge.folder) {
      for name in try pendingNames("\(PendingMerge.folder)/\(stateroot)") {
        let deployment = state.deployments.first {
          same($0.stateroot, stateroot) && same($0.name, name)
        }
        if let deployment {
          guard state.booted?.isSame(as: deployment) == true,
            try etcState(of: deployment) == .pending
          else { continue }
        }
        try PendingMerge.remove(stateroot, name, in: store, path: place(""))
      }
    }
  }

  private func pendingNames(_ folder: String) throws(DeployError) -> [String] {
    try at(place(folder)) { () throws(Errno) -> [String] in
      do throws(Errno) {
        return try store.openBeneath(folder, [.readOnly, .directory]).sortedEntries()
          .map { $0.name }
      } catch {
        if error == .notFound || error == .notDirectory { return [] }
        throw error
      }
    }
  }
}
