// SPDX-License-Identifier: Apache-2.0
import Codec
import Cryptography
public import OSTree
public import Pull
public import Uptane

/// What the server of a device wants its ECUs to run.
public struct ServerOffer: Sendable {
  /// What the wanted commit is called in the repo, below the name of the remote.
  public static let ref = "assigned"
  /// The remote where none is configured: the gateway's own repo.
  static let remoteName = "treehub"

  /// Where objects come from, and what they must prove beyond the name that verified metadata give.
  public let remote: RemoteConfig
  /// In place of the remote's own URL.
  public let url: String?
  /// What the device shows to it.
  public let access: ServerOptions
  /// Of the primary. Nil: nothing new.
  public let target: VerifiedTarget?
  /// What handlers are to take care of.
  public let handled: [OfferedTarget]
  /// What the director calls this update. Nil: it gave no name.
  public let correlationID: String?

  var commit: Checksum? { target.flatMap(ServerOffer.commit) }

  /// The commit that a target is; nil where it is none.
  static func commit(of target: VerifiedTarget) -> Checksum? {
    guard target.isOSTree else { return nil }
    return target.hashes.sha256.flatMap { Checksum(hex: $0) }
  }

  /// As it is remembered.
  var installation: Installation? {
    guard let target, let commit else { return nil }
    return Installation(target: target.path, commit: commit, correlationID: correlationID)
  }

  /// The gateway's repo as a remote. What comes from there is named by verified metadata; no key of
  /// GPG is asked for.
  static func remote(url: String) throws(OSTreeError) -> RemoteConfig {
    var file = Keyfile()
    let group = "remote \"\(remoteName)\""
    file.set(group, "url", to: url)
    file.set(group, "gpg-verify", to: false)
    return try RemoteConfig(remoteName, in: file, path: "[server]")
  }
}
