// SPDX-License-Identifier: Apache-2.0
public import Cryptography

/// The chain of roots of one repository, from the one that is trusted to the newest. TUF
/// specification, 5.3; Uptane Standard 2.1.0, 5.4.4.3.
/// ```
/// trusted ─ accept(N+1) ─ accept(N+2) ─ … ─ finish ─▶ TrustedRoot
/// ```
/// The caller asks for `next` until there is none, persists each root that was accepted, and then
/// finishes the chain.
public struct RootChain: ~Copyable {
  private var root: Root
  private var envelope: Envelope
  private let policy: VerificationPolicy

  /// Takes the root that was there before: put there by the maker, or by an earlier update. It
  /// must satisfy its own threshold; that it may have expired does not matter. TUF specification,
  /// 5.2.
  ///
  /// Throws what is wrong with it.
  public init(
    trusting bytes: [UInt8], _ policy: VerificationPolicy
  ) throws(UptaneError) {
    let envelope = try RootChain.parse(bytes, policy)
    let root = try Root(envelope, policy)
    try root.checkSignatures(of: envelope)
    self.root = root
    self.envelope = envelope
    self.policy = policy
  }

  public var version: Int64 { root.version }

  /// The root to ask for next. If there is none, the chain is at its end.
  public var next: MetadataRequest {
    MetadataRequest(
      .root, version: nextVersion, bytesMax: policy.limits.rootBytes, root.dialect)
  }

  private var nextVersion: Int64 { root.version + 1 }

  /// Stands for who may sign timestamps and snapshots under the root reached so far.
  public var freshnessKeys: Checksum { root.freshnessKeys }

  /// Takes the next root: signed by the keys of the one before and by its own, with the next
  /// version. TUF specification, 5.3.4 and 5.3.5. To be persisted when this returns.
  ///
  /// Throws what is wrong with it; the chain then stands where it stood.
  public mutating func accept(_ bytes: [UInt8]) throws(UptaneError) {
    let envelope = try RootChain.parse(bytes, policy)
    let next = try Root(envelope, policy)
    try root.checkSignatures(of: envelope)
    try next.checkSignatures(of: envelope)
    guard next.version == nextVersion else {
      throw envelope.place.error(.rootVersion(found: next.version, expected: nextVersion))
    }
    root = next
    self.envelope = envelope
  }

  private static func parse(
    _ bytes: [UInt8], _ policy: VerificationPolicy
  ) throws(UptaneError) -> Envelope {
    try Envelope(
      parsing: bytes, .root, policy.place(.root), limitBytes: policy.limits.rootBytes)
  }

  /// Ends the chain at the newest root, the only one whose expiry matters. TUF specification,
  /// 5.3.10. All that is judged under it is judged as of `now`, seconds since 1970.
  ///
  /// Throws `expired`.
  public consuming func finish(at now: Int64) throws(UptaneError) -> TrustedRoot {
    try envelope.checkNotExpired(at: now)
    return TrustedRoot(Judgement(root: root, policy: policy, now: now))
  }
}
