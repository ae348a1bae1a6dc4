// SPDX-License-Identifier: Apache-2.0

/// Which old deployments stay besides those that always do: the pinned, those of other stateroots,
/// the booted one, and the one whose /etc the new one got.
public struct Retention: OptionSet, Sendable {
  public let rawValue: UInt8
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// Those in front of the booted one, which have not been booted yet.
  public static let pending = Retention(rawValue: 1)
  /// Those behind it.
  public static let rollback = Retention(rawValue: 2)
  public static let all: Retention = [.pending, .rollback]
}

extension Retention {
  /// The order with a new deployment in it. ostree-sysroot.c, `simple_write_deployment`.
  ///
  /// First, or with `isDefault` false right behind the booted one. Where neither a booted nor a
  /// merge deployment tells old from new, all stay.
  func order(
    adding new: Deployment, to old: [Deployment], booted: Deployment?, merge: Deployment?,
    isDefault: Bool, isPinned: (Deployment) throws(DeployError) -> Bool
  ) throws(DeployError) -> [Deployment] {
    let retention = booted == nil && merge == nil ? .all : self
    var order = isDefault ? [new] : []
    var hasPassed = false
    for deployment in old {
      let isBooted = booted?.isSame(as: deployment) ?? false
      let isMerge = merge?.isSame(as: deployment) ?? false
      if isBooted || (booted == nil && isMerge) { hasPassed = true }
      let isWanted = retention.contains(hasPassed ? .rollback : .pending)
      let isOther = !same(deployment.stateroot, new.stateroot)
      let isPinned = try isPinned(deployment)
      if isBooted || isMerge || isWanted || isOther || isPinned { order.append(deployment) }
      if hasPassed, !order.contains(where: { $0.isSame(as: new) }) { order.append(new) }
    }
    if !order.contains(where: { $0.isSame(as: new) }) { order.append(new) }
    return order
  }
}
