internal import COpenSSL
// SPDX-License-Identifier: Apache-2.0
import Codec
import Linux

// Private halves.
extension KeyHandle {
  /// What PKCS#8 is called in PEM.
  static let label = "PRIVATE KEY"
  private static let labels = [label, "RSA PRIVATE KEY", "EC PRIVATE KEY"]

  /// A new key. EVP_PKEY_generate(3).
  init?(newOf algorithm: String, bitCount: Int32? = nil) {
    CryptoLibrary.initialise()
    defer { ERR_clear_error() }
    guard let context = unsafe EVP_PKEY_CTX_new_from_name(nil, algorithm, nil) else { return nil }
    defer { unsafe EVP_PKEY_CTX_free(context) }
    guard unsafe EVP_PKEY_keygen_init(context) == 1 else { return nil }
    if let bitCount, unsafe EVP_PKEY_CTX_set_rsa_keygen_bits(context, bitCount) != 1 { return nil }
    var key: OpaquePointer?
    guard unsafe EVP_PKEY_generate(context, &key) == 1, let key = unsafe key else { return nil }
    unsafe self.init(owning: key)
  }

  /// From the 32 bytes that an Ed25519 key is made of. EVP_PKEY_new_raw_private_key(3).
  init?(ed25519Seed seed: Span<UInt8>) {
    CryptoLibrary.initialise()
    defer { ERR_clear_error() }
    let key = unsafe seed.withUnsafeBufferPointer {
      unsafe EVP_PKEY_new_raw_private_key_ex(nil, "ED25519", nil, $0.baseAddress, $0.count)
    }
    guard let key = unsafe key else { return nil }
    unsafe self.init(owning: key)
  }

  /// From the first block of `text` that is a private key without a passphrase.
  init?(privatePEM text: String) {
    let block = PEM.blocks(of: text)?.first { block in
      KeyHandle.labels.contains { $0.utf8.elementsEqual(block.label.utf8) }
    }
    guard let block else { return nil }
    self.init(privateDER: block.bytes)
  }

  /// From PKCS#8, PKCS#1 or SEC 1, with nothing behind it. d2i_AutoPrivateKey(3).
  init?(privateDER der: [UInt8]) {
    unsafe self.init(der) { unsafe d2i_AutoPrivateKey_ex(nil, $0, $1, nil, nil) }
  }

  /// Nil for kinds that no metadata names.
  var kind: KeyKind? {
    switch baseID {
    case EVP_PKEY_RSA: .rsa
    case EVP_PKEY_EC: .p256
    case EVP_PKEY_ED25519: .ed25519
    default: nil
    }
  }

  /// PKCS#8. EVP_PKEY2PKCS8(3).
  borrowing func privateDER() -> [UInt8]? {
    defer { ERR_clear_error() }
    guard let info = unsafe EVP_PKEY2PKCS8(key) else { return nil }
    defer { unsafe PKCS8_PRIV_KEY_INFO_free(info) }
    return unsafe KeyHandle.encode { unsafe i2d_PKCS8_PRIV_KEY_INFO(info, $0) }
  }

  /// EVP_PKEY_get_raw_private_key(3).
  borrowing func ed25519Seed() -> [UInt8]? {
    defer { ERR_clear_error() }
    var seed = [UInt8](repeating: 0, count: 32)
    var count = seed.count
    let result = unsafe seed.withUnsafeMutableBufferPointer {
      unsafe EVP_PKEY_get_raw_private_key(key, $0.baseAddress, &count)
    }
    return result == 1 && count == seed.count ? seed : nil
  }

  /// Whether both have the same public half. EVP_PKEY_eq(3).
  borrowing func isSame(as other: borrowing KeyHandle) -> Bool {
    defer { ERR_clear_error() }
    return unsafe EVP_PKEY_eq(key, other.key) == 1
  }

  /// As `PrivateKey.sign`.
  borrowing func sign(_ message: Span<UInt8>, _ digestName: String?, isPSS: Bool) -> [UInt8]? {
    defer { ERR_clear_error() }
    guard let context = unsafe EVP_MD_CTX_new() else { die("no memory for a signature") }
    defer { unsafe EVP_MD_CTX_free(context) }
    var options: OpaquePointer?
    guard unsafe EVP_DigestSignInit_ex(context, &options, digestName, nil, nil, key, nil) == 1,
      unsafe !isPSS || KeyHandle.setPSS(options, saltLength: 32)
    else { return nil }
    return unsafe message.withUnsafeBufferPointer { message -> [UInt8]? in
      var count = 0
      guard
        unsafe EVP_DigestSign(context, nil, &count, message.baseAddress, message.count) == 1
      else { return nil }
      var signature = [UInt8](repeating: 0, count: count)
      let result = unsafe signature.withUnsafeMutableBufferPointer {
        unsafe EVP_DigestSign(
          context, $0.baseAddress, &count, message.baseAddress, message.count)
      }
      guard result == 1, count <= signature.count else { return nil }
      signature.removeLast(signature.count - count)
      return signature
    }
  }
}
