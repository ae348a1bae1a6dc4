// SPDX-License-Identifier: Apache-2.0
/// One change of kernel arguments, in the order in which they were asked for.
public enum KernelArgumentChange: Hashable, Sendable {
  /// `K=V` in place of all arguments with the key `K`.
  case replace(String)
  case append(String)
  /// `K=V`, or `K` where only one argument has that key.
  case delete(String)

  private static let panicPrefix = Array("\(EntryWriter.panicKey)=".utf8)

  func apply(to arguments: inout KernelArguments) throws(DeployError) {
    switch self {
    case .replace(let argument): arguments.replace(argument)
    case .append(let argument): arguments.append(argument)
    case .delete(let argument): try arguments.delete(argument)
    }
  }

  /// Whether somebody wants no `panic=`.
  var deletesPanic: Bool {
    guard case .delete(let argument) = self else { return false }
    return same(argument, EntryWriter.panicKey)
      || argument.utf8.starts(with: KernelArgumentChange.panicPrefix)
  }
}

/// Whether the changes in /etc are carried over a second time, with the file system at rest.
public enum LateMerge: Hashable, Sendable {
  case never, always
  /// Where the running system is the source, and the initramfs of the new tree is marked as one
  /// that can do it. See `FinalizerMarker`.
  case ifMarked
}

/// How a commit becomes a deployment.
public struct DeployOptions: Sendable {
  /// Nil: that of the running system, else the only one there is.
  public var stateroot: String?
  public var argumentChanges: [KernelArgumentChange] = []
  /// Whether /etc and kernel arguments come from the running deployment, or else from the first one
  /// of the stateroot.
  public var merges = true
  /// Whether /etc is merged once more at the first boot, by the initramfs.
  public var lateMerge = LateMerge.never
  /// Whether every object is hashed on its way into the tree. Costs reading the whole of it; what a
  /// pull has just read back needs it not.
  public var verifiesObjects = false
  public var retention: Retention = []
  /// How often it may be started before it is proven, where the boot loader counts; 0: no trial.
  public var trialBoots = 0
  /// Whether it becomes the first in boot order.
  public var isDefault = true
  /// Whether to remove afterwards what nothing refers to any more. Objects are never touched here.
  public var cleansUp = true

  /// Whose kernel arguments are changed where that is not the one whose /etc is merged.
  var argumentSource: Deployment?

  public init() {}
}

/// What a deploy did.
public struct DeployReport: Sendable {
  public let deployment: Deployment
  public let change: BootChange
  /// Nil where there was nothing to merge from.
  public let etc: EtcMerge?
  /// Whether /etc is merged once more at the first boot.
  public let isEtcPending: Bool
  /// How many deployments there were before, and how many there are now.
  public let countBefore: Int
  public let countAfter: Int
  /// How often it may be started before it is proven; nil where it is not tried.
  public internal(set) var trialBoots: Int?
  /// What the cleanup removed. Paths relative to the sysroot.
  public internal(set) var removed: [String] = []
  /// The deployment is in force, but the boot loader could not be told that the trial of another
  /// one is over.
  public internal(set) var trialFailure: DeployError?
  /// The deployment is in force, but not everything that it replaced could be removed.
  public internal(set) var cleanupFailure: DeployError?
}

/// What a change of the boot order did.
public struct OrderReport: Hashable, Sendable {
  public let change: BootChange
  /// The order is in force, but the boot loader could not be told that the trial of what was first
  /// is over.
  public internal(set) var trialFailure: DeployError?
  /// The order is in force, but not everything that it left could be removed.
  public internal(set) var cleanupFailure: DeployError?
}
