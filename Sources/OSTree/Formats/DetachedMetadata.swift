// SPDX-License-Identifier: Apache-2.0
import Codec

/// Kinds of signature that coppice can check. Their names are those of `sign-verify`.
public enum SignatureEngine: String, Hashable, Sendable, CaseIterable {
  /// A raw key of 32 bytes.
  case ed25519
  /// A key as SubjectPublicKeyInfo; only Ed25519 keys are understood.
  case spki

  /// The key under which signatures are kept: `ostree.sign.ed25519`.
  public var metadataKey: String { "ostree.sign.\(rawValue)" }
}

/// What is said about a commit (`.commitmeta`), or about a summary (`summary.sig`), from outside:
/// signatures above all. Replaceable, and covered by no checksum. Shape `a{sv}`.
public struct DetachedMetadata: Sendable {
  public let bytes: [UInt8]
  /// `a{sv}`.
  public let dictionary: GVariant

  private static let signatureType = "aay"

  /// Reads the file. Throws `.key` if signatures are not `aay`.
  public init(parsing bytes: [UInt8]) throws(FormatError) {
    self.bytes = bytes
    dictionary = try gvariant(bytes[...], FormatType.dictionary)
    for engine in SignatureEngine.allCases {
      _ = try dictionary.value(of: engine.metadataKey, type: DetachedMetadata.signatureType)
    }
  }

  /// The signatures of one kind, of whatever length they are, in the order of the file.
  public func signatures(_ engine: SignatureEngine) -> [[UInt8]] {
    dictionary.lookup(engine.metadataKey, type: DetachedMetadata.signatureType)?.byteStrings ?? []
  }

  public var ed25519Signatures: [[UInt8]] { signatures(.ed25519) }

  /// Whether there are signatures that only GPG can check.
  public var hasGPGSignatures: Bool { dictionary.lookup("ostree.gpgsigs") != nil }

  /// With one more signature behind those that are there.
  public func adding(
    _ signature: [UInt8], _ engine: SignatureEngine
  ) throws(FormatError) -> DetachedMetadata {
    let signatures = GVariantValue.byteStrings(self.signatures(engine) + [signature])
    var entries: [(String, GVariantValue)] = []
    for index in 0..<dictionary.count {
      let key = dictionary[index][0].string
      if key != engine.metadataKey { entries.append((key, dictionary[index][1].variant.value)) }
    }
    entries.append((engine.metadataKey, signatures))
    return try DetachedMetadata(parsing: GVariantValue.dictionary(entries).serialized())
  }

  /// Nothing at all: what a commit without detached metadata has.
  public static var empty: DetachedMetadata {
    get throws(FormatError) { try DetachedMetadata(parsing: []) }
  }
}
