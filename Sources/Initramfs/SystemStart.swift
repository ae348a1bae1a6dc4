// SPDX-License-Identifier: Apache-2.0
public import Deploy
import Linux

/// What happens between the start of the initramfs and that of the system. For the console.
public enum StartEvent: Hashable, Sendable {
  /// So many modules were tried.
  case modulesLoaded(Int, milliseconds: Int64)
  case moduleFailed(InitramfsError)
  case waitingForRoot(RootSpecification, seconds: UInt32)
  case rootFound(RootDevice, milliseconds: Int64)
  /// `rw` was asked for, and the medium is write-protected.
  case rootIsReadOnly(String)
  case rootMounted(String, isWritable: Bool, milliseconds: Int64)
  /// What became of the second merge of /etc. Whatever did, the deployment starts.
  case finalized(Finalization, milliseconds: Int64)
  case notFinalized(InitramfsError)
  case prepared(PrepareRoot.Report, milliseconds: Int64)
  case starting(String, milliseconds: Int64)
}

/// The walk of the first process of an initramfs: modules, root, deployment, init. Each step names
/// itself to `report`, with the time since the first one.
///
/// No hash table anywhere on the way: its seed is random, and so early a kernel may take long to
/// have anything random.
public struct SystemStart {
  public static let root = "/sysroot"

  private let options: BootOptions
  private let report: (StartEvent) -> Void
  private let describe: (DeployError) -> String
  private let begin = Clock.monotonicNanoseconds

  /// `describe` gives the words for the record of a merge that failed.
  public init(
    _ options: BootOptions, describe: @escaping (DeployError) -> String,
    report: @escaping (StartEvent) -> Void
  ) {
    self.options = options
    self.describe = describe
    self.report = report
  }

  /// Comes back only with an error. `skipped` words of this process's arguments are not for init.
  public func run(skipping skipped: Int) -> InitramfsError {
    do throws(InitramfsError) {
      let specification = try root()
      if options.deployment == nil { throw .noDeployment }
      try loadModules()
      let device = try find(specification)
      let isWritable = try mount(device)
      let deployment = try options.namedDeployment(in: SystemStart.root)
      finalize(deployment, device, isWritable: isWritable)
      let settings = try PrepareRootSettings.read(root: "/", options.commandLine)
      report(
        .prepared(
          try PrepareRoot.run(deployment, in: SystemStart.root, settings),
          milliseconds: milliseconds))
      let system = SwitchRoot(root: SystemStart.root, program: options.program)
      let program = try system.find()
      report(.starting(program, milliseconds: milliseconds))
      return system.run(program, skipping: skipped)
    } catch { return error }
  }

  private var milliseconds: Int64 { (Clock.monotonicNanoseconds - begin) / 1_000_000 }

  private func root() throws(InitramfsError) -> RootSpecification {
    guard let text = options.root, !text.utf8.isEmpty else { throw .noRoot }
    guard let specification = RootSpecification(text) else { throw .strangeRoot(text) }
    return specification
  }

  private func loadModules() throws(InitramfsError) {
    guard let modules = try KernelModules() else { return }
    modules.load(options.commandLine) { report(.moduleFailed($0)) }
    report(.modulesLoaded(modules.entries.count, milliseconds: milliseconds))
  }

  private func find(_ specification: RootSpecification) throws(InitramfsError) -> RootDevice {
    if options.delaySeconds > 0 { Clock.sleep(milliseconds: Int64(options.delaySeconds) * 1000) }
    let search = RootDeviceSearch(specification)
    if let found = try search.look() {
      report(.rootFound(found, milliseconds: milliseconds))
      return found
    }
    report(.waitingForRoot(specification, seconds: options.rootSeconds))
    let found = try search.wait(seconds: options.rootSeconds)
    report(.rootFound(found, milliseconds: milliseconds))
    return found
  }

  /// Gives whether it can be written to.
  private func mount(_ device: RootDevice) throws(InitramfsError) -> Bool {
    try at(SystemStart.root) { () throws(Errno) in
      try FileDescriptor.openDirectory("/").makeDirectories(SystemStart.root)
    }
    let isWritable = try RootFileSystem(
      device: device, options: options, place: SystemStart.root
    ).mount()
    if !isWritable, !options.isReadOnly { report(.rootIsReadOnly(device.source)) }
    report(.rootMounted(device.source, isWritable: isWritable, milliseconds: milliseconds))
    return isWritable
  }

  /// Merges /etc once more if deploy wanted it so. The root is writable for that time alone where
  /// it was to be mounted read-only.
  private func finalize(_ deployment: BootedDeployment, _ device: RootDevice, isWritable: Bool) {
    let begin = Clock.monotonicNanoseconds
    do throws(InitramfsError) {
      let root = try at(SystemStart.root) { () throws(Errno) in
        try FileDescriptor.openDirectory(SystemStart.root)
      }
      let finalizer = try inDeploy { () throws(DeployError) in
        try EtcFinalizer(deployment, in: root, path: SystemStart.root)
      }
      if !finalizer.isPending() { return }
      if !isWritable { try remount([]) }
      defer { if !isWritable { try? remount(.readOnly) } }
      let ended = try inDeploy { () throws(DeployError) -> Finalization? in
        if let reason = reasonAgainst(device) {
          try finalizer.abandon(because: reason)
          return nil
        }
        return try finalizer.run(describe: describe)
      }
      let milliseconds = (Clock.monotonicNanoseconds - begin) / 1_000_000
      if let ended { report(.finalized(ended, milliseconds: milliseconds)) }
    } catch { report(.notFinalized(error)) }
  }

  /// Why the /etc of deploy time is to stand. For people, in the record and in `status`.
  private func reasonAgainst(_ device: RootDevice) -> String? {
    if !options.finalizes { return "coppice.finalize=0" }
    return device.superblock?.hasErrors == true ? "the file system has errors" : nil
  }

  private func remount(_ options: Mount.Options) throws(InitramfsError) {
    do throws(Errno) {
      try Mount.mount(
        nil, on: SystemStart.root, options: options.union([.remount, .silent]))
    } catch {
      throw .mountFailed(
        source: SystemStart.root, place: SystemStart.root, type: "none", error)
    }
  }
}
