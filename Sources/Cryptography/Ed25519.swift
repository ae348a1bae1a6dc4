// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL
import Linux

/// Signatures over the message itself, not over a hash of it. RFC 8032, pure Ed25519.
public enum Ed25519 {
  public static let publicKeyByteCount = 32
  public static let signatureByteCount = 64

  /// What comes before the key in a SubjectPublicKeyInfo. RFC 8410, 4.
  static let subjectPublicKeyInfoFrame: [UInt8] = [
    0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
  ]

  /// Whether `signature` (64 bytes) over `message` was made with the key whose public half is
  /// `publicKey` (32 bytes). False for anything of another length. EVP_DigestVerify(3).
  public static func verify(
    _ message: Span<UInt8>, signature: Span<UInt8>, publicKey: Span<UInt8>
  ) -> Bool {
    guard signature.count == signatureByteCount, publicKey.count == publicKeyByteCount else {
      return false
    }
    CryptoLibrary.initialise()
    // A failed check leaves a note in the thread's error queue, which TLS would stumble over.
    defer { ERR_clear_error() }
    let key = unsafe publicKey.withUnsafeBufferPointer {
      unsafe EVP_PKEY_new_raw_public_key_ex(nil, "ED25519", nil, $0.baseAddress, $0.count)
    }
    guard let key = unsafe key else { return false }
    defer { unsafe EVP_PKEY_free(key) }
    guard let context = unsafe EVP_MD_CTX_new() else { die("no memory for a signature") }
    defer { unsafe EVP_MD_CTX_free(context) }
    guard unsafe EVP_DigestVerifyInit_ex(context, nil, nil, nil, nil, key, nil) == 1 else {
      return false
    }
    return unsafe message.withUnsafeBufferPointer { message in
      unsafe signature.withUnsafeBufferPointer { signature in
        unsafe EVP_DigestVerify(
          context, signature.baseAddress, signature.count, message.baseAddress, message.count) == 1
      }
    }
  }

  /// The 32 bytes inside a SubjectPublicKeyInfo in DER, or nil if that is not an Ed25519 key.
  /// The frame around the key never varies, so it is compared and not parsed. RFC 8410, section 4.
  public static func publicKey(subjectPublicKeyInfo der: ArraySlice<UInt8>) -> [UInt8]? {
    let frame = subjectPublicKeyInfoFrame
    guard der.count == frame.count + publicKeyByteCount, der.starts(with: frame) else { return nil }
    return Array(der.dropFirst(frame.count))
  }
}
