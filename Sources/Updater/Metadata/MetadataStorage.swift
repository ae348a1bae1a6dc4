// SPDX-License-Identifier: Apache-2.0
public import Cryptography
public import Uptane

/// The trusted metadata of one repository, as they were received.
///
/// Every change is durable when it returns, and done as a whole or not at all.
public protocol MetadataStorage {
  /// Nil if there is none.
  func load(_ role: Role) throws(MetadataError) -> [UInt8]?

  func save(_ role: Role, _ bytes: [UInt8]) throws(MetadataError)

  /// Who could sign timestamps and snapshots under the root that the stored metadata were accepted
  /// under, if that may be another root than the stored one. What is there is read by the next run,
  /// so that a cut of the power does not make it forget that old metadata count for nothing.
  func loadFreshnessKeys() throws(MetadataError) -> Checksum?

  func saveFreshnessKeys(_ keys: Checksum) throws(MetadataError)

  /// Removes all but the root, and then the freshness keys.
  func recover() throws(MetadataError)

  /// Removes the freshness keys alone.
  func removeFreshnessKeys() throws(MetadataError)
}
