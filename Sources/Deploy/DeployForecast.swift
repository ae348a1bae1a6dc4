// SPDX-License-Identifier: Apache-2.0
import Boot
public import Cryptography

/// What a deploy would do, as far as that is known without the commit's tree.
public struct DeployForecast: Sendable {
  public let stateroot: String
  /// Whose /etc and kernel arguments it would get; nil where there is none.
  public let source: Deployment?
  /// The deployments that would go.
  public let removed: [Deployment]
  /// Whether `/boot` needs room for kernels: it is a file system of its own.
  public let needsBootSpace: Bool
  /// Where the boot loader has kernels of its own: the EFI system partition; else nil.
  public let systemPartition: String?
}

extension Sysroot {
  /// Says beforehand what `deploy` would do with these options. Needs no lock; changes nothing.
  ///
  /// Throws `noStateroot` or `whichStateroot`.
  public func forecast(
    of commit: Checksum, _ options: DeployOptions = DeployOptions(), _ state: SysrootState
  ) throws(DeployError) -> DeployForecast {
    let stateroot = try stateroot(options.stateroot, state)
    let source = options.merges ? mergeSource(stateroot, state) : nil
    let serials = state.deployments.filter { $0.commit == commit }.map { $0.serial }
    var new = Deployment(
      stateroot: stateroot, commit: commit, serial: (serials.max() ?? -1) + 1,
      bootChecksum: commit, entry: source?.entry ?? .init())
    new.counter = nil
    var order = try options.retention.order(
      adding: new, to: state.deployments, booted: state.booted, merge: source,
      isDefault: options.isDefault, isPinned: isPinned)
    // What a trial would fall back on stays.
    if options.trialBoots > 0, loader.countsTrials, let fallback = try fallback(state) {
      order.append(fallback)
    }
    let removed = state.deployments.filter { old in !order.contains { $0.isSame(as: old) } }
    var systemPartition: String?
    if case .systemdBoot(let esp) = loader { systemPartition = esp.path }
    return DeployForecast(
      stateroot: stateroot, source: source, removed: removed, needsBootSpace: boot.isSeparate,
      systemPartition: systemPartition)
  }

  /// The stateroot that a command is about: the named one, else the running one's, else the only
  /// one. Throws `noStateroot` or `whichStateroot`.
  public func chooseStateroot(
    _ name: String?, _ state: SysrootState
  ) throws(DeployError) -> String {
    try stateroot(name, state)
  }

  /// Whose /etc and kernel arguments the next deployment of a stateroot gets: the running one of
  /// it, else its first; nil if it has none.
  public func mergeDeployment(of stateroot: String, _ state: SysrootState) -> Deployment? {
    mergeSource(stateroot, state)
  }
}
