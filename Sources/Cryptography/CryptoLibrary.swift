// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL

/// OpenSSL's libcrypto as a whole.
public enum CryptoLibrary {
  /// Starts the library without reading the machine's openssl.cnf, which may not fit the version
  /// that is linked into a static program. Done once; cheap to repeat. OPENSSL_init_crypto(3).
  public static func initialise() { _ = initialised }

  /// Errors have numbers here, and no words.
  private static let initialised: Bool =
    OPENSSL_init_crypto(
      UInt64(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_LOAD_CRYPTO_STRINGS), nil) == 1

  /// For example "3.0.19". OpenSSL_version(3).
  public static var version: String {
    unsafe String(cString: OpenSSL_version(OPENSSL_VERSION_STRING))
  }
}
