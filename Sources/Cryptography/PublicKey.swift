internal import COpenSSL
// SPDX-License-Identifier: Apache-2.0
import Codec
import Linux

/// The public half of a key that signs metadata. Two are equal if they are the same key, however
/// they were written.
public struct PublicKey: Hashable, Sendable {
  /// A key of fewer bits counts for nothing.
  public static let rsaBitCountMin = 2048

  public let kind: KeyKind
  /// The SubjectPublicKeyInfo in DER, in one spelling for each key: what thresholds compare and
  /// what ota-tuf's key ids are made of. RFC 5280, 4.1.
  public let material: [UInt8]

  /// From a SubjectPublicKeyInfo in PEM. Nil for anything but an RSA key of enough bits.
  public init?(rsaPEM text: String) {
    guard let der = PEM.decode(text, label: "PUBLIC KEY") else { return nil }
    self.init(subjectPublicKeyInfo: der, .rsa)
  }

  /// From a SubjectPublicKeyInfo in PEM. Nil for anything but a key on P-256.
  public init?(ecdsaPEM text: String) {
    guard let der = PEM.decode(text, label: "PUBLIC KEY") else { return nil }
    self.init(subjectPublicKeyInfo: der, .p256)
  }

  /// From a SubjectPublicKeyInfo in DER, written in hexadecimal digits of either case, as the `ota`
  /// dialect has keys on P-256. Nil for anything else.
  public init?(ecdsaDERHex text: String) {
    guard let der = Hex.decode(eitherCase: text) else { return nil }
    self.init(subjectPublicKeyInfo: der, .p256)
  }

  /// From 64 hexadecimal digits of either case.
  public init?(ed25519Hex text: String) {
    guard let key = Hex.decode(eitherCase: text) else { return nil }
    self.init(ed25519: key)
  }

  /// From the 32 bytes of an Ed25519 key. Nil for another count.
  public init?(ed25519 key: [UInt8]) {
    guard key.count == Ed25519.publicKeyByteCount else { return nil }
    kind = .ed25519
    material = Ed25519.subjectPublicKeyInfoFrame + key
  }

  init(_ kind: KeyKind, material: [UInt8]) {
    self.kind = kind
    self.material = material
  }

  private init?(subjectPublicKeyInfo der: [UInt8], _ kind: KeyKind) {
    guard let key = KeyHandle(publicDER: der), let material = key.material(kind) else { return nil }
    self.kind = kind
    self.material = material
  }

  /// What `keyval.public` of a key object says: 64 digits of an Ed25519 key, PEM of the others.
  public var text: String {
    kind == .ed25519
      ? Hex.encode(material.span.extracting(last: Ed25519.publicKeyByteCount))
      : PEM.encode(material.span, label: "PUBLIC KEY")
  }

  /// Whether `signature` over `message` was made with this key's private half. False for a scheme
  /// that is not this kind's, and for anything that is not exactly one signature. PSS takes a salt
  /// of any length. EVP_DigestVerify(3).
  public func verify(
    _ message: Span<UInt8>, signature: Span<UInt8>, _ scheme: SignatureScheme
  ) -> Bool {
    guard scheme.keyKind == kind else { return false }
    guard let digestName = scheme.digestName else {
      return Ed25519.verify(
        message, signature: signature,
        publicKey: material.span.extracting(last: Ed25519.publicKeyByteCount))
    }
    guard let key = KeyHandle(publicDER: material) else { return false }
    return key.verify(message, signature, digestName, isPSS: scheme == .rsassaPSSSHA256)
  }
}
