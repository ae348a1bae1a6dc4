// SPDX-License-Identifier: Apache-2.0
import Codec

/// The rules by which key ids are made. To a reader of metadata an id is a label that means
/// nothing; only who writes metadata, or names an ECU, needs a rule.
public enum KeyID {
  /// TUF's: over the canonical form of the whole key object, members that nobody knows included.
  /// TUF specification, 4.2.1.
  public static func tuf(_ object: JSONNode) -> Checksum { SHA256.hash(object.canonical(.olpc)) }

  /// ota-tuf's: over the SubjectPublicKeyInfo.
  public static func otaTUF(_ key: PublicKey) -> Checksum { SHA256.hash(key.material) }

  /// aktualizr's: over the text of the public half as a string of canonical JSON, without line
  /// feeds at its end. An ECU without a serial of its own is called by this id.
  public static func aktualizr(publicText text: String) -> Checksum {
    var bytes = text.utf8[...]
    while bytes.last == UInt8(ascii: "\n") { bytes.removeLast() }
    // A string is always JSON, however long.
    let canonical = try? JSONValue.string(String(decoding: bytes, as: UTF8.self))
      .canonical(.otaASCII)
    return SHA256.hash(canonical ?? [])
  }
}
