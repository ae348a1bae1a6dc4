// SPDX-License-Identifier: Apache-2.0
import Codec
import Linux

/// What prepare-root.conf of the initramfs asks for. ostree-prepare-root(1).
public struct PrepareRootSettings: Hashable, Sendable {
  /// `[sysroot] readonly`; nil leaves it to the repo's configuration.
  public var isSysrootReadOnly: Bool?
  /// `[etc] transient`: what is written to /etc is gone with the next boot.
  public var isEtcTransient = false

  /// The second replaces the first as a whole.
  private static let files = [
    "usr/lib/ostree/prepare-root.conf", "etc/ostree/prepare-root.conf",
  ]
  /// Far above any honest file of settings.
  private static let bytesMax = 64 << 10
  private static let composefsArgument = "ostree.prepare-root.composefs"
  /// `maybe` demands nothing where the deployment holds no image, and coppice makes none.
  private static let composefsValues = ["no", "maybe", "false", "0"]
  private static let composefsDemands = ["yes", "signed", "verity", "true", "1"]

  public init() {}

  /// Those of the system below `root`, and what the kernel command line says instead.
  ///
  /// Throws `unsupported` where composefs, or a root that forgets what is written to it, is
  /// demanded; `configuration` and `keyfile` for what makes no sense.
  public static func read(
    root: String, _ commandLine: KernelCommandLine
  ) throws(InitramfsError) -> PrepareRootSettings {
    var settings = PrepareRootSettings()
    let argument = commandLine.firstValue(of: composefsArgument)
    if let argument { try checkComposefs(argument, KernelCommandLine.path, composefsArgument) }
    for file in files.reversed() {
      let path = root.utf8.last == UInt8(ascii: "/") ? "\(root)\(file)" : "\(root)/\(file)"
      guard let text = try readIfPresent(path, limit: bytesMax) else { continue }
      try settings.take(text, path, isComposefsSettled: argument != nil)
      break
    }
    return settings
  }

  /// `[sysroot] readonly` of the repo's configuration, for images from before prepare-root.conf.
  /// False if there is none.
  static func isReadOnly(repoConfig path: String) throws(InitramfsError) -> Bool {
    guard let text = try readIfPresent(path, limit: bytesMax) else { return false }
    do throws(KeyfileError) {
      return try Keyfile(parsing: text).boolean("sysroot", "readonly") ?? false
    } catch { throw .keyfile(path: path, error) }
  }

  private mutating func take(
    _ text: [UInt8], _ path: String, isComposefsSettled: Bool
  ) throws(InitramfsError) {
    let composefs: String?
    var forgetful: String?
    do throws(KeyfileError) {
      let file = try Keyfile(parsing: text)
      isSysrootReadOnly = try file.boolean("sysroot", "readonly")
      isEtcTransient = try file.boolean("etc", "transient") ?? false
      for key in ["transient", "transient-ro"] where try file.boolean("root", key) ?? false {
        forgetful = key
      }
      composefs = file.string("composefs", "enabled")
    } catch { throw .keyfile(path: path, error) }
    if let forgetful { throw .unsupported(path: path, key: forgetful, value: "true") }
    if let composefs, !isComposefsSettled {
      try PrepareRootSettings.checkComposefs(composefs, path, "enabled")
    }
  }

  private static func checkComposefs(
    _ value: String, _ path: String, _ key: String
  ) throws(InitramfsError) {
    if composefsValues.contains(where: { same($0, value) }) { return }
    if composefsDemands.contains(where: { same($0, value) }) {
      throw .unsupported(path: path, key: key, value: value)
    }
    throw .configuration(path: path, key: key, value: value)
  }

  private static func readIfPresent(
    _ path: String, limit: Int
  ) throws(InitramfsError) -> [UInt8]? {
    try at(path) { () throws(Errno) -> [UInt8]? in
      do throws(Errno) { return try FileDescriptor.open(path).readAll(limit: limit) } catch {
        if error == .notFound || error == .notDirectory { return nil }
        throw error
      }
    }
  }
}
