internal import COpenSSL
// SPDX-License-Identifier: Apache-2.0
import Codec
import Linux

/// Why a PKCS#12 gives no identity.
public enum PKCS12Error: Error, Hashable, Sendable {
  /// More bytes than `PKCS12.byteCountMax`.
  case tooLarge(byteCount: Int)
  case malformed
  case wrongPassphrase
  /// Its passphrase is to be hashed more often than `PKCS12.iterationsMax`.
  case tooManyIterations
  /// Encrypted as only old programs do (RC2 with 40 bits), or in a way that nobody knows.
  case unknownEncryption
  case noKey
  /// No certificate in it is for its key.
  case noCertificate
}

/// What a PKCS#12 hands over: a key, its certificate, those of the authorities. RFC 7292.
public struct PKCS12: Sendable {
  public static let byteCountMax = 256 << 10
  /// Programs write 1 to 2048, careful ones some hundred thousand.
  public static let iterationsMax = 2_000_000
  public static let chainCountMax = 16

  /// PKCS#8, in the clear: for a file that only its owner may read.
  public let keyPEM: String
  /// The certificate that is for this key.
  public let certificatePEM: String
  /// All others, each a block of its own, in the order of the file.
  public let chainPEM: [String]

  /// Opens `bytes`. An empty passphrase is tried both ways in which programs mean it. Whoever knows
  /// the passphrase decides how long the inner decryption takes: read only what comes from whom
  /// you let provision devices. PKCS12_parse(3).
  public init(_ bytes: [UInt8], passphrase: String) throws(PKCS12Error) {
    guard bytes.count <= PKCS12.byteCountMax else { throw .tooLarge(byteCount: bytes.count) }
    CryptoLibrary.initialise()
    defer { ERR_clear_error() }
    guard let archive = PKCS12Handle(bytes) else { throw .malformed }
    if let failure = archive.check(passphrase) { throw failure }
    let content = try archive.open(passphrase)
    (keyPEM, certificatePEM, chainPEM) = (content.key, content.certificate, content.chain)
  }
}

/// A PKCS#12 as OpenSSL holds it.
@safe private struct PKCS12Handle: ~Copyable {
  private let archive: OpaquePointer

  deinit { unsafe PKCS12_free(archive) }

  init?(_ bytes: [UInt8]) {
    let archive = unsafe bytes.withUnsafeBufferPointer { bytes -> OpaquePointer? in
      var position = bytes.baseAddress
      return unsafe d2i_PKCS12(nil, &position, bytes.count)
    }
    guard let archive = unsafe archive else { return nil }
    unsafe self.archive = archive
  }

  /// What is wrong with the passphrase, if anything. An archive without a checksum over its content
  /// is refused: nothing would tell a wrong passphrase from a damaged file. PKCS12_verify_mac(3).
  borrowing func check(_ passphrase: String) -> PKCS12Error? {
    guard unsafe PKCS12_mac_present(archive) == 1 else { return .malformed }
    var iterations: UnsafePointer<ASN1_INTEGER>?
    unsafe PKCS12_get0_mac(nil, nil, nil, &iterations, archive)
    if let iterations = unsafe iterations {
      var count: UInt64 = 0
      guard unsafe ASN1_INTEGER_get_uint64(&count, iterations) == 1,
        count <= UInt64(PKCS12.iterationsMax)
      else { return .tooManyIterations }
    }
    let isRight = unsafe PKCS12_verify_mac(archive, passphrase, -1) == 1
    if isRight || passphrase.utf8.isEmpty && (unsafe PKCS12_verify_mac(archive, nil, 0) == 1) {
      return nil
    }
    return .wrongPassphrase
  }

  borrowing func open(
    _ passphrase: String
  ) throws(PKCS12Error) -> (key: String, certificate: String, chain: [String]) {
    var (key, certificate, others): (OpaquePointer?, OpaquePointer?, OpaquePointer?)
    guard unsafe PKCS12_parse(archive, passphrase, &key, &certificate, &others) == 1 else {
      throw .unknownEncryption
    }
    defer {
      unsafe EVP_PKEY_free(key)
      unsafe X509_free(certificate)
      unsafe PKCS12Handle.free(others)
    }
    guard let key = unsafe key, let keyPEM = unsafe PKCS12Handle.pem(key: key) else {
      throw .noKey
    }
    guard let certificate = unsafe certificate,
      let certificatePEM = unsafe PKCS12Handle.pem(certificate: certificate)
    else { throw .noCertificate }
    var chain: [String] = []
    let count = unsafe others == nil ? 0 : OPENSSL_sk_num(others)
    guard count <= PKCS12.chainCountMax else { throw .malformed }
    for index in 0..<max(count, 0) {
      guard let other = unsafe OPENSSL_sk_value(others, index),
        let pem = unsafe PKCS12Handle.pem(certificate: OpaquePointer(other))
      else { throw .malformed }
      chain.append(pem)
    }
    return (keyPEM, certificatePEM, chain)
  }

  private static func pem(key: OpaquePointer) -> String? {
    guard unsafe EVP_PKEY_up_ref(key) == 1 else { return nil }
    return unsafe KeyHandle(owning: key).privateDER().map {
      PEM.encode($0.span, label: KeyHandle.label)
    }
  }

  private static func pem(certificate: OpaquePointer) -> String? {
    unsafe KeyHandle.encode { unsafe i2d_X509(certificate, $0) }.map {
      PEM.encode($0.span, label: CertificateHandle.label)
    }
  }

  private static func free(_ certificates: OpaquePointer?) {
    guard let certificates = unsafe certificates else { return }
    for index in 0..<max(unsafe OPENSSL_sk_num(certificates), 0) {
      if let certificate = unsafe OPENSSL_sk_value(certificates, index) {
        unsafe X509_free(OpaquePointer(certificate))
      }
    }
    unsafe OPENSSL_sk_free(certificates)
  }
}
