// SPDX-License-Identifier: Apache-2.0
import Codec
public import Cryptography
import Deploy
import Gateway
import Linux

/// What the server of this device wants it to run, until it is known how that ended, and what did
/// not work: the file `installation` in the folder of coppice's state.
/// ```
/// [installation]
/// version=1
///
/// [pending]                    from before it is deployed until it is proven or has failed
/// target=edge-gw-2.4.0
/// checksum=4e67ea…
/// correlation-id=urn:…         missing where the server gave none
/// downloaded=true
/// deployed=true
///
/// [handled 1]                  what handlers take care of, until it is known how that ended
/// ecu=gw-0001-compose
/// hardware-id=docker-compose
/// name=apps-7.lock.yml         and what else there is to remember of a target
/// downloaded=true
///
/// [failed 1]                   the newest that did not prove itself
/// target=edge-gw-2.3.9
/// checksum=0c44d1…
/// correlation-id=urn:…
/// at=2026-11-21T00:12:44Z
/// ```
/// It decides about reports and about what is offered again, never about what boots.
public struct InstallationRecord: Hashable, Sendable {
  public internal(set) var pending: Installation?
  public internal(set) var handled: [HandledInstallation] = []
  /// The newest first.
  public internal(set) var failed: [FailedInstallation] = []

  /// What a server may still offer; the oldest are forgotten.
  private static let failedMax = 16
}

/// A commit that the server wants, and by which names.
public struct Installation: Hashable, Sendable {
  public let target: String
  public let commit: Checksum
  /// What the director calls this update. Nil: it gave no name.
  public let correlationID: String?
  public internal(set) var isDownloaded = false
  public internal(set) var isDeployed: Bool

  init(target: String, commit: Checksum, correlationID: String?, isDeployed: Bool = false) {
    (self.target, self.commit) = (target, commit)
    (self.correlationID, self.isDeployed) = (correlationID, isDeployed)
  }

  /// The same content under the same name of an update: not assigned anew.
  func isSame(as other: Installation) -> Bool {
    commit == other.commit && same(target, other.target)
      && same(correlationID ?? "", other.correlationID ?? "")
  }
}

public struct FailedInstallation: Hashable, Sendable {
  public let installation: Installation
  /// When that was noticed: seconds since 1970, by the clock of the device.
  public let at: Int64
}

// MARK: - How it ended
extension Installation {
  enum Outcome: Hashable {
    /// Nobody can tell yet: it is not deployed, not started, or has yet to prove itself.
    case waiting
    case installed
    /// Something else runs, and what was wanted is not going to be started by itself.
    case failed
  }

  /// What of a device tells how an installation ended.
  struct Evidence {
    /// What runs; nil where nothing runs from this sysroot.
    var booted: Checksum?
    var isBootedOnTrial = false
    /// The first in boot order.
    var next: Checksum?
    /// What was tried here and fell back.
    var rejected: [Checksum] = []
  }

  /// A commit that runs and is no longer on trial is installed. One that is the first in boot order
  /// still has its start before it, whoever chose another one this time.
  func outcome(_ evidence: Evidence) -> Outcome {
    if evidence.booted == commit { return evidence.isBootedOnTrial ? .waiting : .installed }
    if evidence.rejected.contains(commit) { return .failed }
    if !isDeployed || evidence.next == commit { return .waiting }
    return .failed
  }
}

extension InstallationRecord {
  /// Notes what is wanted now; what was begun under the same names goes on. Without a commit the
  /// one that is on its way stays.
  mutating func begin(_ wanted: Installation?, _ targets: [HandledInstallation] = []) {
    if let wanted, !(pending?.isSame(as: wanted) ?? false) { pending = wanted }
    let before = handled
    handled = targets.map { target in before.first { $0.isSame(as: target) } ?? target }
  }

  /// It is deployed, and is waiting for its first start.
  mutating func noteDeployed() { pending?.isDeployed = true }

  /// What was begun is here.
  mutating func noteDownloaded() {
    pending?.isDownloaded = true
    for index in handled.indices { handled[index].isDownloaded = true }
  }

  /// It is known how it ended. Nil: nothing but targets was on its way.
  mutating func end(
    _ system: (Installation, ResultCode, reason: String)?, at seconds: Int64
  ) {
    handled = []
    switch system?.1 {
    case nil: break
    case .ok?: succeed()
    // Nothing is said against the system itself.
    case .operationCancelled?: pending = nil
    case _?: fail(at: seconds)
    }
  }

