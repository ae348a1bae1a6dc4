// SPDX-License-Identifier: Apache-2.0
import Boot
import Cryptography
import Linux

// Changes of the boot order and of what is known about a deployment. An index counts in the order
// that `state()` gives, from 0; what libostree has staged comes before them all, as in
// `ostree admin status`.
extension Sysroot {
  /// Puts the previous deployment first: the one behind the running one in boot order, of the same
  /// stateroot; if there is none, the running one in front of what is pending.
  ///
  /// Durable and atomic. Throws `nothingToRollBackTo`.
  public func rollback(_ lock: borrowing SysrootLock) throws(DeployError) -> OrderReport {
    _ = try settleFallback(lock, ignoringDamage: true)
    let state = try state()
    let current = state.bootedIndex ?? 0
    guard state.deployments.indices.contains(current) else { throw .nothingToRollBackTo }
    let stateroot = state.deployments[current].stateroot
    let behind = state.deployments.indices.first {
      $0 > current && same(state.deployments[$0].stateroot, stateroot)
    }
    guard let chosen = behind ?? (current > 0 ? current : nil) else {
      throw .nothingToRollBackTo
    }
    var order = state.deployments
    order.insert(order.remove(at: chosen), at: 0)
    return try write(order, state, lock)
  }

  /// Takes a deployment out of boot order and removes it. Durable and atomic. Throws `isBooted`.
  public func undeploy(
    _ index: Int, _ lock: borrowing SysrootLock
  ) throws(DeployError) -> OrderReport {
    let state = try state()
    guard let position = try position(index, state) else {
      try dropStaged()
      var cleaned = CleanupReport()
      return OrderReport(change: .unchanged, cleanupFailure: cleanupFailure(lock, &cleaned))
    }
    if position == state.bootedIndex { throw .isBooted(index: index) }
    var order = state.deployments
    order.remove(at: position)
    return try write(order, state, lock)
  }

  /// Sets the boot order: `indices` names every deployment once. Durable and atomic.
  public func reorder(
    _ indices: [Int], _ lock: borrowing SysrootLock
  ) throws(DeployError) -> OrderReport {
    let state = try state()
    var order: [Deployment] = []
    for index in indices {
      guard let position = try position(index, state) else { throw .isStaged }
      order.append(state.deployments[position])
    }
    guard indices.count == state.deployments.count, Set(indices).count == indices.count else {
      throw .notAnOrder(indices)
    }
    return try write(order, state, lock)
  }

  /// Keeps a deployment whatever is deployed later, or no longer. Durable when it returns. False if
  /// it was so already.
  @discardableResult
  public func setPinned(
    _ pinned: Bool, _ index: Int, _ lock: borrowing SysrootLock
  ) throws(DeployError) -> Bool {
    let state = try state()
    guard let position = try position(index, state) else { throw .isStaged }
    let deployment = state.deployments[position]
    var origin = try origin(of: deployment) ?? Origin(refspec: deployment.commit.hex)
    if origin.isPinned == pinned { return false }
    origin.isPinned = pinned
    let folder = "deploy/\(deployment.stateroot)/deploy"
    let text = origin.serialized()
    try at(place(deployment.originFile)) { () throws(Errno) in
      try store.openBeneath(folder, [.readOnly, .directory])
        .replaceFile("\(deployment.name).origin", with: text)
    }
    return true
  }

  /// Changes kernel arguments by a new deployment of the same commit, which is put first. Nil if
  /// the arguments are as wanted already.
  ///
  /// `index` nil: the one that boots next, so that an edit adds to the one before it also while
  /// neither has been booted. /etc is merged as always.
  public func editKernelArguments(
    _ changes: [KernelArgumentChange], of index: Int? = nil, trialBoots: Int = 0,
    _ lock: borrowing SysrootLock
  ) throws(DeployError) -> DeployReport? {
    let state = try state()
    let deployment = try index == nil ? nextDeployment(state) : deployment(index, state)
    var arguments = deployment.arguments
    for change in changes { try change.apply(to: &arguments) }
    if same(arguments.text, deployment.entry.options) { return nil }
    var options = DeployOptions()
    options.stateroot = deployment.stateroot
    options.argumentChanges = changes
    options.argumentSource = deployment
    options.trialBoots = trialBoots
    let origin = try origin(of: deployment) ?? Origin(refspec: deployment.commit.hex)
    return try deploy(deployment.commit, origin: origin.forNextDeployment, options, lock)
  }

  /// What was changed in /etc of a deployment: the one with this index, else the running one, else
  /// the first. Added directories are followed by all below them.
  public func etcDiff(_ index: Int? = nil) throws(DeployError) -> EtcDiff {
    let deployment = try deployment(index, try state())
    let tree = try openTree(deployment)
    let path = place(deployment.folder)
    let old = try at("\(path)/usr/etc") { () throws(Errno) in
      try tree.openBeneath("usr/etc", [.readOnly, .directory])
    }
    let current = try at("\(path)/etc") { () throws(Errno) in try tree.openDirectory("etc") }
    return try EtcDiff.between(old, current, path: "\(path)/etc", listsAll: true)
  }

  /// The deployment that boots next, unless that is of another stateroot than the running one:
  /// then the first of that.
  public func nextDeployment(_ state: SysrootState) throws(DeployError) -> Deployment {
    let stateroot = state.booted?.stateroot ?? state.deployments.first?.stateroot
    let found = state.deployments.first { deployment in
      stateroot.map { same($0, deployment.stateroot) } ?? false
    }
    guard let found else { throw .noDeployment(index: 0, count: 0) }
    return found
  }

  /// The deployment with this index, else the running one, else the first.
  public func deployment(
    _ index: Int?, _ state: SysrootState
  ) throws(DeployError) -> Deployment {
    if let index {
      guard let position = try position(index, state) else { throw .isStaged }
      return state.deployments[position]
    }
    guard let found = state.booted ?? state.deployments.first else {
      throw .noDeployment(index: 0, count: 0)
    }
    return found
  }

  /// Where in `state.deployments` an index points; nil for what libostree has staged.
  private func position(_ index: Int, _ state: SysrootState) throws(DeployError) -> Int? {
    let stagedCount = state.staged == nil ? 0 : 1
    if index == 0, stagedCount == 1 { return nil }
    let position = index - stagedCount
    guard state.deployments.indices.contains(position) else {
      throw .noDeployment(index: index, count: state.deployments.count + stagedCount)
    }
    return position
  }

  private func write(
    _ order: [Deployment], _ state: SysrootState, _ lock: borrowing SysrootLock
  ) throws(DeployError) -> OrderReport {
    let change = try namingSpace { () throws(DeployError) in
      try write(order, over: state, lock) { () throws(DeployError) in }
    }
    var report = OrderReport(change: change)
    report.trialFailure = trialFailure(order, state)
    if change != .unchanged {
      var cleaned = CleanupReport()
      report.cleanupFailure = cleanupFailure(lock, &cleaned)
    }
    return report
  }
}
