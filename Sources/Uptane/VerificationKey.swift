// SPDX-License-Identifier: Apache-2.0
import Codec
import Cryptography

/// A key object that can verify. TUF specification, 4.2.2.
/// ```
/// ota   {"keytype": "RSA" | "ED25519" | "ECPRIME256V1", "keyval": {"public": …}}
/// tuf   {"keytype": "rsa" | "ed25519" | "ecdsa", "scheme": …, "keyval": {"public": …}}
/// ```
/// Its key id is an opaque label of the file that it stands in, and is not looked at.
struct VerificationKey: Sendable {
  let key: PublicKey
  private let kind: Kind
  /// In `tuf` the key says it; in `ota` each signature does.
  private let scheme: SignatureScheme?

  private enum Kind { case rsa, ed25519, ecdsa, ecPrime256v1 }

  /// Nil for a key that can verify nothing here: of an unknown type or scheme, malformed, too
  /// short. It never counts, which is no fault of the file that lists it.
  init?(_ node: JSONNode, _ dialect: Dialect) {
    guard let type = node["keytype"]?.string, let text = node["keyval"]?["public"]?.string,
      let kind = VerificationKey.kind(lowered(type), dialect),
      let key = VerificationKey.publicKey(kind, text)
    else { return nil }
    self.kind = kind
    self.key = key
    guard dialect == .tuf else {
      scheme = nil
      return
    }
    guard let name = node["scheme"]?.string,
      let scheme = VerificationKey.scheme(lowered(name), kind, dialect)
    else { return nil }
    self.scheme = scheme
  }

  private static func kind(_ type: String, _ dialect: Dialect) -> Kind? {
    if same(type, "rsa") { return .rsa }
    if same(type, "ed25519") { return .ed25519 }
    if dialect == .ota { return same(type, "ecprime256v1") ? .ecPrime256v1 : nil }
    return same(type, "ecdsa") || same(type, "ecdsa-sha2-nistp256") ? .ecdsa : nil
  }

  private static func publicKey(_ kind: Kind, _ text: String) -> PublicKey? {
    switch kind {
    case .rsa: PublicKey(rsaPEM: text)
    case .ed25519: PublicKey(ed25519Hex: text)
    case .ecdsa: PublicKey(ecdsaPEM: text)
    case .ecPrime256v1: PublicKey(ecdsaDERHex: text)
    }
  }

  /// What the `scheme` of a key, or the `method` of a signature, means with a key of this kind;
  /// nil where they do not fit.
  ///
  /// PKCS #1 v1.5 exists in `tuf` alone: the simulated repositories of the public conformance suite
  /// sign so unless a case asks for something else.
  private static func scheme(
    _ name: String, _ kind: Kind, _ dialect: Dialect
  ) -> SignatureScheme? {
    switch kind {
    case .rsa:
      if same(name, "rsassa-pss-sha256") || same(name, "rsassa-pss") { return .rsassaPSSSHA256 }
      return dialect == .tuf && same(name, "rsa-pkcs1v15-sha256") ? .rsaPKCS1v15SHA256 : nil
    case .ed25519: return same(name, "ed25519") ? .ed25519 : nil
    case .ecdsa: return same(name, "ecdsa-sha2-nistp256") ? .ecdsaSHA2NISTP256 : nil
    case .ecPrime256v1: return same(name, "ecprime256v1") ? .ecPrime256v1 : nil
    }
  }

  /// How a signature with this `method` is made; nil if it cannot be by this key.
  func scheme(method: String?) -> SignatureScheme? {
    if let scheme { return scheme }
    return method.flatMap { VerificationKey.scheme(lowered($0), kind, .ota) }
  }
}
