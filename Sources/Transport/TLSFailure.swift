// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL

/// Translates what libssl and libcrypto say into our words.
enum TLSFailure {
  /// The reason of the last error of this thread, or 0. ERR_GET_REASON(3).
  static func lastReason() -> Int32 {
    let code = ERR_peek_last_error()
    ERR_clear_error()
    // The system's errors are marked by the top bit and are no reasons. ERR_SYSTEM_FLAG in err.h.
    return code >> 31 & 1 == 1 ? 0 : Int32(truncatingIfNeeded: code & 0x7F_FFFF)
  }

  /// For a result of SSL_get_verify_result(3).
  static func certificate(_ verdict: Int) -> CertificateFailure {
    switch Int32(truncatingIfNeeded: verdict) {
    case X509_V_ERR_CERT_HAS_EXPIRED: .expired
    case X509_V_ERR_CERT_NOT_YET_VALID: .notYetValid
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN: .selfSigned
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
      X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, X509_V_ERR_CERT_UNTRUSTED,
      X509_V_ERR_CERT_SIGNATURE_FAILURE:
      .unknownAuthority
    case X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH: .wrongHost
    case X509_V_ERR_CERT_REVOKED: .revoked
    case X509_V_ERR_EE_KEY_TOO_SMALL, X509_V_ERR_CA_KEY_TOO_SMALL, X509_V_ERR_CA_MD_TOO_WEAK:
      .weak
    case X509_V_ERR_INVALID_PURPOSE, X509_V_ERR_INVALID_CA: .wrongPurpose
    default: .other(verdict)
    }
  }

  /// For a reason of libssl; those of alerts that came are 1000 and the alert. RFC 8446 6.2.
  static func handshake(_ reason: Int32) -> HandshakeFailure {
    switch reason {
    case 0, SSL_R_UNEXPECTED_EOF_WHILE_READING: .closed
    case SSL_R_WRONG_VERSION_NUMBER, SSL_R_HTTP_REQUEST, SSL_R_PACKET_LENGTH_TOO_LONG: .notTLS
    case SSL_R_UNSUPPORTED_PROTOCOL, 1000 + TLS1_AD_PROTOCOL_VERSION: .version
    case 1000 + TLS13_AD_CERTIFICATE_REQUIRED: .certificateRequired
    case 1000 + SSL3_AD_BAD_CERTIFICATE, 1000 + SSL3_AD_UNSUPPORTED_CERTIFICATE,
      1000 + SSL3_AD_CERTIFICATE_REVOKED, 1000 + SSL3_AD_CERTIFICATE_EXPIRED,
      1000 + SSL3_AD_CERTIFICATE_UNKNOWN, 1000 + TLS1_AD_UNKNOWN_CA, 1000 + TLS1_AD_ACCESS_DENIED:
      .certificateRefused
    case 1001...1255: .alert(Int(reason) - 1000)
    default: .other(Int(reason))
    }
  }

}