  mutating func fail(at seconds: Int64) {
    guard let installation = pending else { return }
    failed.removeAll { $0.installation.commit == installation.commit }
    failed.insert(FailedInstallation(installation: installation, at: seconds), at: 0)
    failed = Array(failed.prefix(InstallationRecord.failedMax))
    pending = nil
  }

  mutating func succeed() {
    guard let installation = pending else { return }
    failed.removeAll { $0.installation.commit == installation.commit }
    pending = nil
  }

  /// Whether a commit was tried here and did not prove itself.
  func hasFailed(_ commit: Checksum) -> Bool {
    failed.contains { $0.installation.commit == commit }
  }

  /// Whether this was tried before and is wanted anew, under another name of an update.
  func isAssignedAnew(_ wanted: Installation) -> Bool {
    guard let before = failed.first(where: { $0.installation.commit == wanted.commit }) else {
      return false
    }
    return !same(wanted.correlationID ?? "", before.installation.correlationID ?? "")
  }
}

// MARK: - The file
extension InstallationRecord {
  private static let name = "installation"
  private static let group = "installation"
  private static let version: Int64 = 1
  /// Far above what a full record takes.
  private static let bytesMax = 256 << 10

  /// Empty where nothing was recorded, and for what cannot be understood: then nothing is reported,
  /// and nothing that boots depends on it.
  init(folder: String) throws(UpdaterError) {
    let path = "\(folder)/\(InstallationRecord.name)"
    let text: [UInt8]
    do throws(Errno) {
      text = try FileDescriptor.open(path).readAll(limit: InstallationRecord.bytesMax)
    } catch {
      if error == .notFound || error == .notDirectory || error == .overflow { return }
      throw .file(path: path, error)
    }
    guard let file = try? Keyfile(parsing: text),
      (try? file.integer(InstallationRecord.group, "version")) == InstallationRecord.version
    else { return }
    pending = Installation(in: file, "pending")
    for number in 1...HandlerRecord.slotsMax {
      guard let target = HandledInstallation(in: file, "handled \(number)") else { break }
      handled.append(target)
    }
    for number in 1...InstallationRecord.failedMax {
      let group = "failed \(number)"
      guard let installation = Installation(in: file, group),
        let at = file.string(group, "at").flatMap(Timestamp.parse)
      else { break }
      failed.append(FailedInstallation(installation: installation, at: at))
    }
  }

  /// Makes the folder if it is missing. Durable when it returns.
  func write(folder: String) throws(UpdaterError) {
    var file = Keyfile()
    file.set(InstallationRecord.group, "version", to: String(InstallationRecord.version))
    pending?.write(to: &file, "pending")
    for (index, target) in handled.prefix(HandlerRecord.slotsMax).enumerated() {
      target.write(to: &file, "handled \(index + 1)")
    }
    for (index, failure) in failed.enumerated() {
      failure.installation.write(to: &file, "failed \(index + 1)")
      file.set("failed \(index + 1)", "at", to: Timestamp.text(seconds: failure.at))
    }
    let text = file.serialized()
    try at("\(folder)/\(InstallationRecord.name)") { () throws(Errno) in
      try FileDescriptor.openDirectory(".").makeDirectories(folder, mode: 0o755)
      try FileDescriptor.openDirectory(folder).replaceFile(InstallationRecord.name, with: text)
    }
  }
}

extension Installation {
  fileprivate init?(in file: Keyfile, _ group: String) {
    guard let target = file.string(group, "target"),
      let commit = file.string(group, "checksum").flatMap({ Checksum(hex: $0) })
    else { return nil }
    self.init(
      target: target, commit: commit, correlationID: file.string(group, "correlation-id"),
      isDeployed: ((try? file.boolean(group, "deployed")) ?? nil) ?? false)
    isDownloaded = ((try? file.boolean(group, "downloaded")) ?? nil) ?? false
  }

  fileprivate func write(to file: inout Keyfile, _ group: String) {
    file.set(group, "target", to: target)
    file.set(group, "checksum", to: commit.hex)
    if let correlationID { file.set(group, "correlation-id", to: correlationID) }
    if isDownloaded { file.set(group, "downloaded", to: true) }
    if isDeployed { file.set(group, "deployed", to: true) }
  }
}
