// SPDX-License-Identifier: Apache-2.0
public import Cryptography
import Linux
public import Uptane

/// The trusted metadata of one repository in a folder:
/// ```
/// FOLDER/
///   root.json timestamp.json snapshot.json targets.json
///   NAME.json         a delegated role, its name percent-encoded
///   freshness-keys    only while a new root is not settled: 64 hexadecimal digits
/// ```
/// The files are byte for byte as they were received. A file that cannot be had as a whole counts
/// as missing: what is missing is fetched, and what it protected is protected by its parent.
public struct MetadataStore: MetadataStorage, Sendable {
  /// So many delegated roles are kept; further ones are fetched each time.
  public static let delegatedRolesMax = 256
  /// Above any limit that a role can sensibly be given.
  private static let fileBytesMax = 64 << 20
  private static let freshnessKeys = "freshness-keys"

  public let folder: String

  public init(folder: String) { self.folder = folder }

  public func load(_ role: Role) throws(MetadataError) -> [UInt8]? { try load(role.fileName) }

  public func save(_ role: Role, _ bytes: [UInt8]) throws(MetadataError) {
    if case .delegated = role, try isFull(for: role) { return }
    try replace(role.fileName, bytes)
  }

  public func loadFreshnessKeys() throws(MetadataError) -> Checksum? {
    guard let bytes = try load(MetadataStore.freshnessKeys) else { return nil }
    return Checksum(hex: String(decoding: bytes.prefix(64), as: UTF8.self))
  }

  public func saveFreshnessKeys(_ keys: Checksum) throws(MetadataError) {
    try replace(MetadataStore.freshnessKeys, Array("\(keys.hex)\n".utf8))
  }

  public func recover() throws(MetadataError) {
    try at(folder) { () throws(Errno) in
      let directory = try FileDescriptor.openDirectory(folder)
      for name in try metadataFiles(directory) where name != Role.root.fileName {
        try directory.unlinkIfPresent(name)
      }
      // The mark goes after what it marks.
      try directory.sync()
    }
    try removeFreshnessKeys()
  }

  public func removeFreshnessKeys() throws(MetadataError) {
    try at(folder) { () throws(Errno) in
      let directory = try FileDescriptor.openDirectory(folder)
      if try directory.unlinkIfPresent(MetadataStore.freshnessKeys) { try directory.sync() }
    }
  }

  /// Makes the folder where it is missing.
  func makeFolder() throws(MetadataError) {
    try at(folder) { () throws(Errno) in
      try FileDescriptor.openDirectory(".").makeDirectories(folder, mode: 0o755)
    }
  }

  private func load(_ name: String) throws(MetadataError) -> [UInt8]? {
    do throws(Errno) {
      return try FileDescriptor.openDirectory(folder).open(name, [.readOnly, .nonBlocking])
        .readAll(limit: MetadataStore.fileBytesMax)
    } catch {
      if error == .notFound || error == .notDirectory || error == .overflow { return nil }
      throw .store(path: "\(folder)/\(name)", error)
    }
  }

  /// What is there already is not written once more.
  private func replace(_ name: String, _ bytes: [UInt8]) throws(MetadataError) {
    let size = try at("\(folder)/\(name)") { () throws(Errno) in
      try FileDescriptor.openDirectory(folder).statusIfPresent(of: name)?.sizeBytes
    }
    if size == UInt64(bytes.count), try load(name) == bytes { return }
    try at("\(folder)/\(name)") { () throws(Errno) in
      try FileDescriptor.openDirectory(folder).replaceFile(name, with: bytes)
    }
  }

  private func isFull(for role: Role) throws(MetadataError) -> Bool {
    try at(folder) { () throws(Errno) in
      let directory = try FileDescriptor.openDirectory(folder)
      if try directory.contains(role.fileName) { return false }
      return try metadataFiles(directory).count
        >= MetadataStore.delegatedRolesMax + Role.topLevel.count
    }
  }

  private func metadataFiles(_ directory: borrowing FileDescriptor) throws(Errno) -> [String] {
    try directory.entries().map { $0.name }.filter { $0.utf8.suffix(5).elementsEqual(".json".utf8) }
  }

  private func at<R: ~Copyable>(
    _ path: String, _ body: () throws(Errno) -> R
  ) throws(MetadataError) -> R {
    do throws(Errno) { return try body() } catch { throw .store(path: path, error) }
  }
}

extension MetadataStore {
  /// Trusts a first root, put here by whoever sets up the device. TUF specification, 5.2.
  ///
  /// It must be sound and signed by itself, which is checked before anything is written. The same
  /// root once more changes nothing. Throws `refused`, `otherRoot`.
  public func trust(root bytes: [UInt8], _ policy: VerificationPolicy) throws(MetadataError) {
    try judged { () throws(UptaneError) in _ = try RootChain(trusting: bytes, policy) }
    if let known = try load(.root) {
      guard known == bytes else { throw .otherRoot(path: "\(folder)/\(Role.root.fileName)") }
      return
    }
    try makeFolder()
    try save(.root, bytes)
  }
}
