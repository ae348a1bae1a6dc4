// SPDX-License-Identifier: Apache-2.0
import Codec
import Linux
import Transport
import Updater
import Uptane

extension MetadataError: Reportable {
  var message: Message {
    switch self {
    case .refused(let error): error.message
    case .fetch(let failure, let repository, let role): failure.message(repository, role)
    case .store(let path, let errno): errno.message(path)
    case .noRoot:
      Message(
        .usage, "no-trusted-root", "there is no root to trust",
        hint: "the maker of a device puts one there; 'coppice tuf init' does so for a folder")
    case .otherRoot(let path):
      Message(
        .usage, "other-root", "'\(path)' is there already, and is another root",
        hint: "what is trusted is not replaced by hand: use another folder", path: path)
    case .transfer(let error): error.message
    }
  }
}

extension FetchFailure {
  fileprivate func message(_ repository: Repository, _ role: Role) -> Message {
    switch self {
    case .transport(let error): error.message
    case .file(let path, let errno): errno.message(path, verb: "read")
    case .missing(let path):
      Message(
        .transfer, "metadata-missing",
        "\(role.words) of the \(repository.name) repository is missing: '\(path)'", path: path)
    case .oversized:
      Message(
        .refused, "metadata-oversized",
        "\(role.words) of the \(repository.name) repository is larger than it may be")
    }
  }
}

extension UptaneError: Reportable {
  var message: Message {
    let place = "\(role.words) of the \(repository.name) repository"
    return Message(
      .refused, UptaneMessages.name(of: fault), "\(place) \(fault.words)", hint: fault.hint)
  }
}

extension Role {
  /// For example "snapshot metadata".
  var words: String {
    if case .delegated(let name) = self { return "metadata of the delegated role '\(name)'" }
    return "\(name) metadata"
  }
}

/// The stable names of what can be wrong with metadata.
enum UptaneMessages {
  /// By the name that test vectors and manifests have for the check. An interface.
  static let names: [(standard: String, message: String)] = [
    ("fetch", "metadata-missing"),
    ("oversized", "metadata-oversized"),
    ("malformed", "metadata-malformed"),
    ("wrong_type", "metadata-wrong-type"),
    ("bad_threshold", "metadata-bad-threshold"),
    ("signature", "metadata-signature"),
    ("duplicate_signature", "metadata-duplicate-signature"),
    ("root_version", "metadata-root-version"),
    ("rollback", "metadata-rollback"),
    ("version_mismatch", "metadata-version-mismatch"),
    ("hash_mismatch", "metadata-hash-mismatch"),
    ("length_mismatch", "metadata-length-mismatch"),
    ("expired", "metadata-expired"),
    ("role_removed", "metadata-role-removed"),
    ("role_missing", "metadata-role-missing"),
    ("director_delegation", "director-delegation"),
    ("duplicate_ecu", "duplicate-ecu"),
    ("unknown_ecu", "unknown-ecu"),
    ("wrong_hardware_id", "wrong-hardware-id"),
    ("same_name_different_content", "same-name-different-content"),
    ("bad_target_format", "bad-target-format"),
    ("target_not_found", "target-not-found"),
    ("target_mismatch", "target-mismatch"),
    ("release_counter", "release-counter"),
    ("delegation_depth", "delegation-depth"),
  ]

  static func name(of fault: UptaneError.Fault) -> String {
    names.first { $0.standard.utf8.elementsEqual(fault.name.utf8) }?.message ?? "metadata-refused"
  }
}

extension UptaneError.Fault {
  /// What stands behind the name of the metadata.
  fileprivate var words: String {
    switch self {
    case .fetch: "is missing"
    case .oversized(let limit): "is larger than the \(limit) bytes it may have"
    case .lengthMismatch(let found, let listed): "has \(found) bytes, not \(listed) as listed"
    case .hashMismatch: "does not have the hashes that are listed"
    case .malformed(let what): "is malformed: \(what.words)"
    case .wrongType(let found): "is of the type '\(found)'"
    case .badThreshold(let role): "gives role '\(role)' a threshold that is not from 1 to 1000"
    case .signature(let good, let threshold):
      "has good signatures by \(good) of its keys, and needs \(threshold)"
    case .duplicateSignature(let keyID): "has two signatures with the key id '\(keyID)'"
    case .rootVersion(let found, let expected): "has version \(found) where \(expected) follows"
    case .rollback(let found, let trusted):
      "goes back to version \(found), and \(trusted) was trusted before"
    case .versionMismatch(let found, let listed): "has version \(found), not \(listed) as listed"
    case .expired(let expires, let now):
      "has expired: at \(Timestamp.text(seconds: expires)), and it is "
        + Timestamp.text(seconds: now)
    case .roleRemoved(let role): "does not list role '\(role)' any more"
    case .roleMissing: "is not listed in the snapshot"
    default: targetWords
    }
  }

  private var targetWords: String {
    switch self {
    case .directorDelegation: "delegates, which a director may not"
    case .duplicateECU(let serial): "names ECU '\(serial)' under two targets"
    case .unknownECU(let serial): "names ECU '\(serial)', which this device does not have"
    case .wrongHardwareID(let path, let hardwareID):
      "has target '\(path)', which is not for hardware '\(hardwareID)'"
    case .sameNameDifferentContent(let path):
      "has target '\(path)' with another content than the installed one of this name"
    case .badTargetFormat(let path): "has target '\(path)', which is no image of OSTree"
    case .targetNotFound(let path): "leads to no target '\(path)'"
    case .targetMismatch(let path): "says something else of target '\(path)' than the director"
    case .releaseCounter(let path, let found, let installed):
      "has target '\(path)' with release counter \(found), below the installed \(installed)"
    case .delegationDepth: "is one delegation too many"
    default: "is refused"
    }
  }

  fileprivate var hint: String? {
    switch self {
    case .expired: "is the clock right? if so, the server does not renew its metadata"
    case .unknownECU: "the server takes it back once it knows the ECUs of this device"
    case .hashMismatch, .versionMismatch, .lengthMismatch:
      "the server may be publishing: if it stays so, the metadata do not belong together"
    default: nil
    }
  }
}

extension Malformation {
  fileprivate var words: String {
    switch self {
    case .json(let error): error.words
    case .member(let name): "bad or missing '\(name)'"
    case .specificationVersion(let text): "'\(text)' is a later version of the specification"
    case .targetPath(let path): "'\(path)' is no path of a target"
    case .target(let path): "bad entry of target '\(path)'"
    case .roleName(let name): "'\(name)' is no name of a delegated role, or is there twice"
    }
  }
}
