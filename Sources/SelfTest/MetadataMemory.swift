// SPDX-License-Identifier: Apache-2.0
public import Cryptography
public import Updater
public import Uptane

/// Metadata that are kept in memory, for checks alone. Not for several threads.
public final class MetadataMemory: MetadataStorage {
  private var files: [(role: Role, bytes: [UInt8])] = []
  private var keys: Checksum?

  public init() {}

  public func load(_ role: Role) -> [UInt8]? { files.first { $0.role == role }?.bytes }

  public func save(_ role: Role, _ bytes: [UInt8]) {
    files.removeAll { $0.role == role }
    files.append((role, bytes))
  }

  public func loadFreshnessKeys() -> Checksum? { keys }

  public func saveFreshnessKeys(_ keys: Checksum) { self.keys = keys }

  public func removeFreshnessKeys() { keys = nil }

  public func recover() {
    files.removeAll { $0.role != .root }
    keys = nil
  }
}
