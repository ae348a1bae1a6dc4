// SPDX-License-Identifier: Apache-2.0
public import Configuration
import Cryptography
public import Deploy
import Linux
import OSTree

/// Looks at all that an update depends on, without doing one and without asking the network.
///
/// With `repairs` it puts right what can be put right without a decision: it removes what
/// interrupted runs left damaged, the marks of commits that are not there, and makes the link anew
/// that libostree's way of swapping leaves behind. Nothing of it changes what boots.
public struct Doctor {
  let path: String
  let settings: Result<Settings, ConfigurationError>
  let remotesFolder: String?
  let environment: SysrootEnvironment
  let repairs: Bool
  private(set) var diagnoses: [Diagnosis] = []

  /// `path` is the sysroot; `settings` what reading the configuration came to.
  public init(
    _ path: String, _ settings: Result<Settings, ConfigurationError>, remotesFolder: String?,
    environment: SysrootEnvironment = .running, repairs: Bool = false
  ) {
    self.path = path
    self.settings = settings
    self.remotesFolder = remotesFolder
    self.environment = environment
    self.repairs = repairs
  }

  /// Makes all checks, in the order in which things build on each other.
  public mutating func examine() -> [Diagnosis] {
    diagnoses = []
    let settings = examineSettings()
    examineClock()
    do throws(UpdaterError) {
      let sysroot = try Sysroot.open(path, settings ?? Settings(), environment: environment)
      add(.sysroot, .ok, .sysroot(path: sysroot.path))
      examineLocks(sysroot)
      attempt(.repo) { (doctor) throws(UpdaterError) in try doctor.examineRepo(sysroot.repo) }
      attempt(.boot) { (doctor) throws(UpdaterError) in try doctor.examineBoot(sysroot) }
      let now = try inDeploy { () throws(DeployError) in try sysroot.state() }
      attempt(.loader) { (doctor) throws(UpdaterError) in try doctor.examineLoader(sysroot, now) }
      attempt(.deployments) { (doctor) throws(UpdaterError) in
        try doctor.examineDeployments(sysroot, now)
      }
      attempt(.space) { (doctor) throws(UpdaterError) in
        try doctor.examineSpace(sysroot, settings)
      }
      if let settings {
        attempt(.remote) { (doctor) throws(UpdaterError) in
          switch settings.mode {
          case .none: try doctor.examineRemote(sysroot, settings, now)
          case .uptane, .tuf: try doctor.examineTrust(sysroot, settings, now)
          }
        }
        attempt(.identity) { (doctor) throws(UpdaterError) in
          try doctor.examineIdentity(sysroot, settings, now)
        }
        attempt(.handlers) { (doctor) throws(UpdaterError) in
          try doctor.examineHandlers(sysroot, settings, now)
        }
        attempt(.state) { (doctor) throws(UpdaterError) in
          try doctor.examineState(sysroot, settings, now)
        }
      }
    } catch { add(.sysroot, .fail, .failed(error)) }
    return diagnoses
  }

  mutating func add(_ subject: DoctorSubject, _ verdict: Verdict, _ finding: Finding) {
    diagnoses.append(Diagnosis(subject, verdict, finding))
  }

  /// A check that cannot be made is a finding too, and the others go on.
  private mutating func attempt(
    _ subject: DoctorSubject, _ check: (inout Doctor) throws(UpdaterError) -> Void
  ) {
    do throws(UpdaterError) { try check(&self) } catch { add(subject, .fail, .failed(error)) }
  }
}

// MARK: - Configuration, clock, state
extension Doctor {
  private mutating func examineSettings() -> Settings? {
    switch settings {
    case .failure(let error):
      add(.configuration, .fail, .brokenSettings(error))
      return nil
    case .success(let settings):
      for warning in settings.warnings { add(.configuration, .warn, .oddSetting(warning)) }
      for (setting, path) in [
        (Setting.caFile, settings.caFile), (.certificate, settings.certificate),
        (.privateKey, settings.privateKey), (.credentials, settings.credentials),
      ] {
        guard let path else { continue }
        do throws(Errno) { _ = try FileDescriptor.open(path) } catch {
          add(.configuration, .fail, .missingFile(path: path, setting, error))
        }
      }
      add(.configuration, .ok, .settings(files: settings.files))
      return settings
    }
  }

  /// 2025-01-01: no device runs this program before it was written.
  private static let clockFloorSeconds: Int64 = 1_735_689_600

  private mutating func examineClock() {
    let now = Clock.wallSeconds
    let floor = max(Doctor.clockFloorSeconds, BuildIdentity.seconds ?? 0)
    if now < floor {
      add(.clock, .fail, .clockBehind(seconds: now, floorSeconds: floor))
    } else {
      add(.clock, .ok, .clock(seconds: now))
    }
  }

  private mutating func examineState(
    _ sysroot: Sysroot, _ settings: Settings, _ now: SysrootState
  ) throws(UpdaterError) {
    let path = try inDeploy { () throws(DeployError) in
      try StateFolder.path(of: sysroot, stateroot: settings.stateroot, now)
    }
    // It is made when it is needed: what counts is the first folder on the way that is there.
    var place = path
    while let slash = place.utf8.lastIndex(of: UInt8(ascii: "/")), slash > place.utf8.startIndex {
      if let folder = try? FileDescriptor.openDirectory(place) {
        let isWritable = folder.isWritable()
        return add(
          .state, isWritable ? .ok : .warn,
          isWritable ? .state(path: path) : .unwritableState(path: place))
      }
      place = String(decoding: place.utf8[..<slash], as: UTF8.self)
    }
    add(.state, .ok, .state(path: path))
  }
}
