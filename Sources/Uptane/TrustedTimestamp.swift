// SPDX-License-Identifier: Apache-2.0
import Codec

/// What a timestamp says: which snapshot is the newest. TUF specification, 4.6.
struct TimestampMetadata: Sendable {
  let envelope: Envelope
  let snapshot: FileListing

  /// Throws `malformed`. The signatures are the caller's to check.
  init(_ envelope: Envelope) throws(UptaneError) {
    let name = "snapshot.json"
    guard let entry = envelope.signed["meta"]?[name] else {
      throw envelope.place.malformed(.member("meta.\(name)"))
    }
    snapshot = try FileListing(entry, name: name, in: envelope.place)
    self.envelope = envelope
  }
}

/// The newest root of a repository: what timestamps are judged by.
///
/// From here on each step can only be taken with what the step before has given, so that metadata
/// in a wrong order do not compile:
/// ```
/// TrustedRoot ─▶ TrustedTimestamp ─▶ TrustedSnapshot ─▶ TrustedTargets ─▶ TargetSearch
/// ```
/// A step that was refused may be tried again with other bytes: with those of the server after the
/// stored ones, or after what was published anew in the meantime.
public struct TrustedRoot: ~Copyable {
  let judgement: Judgement

  init(_ judgement: Judgement) { self.judgement = judgement }

  public var version: Int64 { judgement.root.version }

  /// What to ask for next.
  public var timestamp: MetadataRequest { judgement.request(.timestamp) }

  /// Judges a timestamp against the one that is stored. TUF specification, 5.4; Uptane Standard
  /// 2.1.0, 5.4.4.4.
  ///
  /// One of the stored version is put aside and the stored one stays in force, whatever else
  /// differs. A stored file that is damaged, or that this root's keys did not sign, counts for
  /// nothing.
  ///
  /// Throws what is wrong; `rollback` of the snapshot if that is what goes back.
  public borrowing func accept(
    timestamp bytes: [UInt8], stored: [UInt8]?
  ) throws(UptaneError) -> TrustedTimestamp {
    let served = try judgement.timestamp(bytes)
    let known = stored.flatMap(judgement.timestamp(stored:))
    var inForce = served
    if let known {
      let (found, trusted) = (served.envelope.version, known.envelope.version)
      if found < trusted {
        throw served.envelope.place.error(.rollback(found: found, trusted: trusted))
      }
      if found == trusted {
        inForce = known
      } else if served.snapshot.version < known.snapshot.version {
        throw judgement.place(.snapshot).error(
          .rollback(found: served.snapshot.version, trusted: known.snapshot.version))
      }
    }
    try inForce.envelope.checkNotExpired(at: judgement.now)
    return TrustedTimestamp(
      judgement: judgement, metadata: inForce,
      isStored: inForce.envelope.version == known?.envelope.version)
  }
}

extension Judgement {
  fileprivate func timestamp(_ bytes: [UInt8]) throws(UptaneError) -> TimestampMetadata {
    let metadata = try TimestampMetadata(parse(bytes, .timestamp))
    try root.checkSignatures(of: metadata.envelope)
    return metadata
  }

  fileprivate func timestamp(stored bytes: [UInt8]) -> TimestampMetadata? {
    do throws(UptaneError) { return try timestamp(bytes) } catch { return nil }
  }
}

/// A timestamp in force: what snapshots are judged by.
public struct TrustedTimestamp: ~Copyable {
  let judgement: Judgement
  let metadata: TimestampMetadata
  /// Whether it is the stored one. If not, it is to be persisted.
  public let isStored: Bool

  public var version: Int64 { metadata.envelope.version }

  /// What to ask for next, unless the stored one is accepted.
  public var snapshot: MetadataRequest { judgement.request(.snapshot, metadata.snapshot) }
}
