// SPDX-License-Identifier: Apache-2.0
import Cryptography
import OSTree

/// What a remote must prove, and the keys to prove it with.
struct RemoteTrust {
  private let remote: RemoteConfig
  private let keys: TrustedKeys

  /// Reads the keys. Throws `noKeys` where signatures are demanded and nobody is trusted, and
  /// `gpgDemanded`: coppice has no GPG, and what is demanded is not skipped.
  init(_ remote: RemoteConfig) throws(PullError) {
    if remote.demandsGPG || remote.demandsGPGForSummary {
      throw .gpgDemanded(remote: remote.name)
    }
    self.remote = remote
    let demandsNone = remote.signaturePolicy == .none && remote.summarySignaturePolicy == .none
    keys = try ostree { () throws(OSTreeError) in
      demandsNone ? TrustedKeys() : try TrustedKeys(for: remote)
    }
    if !demandsNone, keys.isEmpty { throw .noKeys(remote: remote.name) }
  }

  var verifiesSummary: Bool { remote.summarySignaturePolicy != .none }

  /// Throws unless the commit is signed as the remote demands.
  func check(
    _ commit: [UInt8], _ checksum: Checksum, detached: [UInt8]?, _ source: PullSource
  ) throws(PullError) {
    guard remote.signaturePolicy != .none else { return }
    let name = ObjectName(checksum, .commitMeta)
    let url = source.objectURL(name)
    let metadata = try parse(detached, name, url)
    switch remote.signaturePolicy.verify(commit.span, metadata, keys: keys) {
    case .valid: return
    case .noKeys: throw .noKeys(remote: remote.name)
    case .noMetadata, .noSignature: throw .unsigned(checksum, url: url)
    case .untrusted, .malformed: throw .signatureRefused(checksum, url: url)
    }
  }

  private func parse(
    _ bytes: [UInt8]?, _ name: ObjectName, _ url: String
  ) throws(PullError) -> DetachedMetadata? {
    guard let bytes else { return nil }
    do throws(FormatError) { return try DetachedMetadata(parsing: bytes) } catch {
      throw .malformed(name, url: url, error)
    }
  }

  /// Whether a superblock with signatures has one that counts, where the remote demands any.
  func accepts(_ superblock: DeltaSuperblock) -> Bool {
    remote.signaturePolicy == .none
      || superblock.verify(remote.signaturePolicy, keys: keys).isValid
  }

  /// Whether the summary is signed as the remote demands.
  func accepts(
    summary: [UInt8], signatures: [UInt8], _ source: PullSource
  ) throws(PullError) -> Bool {
    let metadata: DetachedMetadata
    do throws(FormatError) { metadata = try DetachedMetadata(parsing: signatures) } catch {
      throw .summaryMalformed(url: source.url("summary.sig"), error)
    }
    return remote.summarySignaturePolicy.verify(summary.span, metadata, keys: keys).isValid
  }
}
