// SPDX-License-Identifier: Apache-2.0
import Linux

/// U-Boot's environment as the store of trial boots.
///
/// ```
/// upgrade_available=1    count: U-Boot, or the boot script, adds one to bootcount at each start
/// bootcount=0
/// bootlimit=3            above it altbootcmd, or the script, sets rollback=1
/// rollback=0             1: position 1 of uEnv.txt boots
/// ```
/// The convention of meta-updater; native with CONFIG_BOOTCOUNT_LIMIT and CONFIG_BOOTCOUNT_ENV
/// (U-Boot, doc/README.bootcount). Never made from nothing: an environment that holds these alone
/// would take the place of the compiled-in one, `bootcmd` included.
public struct UBootEnvironment: Hashable, Sendable {
  /// `fw_env.config`.
  public let path: String

  public init(_ path: String) { self.path = path }

  /// All variables, sorted by their names.
  public func read() throws(BootError) -> [LoaderVariable] {
    // For better errors than the library's: which file is missing.
    let config = try FwEnvConfig.read(path)
    for copy in config.copies where !copy.device.utf8.contains(UInt8(ascii: ":")) {
      try at(copy.device) { () throws(Errno) in _ = try FileDescriptor.status(of: copy.device) }
    }
    return try UBootLibrary.open(path).variables()
  }

  /// Nil if there is no variable of that name.
  func value(of name: String) throws(BootError) -> String? { try read().value(of: name) }

  /// Makes the block of one sector anew in which the script of this project counts, if it has a
  /// wrong checksum; false if it is sound. It counts nothing then. Durable when it returns, and
  /// read back.
  ///
  /// Nobody keeps anything else there: it is the only environment that may be made from nothing.
  /// Throws `environmentDamaged` for any other.
  public func makeStateIfDamaged() throws(BootError) -> Bool {
    let config = try FwEnvConfig.read(path)
    let isOurs = config.copies.count == 1 && config.copies[0].sizeBytes <= 512
    do throws(BootError) {
      _ = try read()
      return false
    } catch {
      guard error == .environmentDamaged(path: path), isOurs else { throw error }
    }
    let fresh = [
      LoaderVariable(UBootEnvironment.count, "0"), LoaderVariable(UBootEnvironment.limit, "3"),
      LoaderVariable(UBootEnvironment.rollback, "0"), LoaderVariable(UBootEnvironment.flag, "0"),
    ]
    try UBootLibrary.create(path, fresh)
    try config.sync()
    if try read() != fresh { throw .environmentNotKept(path: path) }
    return true
  }

  /// Sets variables in one write. Durable when it returns, and read back; with two copies a power
  /// cut leaves the old environment or the new. Nothing is written if nothing changes.
  func write(_ changes: [LoaderVariable]) throws(BootError) {
    let config = try FwEnvConfig.read(path)
    var expected = try read()
    if changes.allSatisfy(expected.contains) { return }
    expected = try store(changes)
    try config.sync()
    if try read() != expected { throw .environmentNotKept(path: path) }
  }

  /// Gives what is to be read from now on. The lock of the library goes with its end.
  private func store(_ changes: [LoaderVariable]) throws(BootError) -> [LoaderVariable] {
    let library = try UBootLibrary.open(path)
    for change in changes { try library.set(change) }
    try library.store()
    return library.variables()
  }
}

// MARK: - Trial boots
extension UBootEnvironment {
  private static let flag = "upgrade_available"
  private static let count = "bootcount"
  private static let limit = "bootlimit"
  private static let rollback = "rollback"

  func trialCount() throws(BootError) -> TrialCount {
    UBootEnvironment.trialCount(in: try read())
  }

  static func trialCount(in variables: [LoaderVariable]) -> TrialCount {
    if isSet(variables.value(of: rollback)) { return .fellBack }
    guard isSet(variables.value(of: flag)) else { return .idle }
    let done = variables.value(of: count).flatMap(number) ?? 0
    guard let max = variables.value(of: limit).flatMap(number), max > 0 else {
      // Without a limit U-Boot counts and draws no conclusion.
      return .counting(left: 0, max: nil)
    }
    return .counting(left: done < max ? max - done : 0, max: max)
  }

  func arm(boots: Int) throws(BootError) {
    try write([
      LoaderVariable(UBootEnvironment.flag, "1"), LoaderVariable(UBootEnvironment.count, "0"),
      LoaderVariable(UBootEnvironment.limit, "\(boots)"),
      LoaderVariable(UBootEnvironment.rollback, "0"),
    ])
  }

  func clear() throws(BootError) {
    let variables = try read()
    if variables.value(of: UBootEnvironment.flag) == nil,
      UBootEnvironment.trialCount(in: variables) == .idle
    {
      return
    }
    var changes = [
      LoaderVariable(UBootEnvironment.flag, "0"), LoaderVariable(UBootEnvironment.count, "0"),
    ]
    if variables.value(of: UBootEnvironment.rollback) != nil {
      changes.append(LoaderVariable(UBootEnvironment.rollback, "0"))
    }
    try write(changes)
  }

  private static func isSet(_ value: String?) -> Bool {
    guard let value else { return false }
    return number(value).map { $0 != 0 } ?? false
  }

  /// As U-Boot writes it, or as a script's `setexpr` does, which has letters from ten on.
  private static func number(_ text: String) -> Int? {
    Int(text) ?? Int(text, radix: 16)
  }
}
