// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL
import Linux

/// A key as OpenSSL holds it. EVP_PKEY(3).
@safe struct KeyHandle: ~Copyable {
  let key: OpaquePointer

  /// Takes over `key`.
  init(owning key: OpaquePointer) { unsafe self.key = key }

  deinit { unsafe EVP_PKEY_free(key) }

  /// From a SubjectPublicKeyInfo, with nothing behind it. d2i_PUBKEY(3).
  init?(publicDER der: [UInt8]) {
    unsafe self.init(der) { unsafe d2i_PUBKEY(nil, $0, $1) }
  }

  /// `decode` is one of OpenSSL's `d2i` functions; all of `der` must be one key.
  init?(
    _ der: [UInt8],
    _ decode: (UnsafeMutablePointer<UnsafePointer<UInt8>?>, Int) -> OpaquePointer?
  ) {
    CryptoLibrary.initialise()
    // A failed call leaves a note in the thread's error queue, which TLS would stumble over.
    defer { ERR_clear_error() }
    let key = unsafe der.withUnsafeBufferPointer { bytes -> OpaquePointer? in
      var position = bytes.baseAddress
      guard let key = unsafe decode(&position, bytes.count) else { return nil }
      let end = unsafe bytes.baseAddress.map { unsafe $0 + bytes.count }
      guard unsafe position == end else {
        unsafe EVP_PKEY_free(key)
        return nil
      }
      return unsafe key
    }
    guard let key = unsafe key else { return nil }
    unsafe self.key = key
  }

  /// OpenSSL's number of the algorithm.
  var baseID: Int32 { unsafe EVP_PKEY_get_base_id(key) }

  /// The SubjectPublicKeyInfo in its one spelling. Nil if this is not a key of `kind`, or is one
  /// too weak to count.
  borrowing func material(_ kind: KeyKind) -> [UInt8]? {
    defer { ERR_clear_error() }
    switch kind {
    case .rsa:
      guard baseID == EVP_PKEY_RSA,
        unsafe EVP_PKEY_get_bits(key) >= PublicKey.rsaBitCountMin
      else { return nil }
      return publicDER()
    case .p256:
      guard baseID == EVP_PKEY_EC, isOnP256,
        let x = coordinate("qx"), let y = coordinate("qy")
      else { return nil }
      return KeyHandle.p256Frame + x + y
    case .ed25519:
      guard baseID == EVP_PKEY_ED25519 else { return nil }
      return publicDER()
    }
  }

  /// What comes before both coordinates of an uncompressed point on P-256. RFC 5480, 2. Written by
  /// us, since OpenSSL keeps the spelling of the point that it found.
  private static let p256Frame: [UInt8] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
    0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
  ]

  /// EVP_PKEY_get_group_name(3).
  private var isOnP256: Bool {
    let expected = "prime256v1"
    var name = [CChar](repeating: 0, count: 32)
    var count = 0
    let found = unsafe name.withUnsafeMutableBufferPointer {
      unsafe EVP_PKEY_get_group_name(key, $0.baseAddress, $0.count, &count)
    }
    guard found == 1, count == expected.utf8.count else { return false }
    return expected.utf8.elementsEqual(name[..<count].map { UInt8(bitPattern: $0) })
  }

  /// 32 bytes, the highest first. EVP_PKEY_get_bn_param(3).
  private borrowing func coordinate(_ name: String) -> [UInt8]? {
    var number: OpaquePointer?
    guard unsafe EVP_PKEY_get_bn_param(key, name, &number) == 1, let number = unsafe number else {
      return nil
    }
    defer { unsafe BN_free(number) }
    var bytes = [UInt8](repeating: 0, count: 32)
    let count = unsafe bytes.withUnsafeMutableBufferPointer {
      unsafe BN_bn2binpad(number, $0.baseAddress, Int32($0.count))
    }
    return count == 32 ? bytes : nil
  }

  /// i2d_PUBKEY(3).
  private borrowing func publicDER() -> [UInt8]? {
    let key = unsafe key
    return unsafe KeyHandle.encode { unsafe i2d_PUBKEY(key, $0) }
  }

  /// What one of OpenSSL's `i2d` functions writes.
  static func encode(
    _ encode: (UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>?) -> Int32
  ) -> [UInt8]? {
    let count = encode(nil)
    guard count > 0 else { return nil }
    var der = [UInt8](repeating: 0, count: Int(count))
    let written = unsafe der.withUnsafeMutableBufferPointer { bytes in
      var position = bytes.baseAddress
      return unsafe encode(&position)
    }
    return written == count ? der : nil
  }

  /// As `PublicKey.verify`. An RSA key that is not asked for PSS pads as PKCS #1 v1.5 has it:
  /// OpenSSL's default, with the hash named inside the signature compared.
  borrowing func verify(
    _ message: Span<UInt8>, _ signature: Span<UInt8>, _ digestName: String, isPSS: Bool
  ) -> Bool {
    defer { ERR_clear_error() }
    guard let context = unsafe EVP_MD_CTX_new() else { die("no memory for a signature") }
    defer { unsafe EVP_MD_CTX_free(context) }
    var options: OpaquePointer?
    guard unsafe EVP_DigestVerifyInit_ex(context, &options, digestName, nil, nil, key, nil) == 1,
      unsafe !isPSS || KeyHandle.setPSS(options, saltLength: RSA_PSS_SALTLEN_AUTO)
    else { return false }
    return unsafe message.withUnsafeBufferPointer { message in
      unsafe signature.withUnsafeBufferPointer { signature in
        unsafe EVP_DigestVerify(
          context, signature.baseAddress, signature.count, message.baseAddress, message.count) == 1
      }
    }
  }

  /// The hash of MGF1 is that of the message unless something else is said.
  static func setPSS(_ options: OpaquePointer?, saltLength: Int32) -> Bool {
    unsafe EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) == 1
      && EVP_PKEY_CTX_set_rsa_pss_saltlen(options, saltLength) == 1
  }
}
