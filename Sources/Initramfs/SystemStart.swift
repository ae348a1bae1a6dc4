// SPDX-License-Identifier: Apache-2.0
public import Deploy
import Linux

/// What happens between the start of the initramfs and that of the system. For the console.
public enum StartEvent: Hashable, Sendable {
  /// Nil is the driver's own time.
  case watchdogStarted(seconds: Int32?)
  case watchdogFailed(InitramfsError)
  /// So many modules were tried.
  case modulesLoaded(Int, milliseconds: Int64)
  case moduleFailed(InitramfsError)
  case waitingForRoot(RootSpecification, seconds: UInt32)
  case rootFound(RootDevice, milliseconds: Int64)
  /// `rw` was asked for, and the medium is write-protected.
  case rootIsReadOnly(String)
  case rootMounted(String, isWritable: Bool, milliseconds: Int64)
  /// What became of the second merge of /etc.
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
  private let watchdog: StartWatchdog
  private let hear: (StartEvent) -> Void
  private let describe: (DeployError) -> String
  private let begin = Clock.monotonicNanoseconds

  /// `describe` gives the words for the record of a merge that failed.
  public init(
    _ options: BootOptions, describe: @escaping (DeployError) -> String,
    report: @escaping (StartEvent) -> Void
  ) {
    self.options = options
    watchdog = StartWatchdog(options)
    self.describe = describe
    hear = report
  }

  /// Comes back only with an error. `skipped` words of this process's arguments are not for init.
  public func run(skipping skipped: Int) -> InitramfsError {
    do throws(InitramfsError) {
      let specification = try root()
      if options.deployment == nil { throw .noDeployment }
      startWatchdog(mayBeMissing: true)
      try loadModules()
      startWatchdog(mayBeMissing: false)
      let device = try find(specification)
      try mount(device)
      let deployment = try options.namedDeployment(in: SystemStart.root)
      finalize(deployment, device)
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

  private func report(_ event: StartEvent) {
    watchdog.feed()
    hear(event)
  }

  /// Its driver may be a module.
  private func startWatchdog(mayBeMissing: Bool) {
    if !watchdog.isMissing { return }
    do throws(InitramfsError) {
      report(.watchdogStarted(seconds: try watchdog.start()))
    } catch {
      if case .file(_, .notFound) = error, mayBeMissing { return }
      report(.watchdogFailed(error))
    }
  }

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
    let found = try search.wait(seconds: options.rootSeconds) { watchdog.feed() }
    report(.rootFound(found, milliseconds: milliseconds))
    return found
  }

  private func mount(_ device: RootDevice) throws(InitramfsError) {
    try at(SystemStart.root) { () throws(Errno) in
      try FileDescriptor.openDirectory("/").makeDirectories(SystemStart.root)
    }
    let isWritable = try RootFileSystem(
      device: device, options: options, place: SystemStart.root
    ).mount()
    if !isWritable, !options.isReadOnly { report(.rootIsReadOnly(device.source)) }
    report(.rootMounted(device.source, isWritable: isWritable, milliseconds: milliseconds))
  }

  /// Whatever becomes of the second merge of /etc, the deployment starts.
  private func finalize(_ deployment: BootedDeployment, _ device: RootDevice) {
    let begin = Clock.monotonicNanoseconds
    do throws(InitramfsError) {
      let ended = try RootFinalizer(
        root: SystemStart.root, options, superblock: device.superblock
      ).run(deployment, describe: describe)
      let milliseconds = (Clock.monotonicNanoseconds - begin) / 1_000_000
      report(.finalized(ended, milliseconds: milliseconds))
    } catch { report(.notFinalized(error)) }
  }
}
