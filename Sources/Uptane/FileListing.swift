// SPDX-License-Identifier: Apache-2.0
import Codec

/// What a parent says of a metadata file: an entry of `meta` of a timestamp or snapshot. TUF
/// specification, 4.4: METAFILES.
struct FileListing: Hashable, Sendable {
  let version: Int64
  let length: UInt64?
  let hashes: Hashes?

  /// Throws `malformed` for the file that lists, where the entry is none.
  init(_ node: JSONNode, name: String, in place: Place) throws(UptaneError) {
    guard let version = node["version"]?.integer, 1..<FixedLimits.version ~= version else {
      throw place.malformed(.member("meta.\(name).version"))
    }
    self.version = version
    if let length = node["length"] {
      guard let length = length.integer, length >= 1 else {
        throw place.malformed(.member("meta.\(name).length"))
      }
      self.length = UInt64(length)
    } else {
      length = nil
    }
    if let hashes = node["hashes"] {
      guard let hashes = Hashes(hashes) else {
        throw place.malformed(.member("meta.\(name).hashes"))
      }
      self.hashes = hashes
    } else {
      hashes = nil
    }
  }

  /// How many bytes the file may have: the listed length takes the place of the limit where it is
  /// lower.
  func limitBytes(_ limit: UInt64) -> UInt64 { min(limit, length ?? limit) }

  /// TUF specification, 5.5.2 and 5.6.2. Throws `oversized`, `lengthMismatch`, `hashMismatch`.
  func check(_ bytes: [UInt8], _ place: Place) throws(UptaneError) {
    if let length {
      let found = UInt64(bytes.count)
      if found > length { throw place.error(.oversized(limitBytes: length)) }
      if found < length { throw place.error(.lengthMismatch(found: found, listed: length)) }
    }
    if let hashes, !hashes.fit(bytes) { throw place.error(.hashMismatch) }
  }

  /// TUF specification, 5.5.4 and 5.6.4.
  func check(version found: Int64, _ place: Place) throws(UptaneError) {
    if found != version { throw place.error(.versionMismatch(found: found, listed: version)) }
  }
}
