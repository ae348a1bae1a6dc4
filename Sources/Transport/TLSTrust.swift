// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL
internal import Linux

/// Which authorities may vouch for a server.
enum TLSTrust {
  /// Where the distributions keep their bundle: Debian and what derives from it, OpenEmbedded;
  /// Fedora; openSUSE; Alpine and others.
  static let bundles = [
    "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem", "/usr/lib/ssl/cert.pem",
  ]

  /// Loads `caFile`, else what SSL_CERT_FILE names (as OpenSSL's programs and curl have it), else
  /// the system's bundle. Errors: `.identity` for a file that was named, `.noTrustRoots`.
  @unsafe static func load(
    into context: OpaquePointer, caFile: String?
  ) throws(TransportError) {
    if let caFile {
      // A file that was chosen may also hold an intermediate authority alone, as with curl.
      unsafe X509_VERIFY_PARAM_set_flags(
        SSL_CTX_get0_param(context), UInt(X509_V_FLAG_PARTIAL_CHAIN))
      return try unsafe load(into: context, PEMFile(caFile))
    }
    if let chosen = Process.environment("SSL_CERT_FILE"), !chosen.isEmpty {
      return try unsafe load(into: context, PEMFile(chosen))
    }
    for bundle in bundles {
      do throws(TransportError) {
        return try unsafe load(into: context, PEMFile(bundle))
      } catch {
        guard case .identity(_, .missing) = error else { throw error }
      }
    }
    throw .noTrustRoots
  }

  @unsafe private static func load(
    into context: OpaquePointer, _ file: consuming PEMFile
  ) throws(TransportError) {
    let path = file.path
    var count = 0
    // Roots that OpenSSL programs have annotated ("TRUSTED CERTIFICATE") are understood as well.
    unsafe file.withReader { reader in
      while let certificate = unsafe PEM_read_bio_X509_AUX(reader, nil, nil, nil) {
        if unsafe X509_STORE_add_cert(SSL_CTX_get_cert_store(context), certificate) == 1 {
          count += 1
        }
        unsafe X509_free(certificate)
      }
      ERR_clear_error()
    }
    if count == 0 { throw .identity(path: path, .malformed) }
  }
}
