// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL
internal import Linux

/// What all TLS connections of a client share: trust roots, identity, sessions. SSL_CTX_new(3).
///
/// Nothing is taken from openssl.cnf, so that one program behaves alike on every board. The words
/// for libssl's errors, 64 kB of them, stay away: ours are in Messages.
@safe final class TLSContext: @unchecked Sendable {
  // `@unchecked`: the context is complete when `init` returns, and libssl locks what it changes
  // inside it. CRYPTO_THREAD_run_once(3), "SSL_CTX objects".
  let raw: OpaquePointer
  let method: TLSTransport
  let sessions = TLSSessions()
  /// Nil where any certificate will do.
  let validity: TLSValidity?
  /// When the youngest certificate began of all servers that were believed: seconds since 1970.
  let youngestBegin = Guarded<Int64?>(nil)

  /// Without an identity unless `showsIdentity`; with the trust roots of `other`, if there is one.
  /// Errors: `.identity`, `.noTrustRoots`.
  init(
    _ options: TransportOptions, showsIdentity: Bool, sharing other: TLSContext?
  ) throws(TransportError) {
    let words = OPENSSL_INIT_NO_LOAD_CRYPTO_STRINGS | OPENSSL_INIT_NO_LOAD_SSL_STRINGS
    OPENSSL_init_ssl(UInt64(OPENSSL_INIT_NO_LOAD_CONFIG | words), nil)
    guard let context = unsafe SSL_CTX_new(TLS_client_method()) else {
      die("libssl has no memory for a context")
    }
    unsafe raw = context
    method = TLSTransport()
    validity = options.verifiesPeer ? TLSValidity(options.validity) : nil
    unsafe TLSContext.setProtocol(context)
    if options.verifiesPeer {
      if let other {
        unsafe SSL_CTX_set1_cert_store(context, SSL_CTX_get_cert_store(other.raw))
        unsafe SSL_CTX_set1_param(context, SSL_CTX_get0_param(other.raw))
      } else {
        try unsafe TLSTrust.load(into: context, caFile: options.caFile)
      }
      unsafe TLSValidity.leaveDates(context)
      unsafe SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nil)
    } else {
      unsafe SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nil)
    }
    if showsIdentity { try unsafe TLSIdentity.load(into: context, options) }
  }

  deinit { unsafe SSL_CTX_free(raw) }

  /// TLS 1.2 and 1.3, and buffers that are given back while nothing moves.
  @unsafe private static func setProtocol(_ context: OpaquePointer) {
    // These are macros over SSL_CTX_ctrl, which Swift does not see. SSL_CTX_ctrl(3).
    _ = unsafe SSL_CTX_ctrl(context, SSL_CTRL_SET_MIN_PROTO_VERSION, Int(TLS1_2_VERSION), nil)
    let mode =
      SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE
      | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_AUTO_RETRY
    _ = unsafe SSL_CTX_ctrl(context, SSL_CTRL_MODE, Int(mode), nil)
    // Sessions are ours to keep: they belong to an origin, which libssl does not know.
    _ = unsafe SSL_CTX_ctrl(context, SSL_CTRL_SET_SESS_CACHE_MODE, Int(SSL_SESS_CACHE_OFF), nil)
    // SSL_OP_NO_COMPRESSION and SSL_OP_NO_RENEGOTIATION: function-like macros in ssl.h.
    _ = unsafe SSL_CTX_set_options(context, 1 << 17 | 1 << 30)
  }
}
