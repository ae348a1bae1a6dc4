// SPDX-License-Identifier: Apache-2.0
import Codec
import Cryptography
import Linux
import OSTree
import Transport

/// Why a pull did not complete. What was fetched until then is kept, and used by the next one.
public enum PullError: Error, Hashable, Sendable {
  case ostree(OSTreeError)
  case transport(TransportError)

  /// The server does not have an object that verified metadata names.
  case missing(ObjectName, url: String)
  /// The server's bytes have another checksum than the object's name.
  case corrupt(ObjectName, url: String, found: Checksum)
  case malformed(ObjectName, url: String, FormatError)
  case tooLarge(ObjectName, url: String, limitBytes: UInt64)

  /// The remote has no such ref.
  case unknownRef(String, url: String)
  /// Neither the command nor the remote's `branches` names a ref.
  case nothingNamed(remote: String)
  /// The remote has no summary, and what was asked for cannot be done without.
  case noSummary(url: String)
  case summaryMalformed(url: String, FormatError)
  /// The remote must sign its summary and has not.
  case summaryUnsigned(url: String)
  /// None of the summary's signatures was made by a trusted key.
  case summaryRefused(url: String)
  /// The remote's config is no keyfile that names a mode.
  case notARepo(url: String)
  /// Only a repo in archive mode can be pulled from.
  case notArchive(url: String, mode: String)
  /// The ref's file on the server holds no checksum.
  case refMalformed(String, url: String)

  case unsigned(Checksum, url: String)
  case signatureRefused(Checksum, url: String)
  /// The remote demands signatures and no key is configured for it.
  case noKeys(remote: String)
  /// The remote demands GPG, which coppice does not have.
  case gpgDemanded(remote: String)

  /// A static delta on this machine cannot be used.
  case delta(path: String, DeltaFault)
  /// The superblock of a static delta is not the one that the summary or index speaks of.
  case deltaCorrupt(url: String, found: Checksum)
  /// The superblock is signed, and by nobody whom the remote trusts.
  case deltaSignatureRefused(url: String)

  /// The commit says that it may be reached by other refs only.
  case refBinding(ref: String, Checksum, bound: [String])
  case collectionBinding(expected: String, Checksum, found: String?)
  /// The ref would go back in time.
  case older(ref: String, Checksum, timestamp: UInt64, than: UInt64)

  case treeTooDeep(Checksum, limit: Int)
  case treeTooLarge(Checksum, limit: UInt64)
  /// With those that this dirtree names there are more distinct folders than any honest tree has.
  case tooManyFolders(ObjectName, limit: Int)
  case noSpace(path: String, neededBytes: UInt64, freeBytes: UInt64)

  /// `unconfigured-state` of the remote: what its owner must be told.
  case unconfigured(remote: String, text: String)
  /// A metalink.
  case unsupportedLocation(remote: String, String)
  case customBackend(remote: String, name: String)
  /// A signal asked for the end.
  case interrupted
}

extension PullError {
  /// Whether the bytes of an object are to blame.
  var isAboutContent: Bool {
    switch self {
    case .corrupt, .malformed, .tooLarge: true
    default: false
    }
  }
}

/// Runs a call on a repo and carries its error over.
@inline(__always)
func ostree<R: ~Copyable>(_ body: () throws(OSTreeError) -> R) throws(PullError) -> R {
  do throws(OSTreeError) { return try body() } catch { throw .ostree(error) }
}
