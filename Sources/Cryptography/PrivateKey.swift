internal import COpenSSL
// SPDX-License-Identifier: Apache-2.0
import Codec
import Linux

/// A key that signs: an ECU's, or one that a publisher holds.
public struct PrivateKey: Sendable {
  public let publicKey: PublicKey
  /// PKCS#8 in DER. RFC 5208.
  private let der: [UInt8]

  /// A new Ed25519 key.
  public static func makeEd25519() -> PrivateKey { make(KeyHandle(newOf: "ED25519")) }

  /// A new RSA key of 2048 bits. Takes a second on a small board, and seldom several.
  public static func makeRSA() -> PrivateKey {
    make(KeyHandle(newOf: "RSA", bitCount: Int32(PublicKey.rsaBitCountMin)))
  }

  private static func make(_ handle: consuming KeyHandle?) -> PrivateKey {
    guard let handle = handle, let key = PrivateKey(handle) else { die("OpenSSL makes no key") }
    return key
  }

  /// From the first private key in `pem`: PKCS#8, PKCS#1 of an RSA key or SEC 1 of one on P-256.
  /// Nil for other kinds of keys, for RSA keys of less than 2048 bits and for encrypted ones.
  public init?(pem: String) {
    guard let handle = KeyHandle(privatePEM: pem), let key = PrivateKey(handle) else { return nil }
    self = key
  }

  /// From the seed of an Ed25519 key, 64 hexadecimal digits of either case, or from seed and public
  /// half, 128 of them: what `keyval.private` of the `ota` dialect holds.
  public init?(ed25519Hex text: String) {
    guard let bytes = Hex.decode(eitherCase: text), bytes.count == 32 || bytes.count == 64,
      let handle = KeyHandle(ed25519Seed: bytes.span.extracting(first: 32)),
      let key = PrivateKey(handle)
    else { return nil }
    if bytes.count == 64, !key.publicKey.material.suffix(32).elementsEqual(bytes[32...]) {
      return nil
    }
    self = key
  }

  private init?(_ handle: borrowing KeyHandle) {
    guard let kind = handle.kind, let material = handle.material(kind),
      let der = handle.privateDER()
    else { return nil }
    publicKey = PublicKey(kind, material: material)
    self.der = der
  }

  /// PKCS#8 in PEM.
  public var pem: String { PEM.encode(der.span, label: KeyHandle.label) }

  /// Seed and public half of an Ed25519 key, 128 digits; nil for another kind.
  public var ed25519Hex: String? {
    guard publicKey.kind == .ed25519, let seed = KeyHandle(privateDER: der)?.ed25519Seed() else {
      return nil
    }
    let both = seed + publicKey.material.suffix(32)
    return Hex.encode(both.span)
  }

  /// A signature over `message`, as `PublicKey.verify` takes it: of an RSA key RSASSA-PSS with 32
  /// bytes of salt, of one on P-256 ECDSA with SHA-256. EVP_DigestSign(3).
  public func sign(_ message: Span<UInt8>) -> [UInt8] {
    guard let handle = KeyHandle(privateDER: der),
      let signature = handle.sign(message, scheme.digestName, isPSS: scheme == .rsassaPSSSHA256)
    else { die("OpenSSL does not sign") }
    return signature
  }

  /// How `sign` signs.
  public var scheme: SignatureScheme {
    switch publicKey.kind {
    case .rsa: .rsassaPSSSHA256
    case .ed25519: .ed25519
    case .p256: .ecdsaSHA2NISTP256
    }
  }
}
