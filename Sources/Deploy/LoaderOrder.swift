// SPDX-License-Identifier: Apache-2.0
import Boot
import Linux

// A boot loader with entries of its own. The links in `/boot` come first and say what is wanted;
// its entries follow and are what boots.
extension Sysroot {
  /// Brings the boot loader's entries up to the order that `/boot` says: what is left to do where a
  /// run was cut between the two, or where libostree has changed the order. Durable and atomic.
  func followOrder(_ state: SysrootState) throws(DeployError) {
    guard loader.hasOwnEntries, let version = state.bootVersion else { return }
    let counter = try firstTrial(state.deployments).map { BootCounter(left: $0.boots) }
    try inBoot { () throws(BootError) in
      let files = try boot.entries(of: version)
      if try loader.isInStep(files, isOnTrial: counter != nil) { return }
      try loader.copyKernels(of: files, from: boot)
      if let change = try loader.prepare(files, counter: counter) { try loader.publish(change) }
    }
  }

  /// Whether what boots is what `/boot` says. Needs no lock.
  public func loaderFollows(_ state: SysrootState) throws(DeployError) -> Bool {
    guard loader.hasOwnEntries, let version = state.bootVersion else { return true }
    let isOnTrial = try firstTrial(state.deployments) != nil
    return try inBoot { () throws(BootError) in
      try loader.isInStep(try boot.entries(of: version), isOnTrial: isOnTrial)
    }
  }

  /// What the boot loader counts of the first deployment before a change; nil for nothing.
  func counter(before state: SysrootState) throws(DeployError) -> BootCounter? {
    guard loader.hasOwnEntries, try firstTrial(state.deployments) != nil else { return nil }
    switch try inBoot({ () throws(BootError) in try loader.trialCount() }) {
    case .idle: return nil
    case .counting(let left, let max):
      let done = (max ?? left) - left
      return BootCounter(left: left, done: done > 0 ? done : nil)
    case .fellBack: return BootCounter(left: 0)
    }
  }

  /// The counter of the first deployment in a new order: what was counted goes on where it was
  /// first before. Nil where it is not on trial.
  func counter(
    of order: [Deployment], over state: SysrootState, _ before: BootCounter?
  ) throws(DeployError) -> BootCounter? {
    guard loader.hasOwnEntries, let trial = try firstTrial(order) else { return nil }
    let wasFirst = state.deployments.first?.isSame(as: order[0]) ?? false
    return wasFirst ? before : BootCounter(left: trial.boots)
  }

  private func firstTrial(_ order: [Deployment]) throws(DeployError) -> TrialRecord.Trial? {
    let record = try trialRecord()
    guard let first = order.first, record.isOnTrial(first) else { return nil }
    return record.trial
  }
}
