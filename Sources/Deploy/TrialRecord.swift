// SPDX-License-Identifier: Apache-2.0
import Codec
public import Cryptography
import Linux

/// What is known about deployments on trial: the file `SYSROOT/ostree/coppice/trials`.
/// ```
/// [trials]
/// version=1
///
/// [trial]                      on trial, or about to be
/// stateroot=poky
/// checksum=4e67ea…
/// serial=0
/// boots=3
///
/// [proven 1]                   the newest that was marked good
/// stateroot=poky
/// checksum=91b2c7…
/// serial=0
///
/// [rejected 1]                 the newest that fell back
/// stateroot=poky
/// checksum=0c44d1…
/// serial=0
/// at=2026-11-21T00:12:44Z
/// ```
/// The boot loader's store counts and knows no names; this knows names and does not count. Only
/// what is recorded here can ever be rejected.
public struct TrialRecord: Hashable, Sendable {
  /// What boots first and is counted.
  public internal(set) var trial: Trial?
  /// The newest first.
  public internal(set) var proven: [DeploymentIdentity] = []
  /// The newest first.
  public internal(set) var rejected: [Rejection] = []

  public init() {}

  public struct Trial: Hashable, Sendable {
    public let deployment: DeploymentIdentity
    public let boots: Int
  }

  /// A deployment that was tried and did not prove itself.
  public struct Rejection: Hashable, Sendable {
    public let deployment: DeploymentIdentity
    /// When that was noticed: seconds since 1970, by the clock of the device.
    public let at: Int64
  }

  public func isOnTrial(_ deployment: Deployment) -> Bool {
    trial?.deployment == DeploymentIdentity(deployment)
  }

  public func isProven(_ deployment: Deployment) -> Bool {
    proven.contains(DeploymentIdentity(deployment))
  }

  public func isRejected(_ deployment: Deployment) -> Bool {
    let identity = DeploymentIdentity(deployment)
    return rejected.contains { $0.deployment == identity }
  }

  /// How a commit fared in this stateroot before; nil if it was not rejected.
  public func rejection(of commit: Checksum, in stateroot: String) -> Rejection? {
    rejected.first { $0.deployment.commit == commit && same($0.deployment.stateroot, stateroot) }
  }

  // MARK: Changes

  /// The newest ones are kept: those that can still be deployed, and what a server may still offer.
  private static let provenMax = 8
  private static let rejectedMax = 16

  /// What is tried again is rejected no longer.
  mutating func begin(_ deployment: Deployment, boots: Int) {
    trial = Trial(deployment: DeploymentIdentity(deployment), boots: boots)
    rejected.removeAll {
      $0.deployment.commit == deployment.commit
        && same($0.deployment.stateroot, deployment.stateroot)
    }
  }

  mutating func prove(_ deployment: Deployment) {
    let identity = DeploymentIdentity(deployment)
    if trial?.deployment == identity { trial = nil }
    rejected.removeAll { $0.deployment == identity }
    proven.removeAll { $0 == identity }
    proven.insert(identity, at: 0)
    proven = Array(proven.prefix(TrialRecord.provenMax))
  }

  mutating func reject(_ deployment: Deployment, at seconds: Int64) {
    let identity = DeploymentIdentity(deployment)
    proven.removeAll { $0 == identity }
    rejected.removeAll { $0.deployment == identity }
    rejected.insert(Rejection(deployment: identity, at: seconds), at: 0)
    rejected = Array(rejected.prefix(TrialRecord.rejectedMax))
  }
}

/// Which deployment: what stays the same whatever its boot entry says.
public struct DeploymentIdentity: Hashable, Sendable {
  public let stateroot: String
  public let commit: Checksum
  public let serial: Int

  init(stateroot: String, commit: Checksum, serial: Int) {
    self.stateroot = stateroot
    self.commit = commit
    self.serial = serial
  }

  public init(_ deployment: Deployment) {
    self.init(
      stateroot: deployment.stateroot, commit: deployment.commit, serial: deployment.serial)
  }

  /// `COMMIT.SERIAL`.
  public var name: String { "\(commit.hex).\(serial)" }

  public static func == (one: DeploymentIdentity, other: DeploymentIdentity) -> Bool {
    one.commit == other.commit && one.serial == other.serial
      && same(one.stateroot, other.stateroot)
  }
}

// MARK: - Text
extension TrialRecord {
  private static let group = "trials"
  private static let trialGroup = "trial"
  private static let version: Int64 = 1

  /// Nil for what is no such record, or is one of a newer form.
  init?(parsing text: [UInt8]) {
    guard let file = try? Keyfile(parsing: text),
      (try? file.integer(TrialRecord.group, "version")) == TrialRecord.version
    else { return nil }
    if file.contains(group: TrialRecord.trialGroup) {
      guard let deployment = DeploymentIdentity(in: file, TrialRecord.trialGroup),
        let boots = (try? file.integer(TrialRecord.trialGroup, "boots")) ?? nil,
        let boots = Int(exactly: boots)
      else { return nil }
      trial = Trial(deployment: deployment, boots: boots)
    }
    for number in 1...TrialRecord.provenMax {
      guard let found = DeploymentIdentity(in: file, "proven \(number)") else { break }
      proven.append(found)
    }
    for number in 1...TrialRecord.rejectedMax {
      let group = "rejected \(number)"
      guard let found = DeploymentIdentity(in: file, group),
        let at = file.string(group, "at").flatMap(Timestamp.parse)
      else { break }
      rejected.append(Rejection(deployment: found, at: at))
    }
  }

  func serialized() -> [UInt8] {
    var file = Keyfile()
    file.set(TrialRecord.group, "version", to: String(TrialRecord.version))
    if let trial {
      trial.deployment.write(to: &file, TrialRecord.trialGroup)
      file.set(TrialRecord.trialGroup, "boots", to: String(trial.boots))
    }
    for (index, deployment) in proven.enumerated() {
      deployment.write(to: &file, "proven \(index + 1)")
    }
    for (index, rejection) in rejected.enumerated() {
      rejection.deployment.write(to: &file, "rejected \(index + 1)")
      file.set("rejected \(index + 1)", "at", to: Timestamp.text(seconds: rejection.at))
    }
    return file.serialized()
  }
}

extension DeploymentIdentity {
  fileprivate init?(in file: Keyfile, _ group: String) {
    guard let stateroot = file.string(group, "stateroot"), Stateroot.isName(stateroot),
      let commit = file.string(group, "checksum").flatMap({ Checksum(hex: $0) }),
      let serial = (try? file.integer(group, "serial")) ?? nil, let serial = Int(exactly: serial)
    else { return nil }
    self.init(stateroot: stateroot, commit: commit, serial: serial)
  }

  fileprivate func write(to file: inout Keyfile, _ group: String) {
    file.set(group, "stateroot", to: stateroot)
    file.set(group, "checksum", to: commit.hex)
    file.set(group, "serial", to: String(serial))
  }
}
