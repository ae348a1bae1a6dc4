// SPDX-License-Identifier: Apache-2.0
import Codec

/// What a repo's `config` says. Everything that coppice does not know stays in `keyfile`.
/// ostree.repo-config(5).
public struct RepoConfig: Sendable {
  public let mode: RepoMode
  /// Objects and refs that are not here are looked for in the repo at this path.
  public let parentPath: String?
  /// Whether to lock at all.
  public let isLocking: Bool
  /// How long to wait for a lock; negative for ever. Nil if the repo does not say.
  public let lockTimeoutSeconds: Int64?
  public let usesFsync: Bool
  /// Extended attributes of files are neither read nor written.
  public let ignoresXattrs: Bool
  public let collectionID: String?
  /// Whether remotes also come from `remotes.d`; nil if the repo does not say, which means that
  /// they do for the repo of a sysroot.
  public let addsRemotesFolder: Bool?
  /// 1 to 9, of `.filez` objects that are written here.
  public let compressionLevel: Int32
  /// Deleted commits leave a tombstone.
  public let keepsTombstones: Bool
  /// The settings of `[sysroot]` and whatever else there is.
  public let keyfile: Keyfile
  private let freeSpace: FreeSpace

  private static let core = "core"

  /// Reads `text`; `path` is for errors. Throws `unsupportedRepo` for a version or mode that
  /// coppice does not know.
  public init(parsing text: [UInt8], path: String) throws(OSTreeError) {
    let keyfile: Keyfile
    do throws(KeyfileError) { keyfile = try Keyfile(parsing: text) } catch {
      throw .configuration(path: path, .keyfile(error))
    }
    let section = KeyfileSection(keyfile, RepoConfig.core, path: path)
    guard let version = try section.integer("repo_version") else {
      throw .configuration(path: path, .missing(group: RepoConfig.core, key: "repo_version"))
    }
    if version != 1 {
      throw .unsupportedRepo(path: path, key: "repo_version", found: "\(version)")
    }
    let modeText = section.string("mode") ?? "bare"
    guard let mode = RepoMode(configValue: modeText) else {
      throw .unsupportedRepo(path: path, key: "mode", found: modeText)
    }
    self.mode = mode
    self.keyfile = keyfile
    parentPath = section.text("parent")
    isLocking = try section.boolean("locking") ?? true
    lockTimeoutSeconds = try section.integer("lock-timeout-secs")
    usesFsync = try section.boolean("fsync") ?? true
    ignoresXattrs = try section.boolean("disable-xattrs") ?? false
    collectionID = section.text("collection-id")
    if let collectionID, !RefName.isValidCollection(collectionID) {
      throw section.fault("collection-id")
    }
    addsRemotesFolder = try section.boolean("add-remotes-config-dir")
    keepsTombstones = try section.boolean("tombstone-commits") ?? false
    freeSpace = try FreeSpace(section)
    let archive = KeyfileSection(keyfile, "archive", path: path)
    compressionLevel = Int32(min(max(try archive.integer("zlib-level") ?? 6, 1), 9))
  }

  /// How much of a file system of `totalBytes` must stay free.
  public func reservedBytes(of totalBytes: UInt64) -> UInt64 { freeSpace.reserved(totalBytes) }
}

/// `min-free-space-size` and `min-free-space-percent`.
private struct FreeSpace {
  private var bytes: UInt64 = 0
  private var percent: UInt64 = 3

  init(_ section: KeyfileSection) throws(OSTreeError) {
    if let text = section.text("min-free-space-size") {
      guard let bytes = FreeSpace.parse(text) else {
        throw section.fault("min-free-space-size")
      }
      self.bytes = bytes
    }
    if let percent = try section.integer("min-free-space-percent") {
      guard (0...99).contains(percent) else { throw section.fault("min-free-space-percent") }
      self.percent = UInt64(percent)
    }
  }

  /// A number and its unit, powers of 1024: `MB`, `GB` or `TB`.
  private static func parse(_ text: String) -> UInt64? {
    let digits = text.utf8.prefix { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }
    guard let number = UInt64(String(decoding: digits, as: UTF8.self)) else { return nil }
    let shift: UInt64
    switch String(decoding: text.utf8.dropFirst(digits.count), as: UTF8.self) {
    case "MB": shift = 20
    case "GB": shift = 30
    case "TB": shift = 40
    default: return nil
    }
    let (bytes, overflow) = number.multipliedReportingOverflow(by: 1 << shift)
    return overflow ? nil : bytes
  }

  /// A size wins over a percentage, as in libostree 2022.7.
  func reserved(_ totalBytes: UInt64) -> UInt64 {
    bytes > 0 ? bytes : totalBytes / 100 * percent
  }
}

/// One group of a keyfile, for reading, with the errors of a repo.
struct KeyfileSection {
  let keyfile: Keyfile
  let group: String
  let path: String

  init(_ keyfile: Keyfile, _ group: String, path: String) {
    self.keyfile = keyfile
    self.group = group
    self.path = path
  }

  func string(_ key: String) -> String? { keyfile.string(group, key) }

  /// Nil also where the value is empty.
  func text(_ key: String) -> String? {
    guard let value = string(key), !value.utf8.isEmpty else { return nil }
    return value
  }

  func boolean(_ key: String) throws(OSTreeError) -> Bool? {
    do throws(KeyfileError) { return try keyfile.boolean(group, key) } catch { throw fault(key) }
  }

  func integer(_ key: String) throws(OSTreeError) -> Int64? {
    do throws(KeyfileError) { return try keyfile.integer(group, key) } catch { throw fault(key) }
  }

  /// The values that are not empty.
  func list(_ key: String) -> [String] {
    (keyfile.list(group, key) ?? []).filter { !$0.utf8.isEmpty }
  }

  func missing(_ key: String) -> OSTreeError {
    .configuration(path: path, .missing(group: group, key: key))
  }

  /// The error that says that the value of `key` makes no sense.
  func fault(_ key: String) -> OSTreeError {
    .configuration(
      path: path, .value(group: group, key: key, found: keyfile.rawValue(group, key) ?? ""))
  }
}
