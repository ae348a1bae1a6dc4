// SPDX-License-Identifier: Apache-2.0
public import Boot
public import Configuration
public import Cryptography
public import Deploy
public import Linux
public import OSTree

/// How bad a finding is.
public enum Verdict: String, Sendable {
  case ok
  /// Works, but somebody should know.
  case warn
  /// Updates fail, or will, until somebody does something.
  case fail
}

/// What a check of the doctor is about.
public enum DoctorSubject: String, Sendable {
  case configuration, sysroot, loader, repo, leftovers, commits, lock, space, boot, deployments,
    clock
  case remote, signatures, certificates, origin, trust, identity, handlers, state
}

/// What a check found. The words and the advice are made where they are shown.
public enum Finding: Sendable {
  case settings(files: [String])
  case oddSetting(ConfigurationWarning)
  case brokenSettings(ConfigurationError)
  /// A file that a setting names is not there, or cannot be read.
  case missingFile(path: String, Setting, Errno)

  case sysroot(path: String)
  /// What the boot loader is, and what shows it.
  case loader(FoundLoader)
  /// It counts starts, and this is what its store says.
  case store(TrialCount)
  case storeProof(StoreProof)
  /// One copy that is larger than a sector.
  case unsafeStore(path: String)
  /// The state block was damaged and was made anew.
  case madeStore(path: String)
  /// A deployment is on trial, and nothing counts its starts.
  case uncountedTrial(deployment: String)
  /// The entries that the boot loader reads are not as `/boot` says.
  case entriesBehind(path: String)
  /// This entry was chosen in systemd-boot's menu as the default, whatever is deployed.
  case fixedEntry(name: String)
  case repo(path: String, RepoMode)
  case readOnlyRepo(path: String)

  /// Nothing of interrupted runs.
  case noLeftovers
  case leftovers(Leftovers)
  case judgedLeftovers(kept: UInt64, removed: UInt64)
  case completeCommits
  case partialCommit(Checksum)
  case damagedCommit(Checksum)
  /// Marks of commits that are not there.
  case staleMarks(count: Int)
  case clearedMarks(count: Int)

  case lockFree
  case lockHeld(path: String)
  case room(RoomNeeded)

  case bootLinks(BootVersion)
  case nothingInBoot
  case noNextLink(path: String)
  case restoredNextLink(path: String)

  case deployments(count: Int)
  case noDeployments
  case missingTree(path: String)
  case missingKernel(path: String, deployment: String)
  /// libostree will finish it when the machine goes down.
  case staged(name: String)

  case clock(seconds: Int64)
  /// Earlier than this program was made.
  case clockBehind(seconds: Int64, floorSeconds: Int64)

  case remote(name: String, url: String, ref: String)
  case signatures(remote: String)
  /// Nothing proves what comes from the remote but, perhaps, TLS.
  case noSignatures(remote: String, url: String, isEncrypted: Bool)
  case certificates
  case origin(refspec: String)
  case originDiffers(refspec: String, configured: String)
  case noOrigin(deployment: String)

  /// What is trusted of a repository, and until when.
  case trust(repository: String, TrustState)
  /// The device has nothing to begin with; `takesFirst`: it will take what its server has.
  case noRoot(repository: String, takesFirst: Bool)

  case identity(deviceID: String, url: String)
  case notProvisioned
  /// When the certificate of the device ends, ended, or begins.
  case certificateEnds(path: String, seconds: Int64)
  case certificateExpired(path: String, seconds: Int64)
  case certificateNotYetValid(path: String, seconds: Int64)

  /// What a handler has made of its ECU; nil: nothing that was proven.
  case handler(String, target: String?)
  /// Targets for this ECU need a handler that is named for their format.
  case noHandlerNamed(hardwareID: String)
  /// What it has made can neither be verified nor taken back.
  case missingHandler(String, hardwareID: String)
  /// A handler could not take back what has failed.
  case notReverted(String, target: String)

  case state(path: String)
  case unwritableState(path: String)

  /// A check that could not be made: the error says why and what to do.
  case failed(UpdaterError)
}

/// One line of what the doctor says.
public struct Diagnosis: Sendable {
  public let subject: DoctorSubject
  public let verdict: Verdict
  public let finding: Finding

  init(_ subject: DoctorSubject, _ verdict: Verdict, _ finding: Finding) {
    self.subject = subject
    self.verdict = verdict
    self.finding = finding
  }
}
