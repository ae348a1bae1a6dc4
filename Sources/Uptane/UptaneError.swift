// SPDX-License-Identifier: Apache-2.0
public import Codec

/// Why metadata were refused: which check failed, on the file of which role, of which repository.
public struct UptaneError: Error, Hashable, Sendable {
  public let fault: Fault
  public let repository: Repository
  public let role: Role

  public init(_ fault: Fault, _ repository: Repository, _ role: Role) {
    self.fault = fault
    self.repository = repository
    self.role = role
  }

  /// The checks, in the order in which they are made on one file: size, length, hashes, shape,
  /// signatures, versions, expiry, content.
  public enum Fault: Hashable, Sendable {
    /// The file could not be had. The cause is known where it was asked for.
    case fetch
    /// Longer than this role may be, or than its parent says. Endless data.
    case oversized(limitBytes: UInt64)
    case lengthMismatch(found: UInt64, listed: UInt64)
    /// Another hash than the parent says, or none of a known algorithm.
    case hashMismatch
    case malformed(Malformation)
    /// `_type` is that of another role.
    case wrongType(found: String)
    /// The threshold of this role is not from 1 to 1000.
    case badThreshold(role: String)
    /// Fewer good signatures by different keys than the threshold. Arbitrary software.
    case signature(good: Int, threshold: Int)
    case duplicateSignature(keyID: String)
    /// The root that follows version N has another version than N + 1.
    case rootVersion(found: Int64, expected: Int64)
    /// An older version than one that was trusted before.
    case rollback(found: Int64, trusted: Int64)
    /// Another version than the parent lists. Mix and match.
    case versionMismatch(found: Int64, listed: Int64)
    /// Expired at `expires`. Freeze. Both in seconds since 1970.
    case expired(expires: Int64, now: Int64)
    /// The snapshot lists a role no longer that it once listed.
    case roleRemoved(String)
    /// The snapshot does not list this role.
    case roleMissing
    /// The director's targets delegate.
    case directorDelegation
    case duplicateECU(serial: String)
    case unknownECU(serial: String)
    /// The device's ECU has another hardware id, or the image is not for this hardware id.
    case wrongHardwareID(path: String, hardwareID: String)
    case sameNameDifferentContent(path: String)
    case badTargetFormat(path: String)
    case targetNotFound(path: String)
    /// The two repositories do not say the same of this target.
    case targetMismatch(path: String)
    case releaseCounter(path: String, found: Int64, installed: Int64)
    /// The search of a target goes deeper, or to more roles, than is allowed.
    case delegationDepth
  }
}

/// What of a metadata file's shape is wrong.
public enum Malformation: Hashable, Sendable {
  case json(JSONError)
  /// A member is missing, or is not of the kind or in the range it must be.
  case member(String)
  /// `spec_version` of another major version than 1.
  case specificationVersion(String)
  /// A name that no target may have.
  case targetPath(String)
  case target(path: String)
  /// A name that no delegated role may have, or one that is there twice.
  case roleName(String)
}

extension UptaneError.Fault {
  /// The name by which test vectors and manifests know the check.
  public var name: String {
    switch self {
    case .fetch: "fetch"
    case .oversized: "oversized"
    case .lengthMismatch: "length_mismatch"
    case .hashMismatch: "hash_mismatch"
    case .malformed: "malformed"
    case .wrongType: "wrong_type"
    case .badThreshold: "bad_threshold"
    case .signature: "signature"
    case .duplicateSignature: "duplicate_signature"
    case .rootVersion: "root_version"
    case .rollback: "rollback"
    case .versionMismatch: "version_mismatch"
    case .expired: "expired"
    case .roleRemoved: "role_removed"
    case .roleMissing: "role_missing"
    case .directorDelegation: "director_delegation"
    case .duplicateECU: "duplicate_ecu"
    case .unknownECU: "unknown_ecu"
    case .wrongHardwareID: "wrong_hardware_id"
    case .sameNameDifferentContent: "same_name_different_content"
    case .badTargetFormat: "bad_target_format"
    case .targetNotFound: "target_not_found"
    case .targetMismatch: "target_mismatch"
    case .releaseCounter: "release_counter"
    case .delegationDepth: "delegation_depth"
    }
  }
}
