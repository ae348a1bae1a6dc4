// SPDX-License-Identifier: Apache-2.0
import Codec

/// Which targets a device takes that has no director: they say themselves whom they are for.
public struct TargetChoice: Sendable {
  public let hardwareID: String
  /// Of which a target must have one; empty: any target will do.
  public let tags: [String]

  public init(hardwareID: String, tags: [String] = []) {
    (self.hardwareID, self.tags) = (hardwareID, tags)
  }

  /// Whether the target is for this device.
  func takes(_ target: Target) -> Bool {
    guard let custom = target.custom,
      custom["hardwareIds"]?.elements.contains(where: { $0.equals(hardwareID) }) ?? false
    else { return false }
    if tags.isEmpty { return true }
    return custom["tags"]?.elements.contains { node in tags.contains { node.equals($0) } } ?? false
  }
}

extension Target {
  /// The number of its build, by which targets are newer or older: `custom.version` in decimal
  /// digits. Nil for any other version.
  var build: UInt64? {
    if let text = custom?["version"]?.string { return UInt64(text) }
    return custom?["version"]?.integer.flatMap { UInt64(exactly: $0) }
  }
}

extension TrustedTargets {
  /// The newest commit of OSTree, or other target, in the top-level targets that `choice` takes and
  /// `isDeclined` does not exclude; nil if there is none, or none of a later build than what runs:
  /// `version` of the target `running`, which need not be there any more. Walks over all targets.
  public borrowing func newest(
    _ choice: TargetChoice, isOSTree: Bool = true, after running: String, version: String? = nil,
    declining isDeclined: (VerifiedTarget) -> Bool
  ) -> VerifiedTarget? {
    var newest: VerifiedTarget?
    var buildMax = metadata.target(running)?.build ?? version.flatMap { UInt64($0) }
    metadata.walk { target in
      guard let build = target.build, buildMax == nil || build > buildMax ?? 0,
        choice.takes(target)
      else { return }
      let verified = VerifiedTarget(target)
      if verified.isOSTree == isOSTree, !isDeclined(verified) {
        (newest, buildMax) = (verified, build)
      }
    }
    return newest
  }
}
