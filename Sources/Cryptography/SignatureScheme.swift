// SPDX-License-Identifier: Apache-2.0

/// How a message is signed: algorithm, hash and encoding of the signature, as TUF and Uptane name
/// them.
public enum SignatureScheme: Hashable, Sendable, CaseIterable {
  /// `rsassa-pss-sha256`, in the `ota` dialect also `rsassa-pss`: RSASSA-PSS with SHA-256 and
  /// MGF1-SHA-256. RFC 8017, 8.1.
  case rsassaPSSSHA256
  /// `rsa-pkcs1v15-sha256` of the `tuf` dialect: RSASSA-PKCS1-v1_5 with SHA-256. RFC 8017, 8.2.
  case rsaPKCS1v15SHA256
  /// `ed25519`: 64 bytes over the message itself. RFC 8032.
  case ed25519
  /// `ecdsa-sha2-nistp256`: ECDSA on P-256 with SHA-256, the signature in DER.
  case ecdsaSHA2NISTP256
  /// `ecPrime256v1` of the `ota` dialect: ECDSA on P-256 with SHA-512, the signature in DER.
  case ecPrime256v1

  /// The kind of key that signs so.
  public var keyKind: KeyKind {
    switch self {
    case .rsassaPSSSHA256, .rsaPKCS1v15SHA256: .rsa
    case .ed25519: .ed25519
    case .ecdsaSHA2NISTP256, .ecPrime256v1: .p256
    }
  }

  /// OpenSSL's name of the hash; nil where the algorithm has its own.
  var digestName: String? {
    switch self {
    case .rsassaPSSSHA256, .rsaPKCS1v15SHA256, .ecdsaSHA2NISTP256: "SHA256"
    case .ecPrime256v1: "SHA512"
    case .ed25519: nil
    }
  }
}

/// The kinds of keys that metadata may name.
public enum KeyKind: Hashable, Sendable {
  case rsa, ed25519
  /// ECDSA on the curve P-256.
  case p256
}
