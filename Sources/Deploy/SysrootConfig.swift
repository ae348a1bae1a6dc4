// SPDX-License-Identifier: Apache-2.0
import Codec
import OSTree

/// `[sysroot]` of the repo's configuration, as far as it decides what is written to `/boot`.
/// ostree.repo-config(5).
struct SysrootConfig: Sendable {
  /// `none`, `auto`, `uboot`, …; nil is `auto`.
  var bootloader: String?
  /// Whether paths in boot entries begin with `/boot`.
  var hasBootPrefix = false
  /// Lines for every boot entry but the first.
  var appendedExceptDefault: [(key: String, value: String)] = []

  private static let group = "sysroot"
  /// Far above any honest file of settings.
  private static let bytesMax = 1 << 20

  static func read(_ repo: Repo) throws(DeployError) -> SysrootConfig {
    let path = "\(repo.path)/config"
    let text = try inRepo { () throws(OSTreeError) in
      try repo.readFile("config", limitBytes: bytesMax)
    }
    do throws(KeyfileError) {
      let file = try Keyfile(parsing: text ?? [])
      var config = SysrootConfig()
      config.bootloader = file.string(group, "bootloader")
      config.hasBootPrefix = try file.boolean(group, "bootprefix") ?? false
      for pair in file.list(group, "bls-append-except-default") ?? [] {
        config.append(pair)
      }
      return config
    } catch { throw .keyfile(path: path, error) }
  }

  private mutating func append(_ pair: String) {
    let bytes = pair.utf8
    guard let equals = bytes.firstIndex(of: UInt8(ascii: "=")), equals > bytes.startIndex,
      let key = String(bytes[..<equals]), let value = String(bytes[bytes.index(after: equals)...])
    else { return }
    appendedExceptDefault.append((key, value))
  }
}
