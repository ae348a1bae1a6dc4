internal import COpenSSL
// SPDX-License-Identifier: Apache-2.0
import Codec
import Linux

/// What an X.509 certificate says about its owner. Whether to trust it is not judged here.
public struct Certificate: Sendable {
  /// The common name of the subject; nil unless there is exactly one, in text without a NUL.
  public let commonName: String?
  /// Seconds since 1970, also after 2038 on boards of 32 bits.
  public let notBefore: Int64
  public let notAfter: Int64
  /// The SubjectPublicKeyInfo in DER, as it stands there.
  private let publicKey: [UInt8]

  /// From the first certificate in `pem`; what stands before or behind it is not looked at. Nil if
  /// there is none, or it has no readable key or dates.
  public init?(pem: String) {
    let block = PEM.blocks(of: pem)?.first {
      $0.label.utf8.elementsEqual(CertificateHandle.label.utf8)
    }
    guard let block, let handle = CertificateHandle(der: block.bytes),
      let publicKey = handle.publicKey(), let notBefore = handle.notBefore(),
      let notAfter = handle.notAfter()
    else { return nil }
    self.publicKey = publicKey
    self.notBefore = notBefore
    self.notAfter = notAfter
    commonName = handle.commonName()
  }

  /// Whether the private key in `pem`, of whatever kind, is the one that this certificate is for.
  public func fits(key pem: String) -> Bool {
    guard let privateKey = KeyHandle(privatePEM: pem), let own = KeyHandle(publicDER: publicKey)
    else { return false }
    return own.isSame(as: privateKey)
  }
}

/// A certificate as OpenSSL holds it. X509_new(3).
@safe struct CertificateHandle: ~Copyable {
  static let label = "CERTIFICATE"

  private let certificate: OpaquePointer

  deinit { unsafe X509_free(certificate) }

  /// From DER with nothing behind it. d2i_X509(3).
  init?(der: [UInt8]) {
    CryptoLibrary.initialise()
    defer { ERR_clear_error() }
    let certificate = unsafe der.withUnsafeBufferPointer { bytes -> OpaquePointer? in
      var position = bytes.baseAddress
      guard let certificate = unsafe d2i_X509(nil, &position, bytes.count) else { return nil }
      guard unsafe position == bytes.baseAddress.map({ unsafe $0 + bytes.count }) else {
        unsafe X509_free(certificate)
        return nil
      }
      return unsafe certificate
    }
    guard let certificate = unsafe certificate else { return nil }
    unsafe self.certificate = certificate
  }

  /// X509_get_pubkey(3).
  borrowing func publicKey() -> [UInt8]? {
    defer { ERR_clear_error() }
    guard let key = unsafe X509_get_X509_PUBKEY(certificate) else { return nil }
    return unsafe KeyHandle.encode { unsafe i2d_X509_PUBKEY(key, $0) }
  }

  borrowing func notBefore() -> Int64? {
    unsafe CertificateHandle.seconds(X509_get0_notBefore(certificate))
  }

  borrowing func notAfter() -> Int64? {
    unsafe CertificateHandle.seconds(X509_get0_notAfter(certificate))
  }

  /// By the difference to 1970, since Debian's armhf libraries have a `time_t` of 32 bits.
  /// ASN1_TIME_diff(3).
  private static func seconds(_ time: UnsafePointer<ASN1_TIME>?) -> Int64? {
    defer { ERR_clear_error() }
    guard let epoch = unsafe ASN1_TIME_new() else { die("no memory for a date") }
    defer { unsafe ASN1_TIME_free(epoch) }
    var (days, seconds): (Int32, Int32) = (0, 0)
    guard unsafe ASN1_TIME_set_string(epoch, "19700101000000Z") == 1,
      unsafe time != nil, unsafe ASN1_TIME_diff(&days, &seconds, epoch, time) == 1
    else { return nil }
    return Int64(days) * 86_400 + Int64(seconds)
  }

  /// X509_NAME_get_entry(3).
  borrowing func commonName() -> String? {
    defer { ERR_clear_error() }
    guard let name = unsafe X509_get_subject_name(certificate) else { return nil }
    let index = unsafe X509_NAME_get_index_by_NID(name, NID_commonName, -1)
    guard index >= 0, unsafe X509_NAME_get_index_by_NID(name, NID_commonName, index) < 0 else {
      return nil
    }
    var text: UnsafeMutablePointer<UInt8>?
    let value = unsafe X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, index))
    let count = unsafe ASN1_STRING_to_UTF8(&text, value)
    guard count >= 0, let text = unsafe text else { return nil }
    defer { unsafe CRYPTO_free(text, "Certificate.swift", 0) }
    let bytes = unsafe [UInt8](UnsafeBufferPointer(start: text, count: Int(count)))
    return bytes.contains(0) ? nil : String(validating: bytes, as: UTF8.self)
  }
}
