// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL
internal import Linux

/// A PEM file in memory, wiped when it goes: it may hold a private key. PEM_read_bio(3).
struct PEMFile: ~Copyable {
  /// Bundles of trust roots have 200 to 300 KiB.
  private static let byteCountMax = 8 << 20

  let path: String
  private var bytes: [UInt8]

  /// Errors: `.identity` with `.missing` or `.unreadable`.
  init(_ path: String) throws(TransportError) {
    self.path = path
    do throws(Errno) {
      bytes = try FileDescriptor.open(path).readAll(limit: PEMFile.byteCountMax)
    } catch {
      throw .identity(path: path, error == .notFound ? .missing : .unreadable)
    }
  }

  deinit {
    var bytes = bytes
    let count = bytes.count
    unsafe bytes.withUnsafeMutableBytes {
      if let start = $0.baseAddress { unsafe OPENSSL_cleanse(start, count) }
    }
  }

  /// Whether the private key in it wants a password.
  var isEncrypted: Bool {
    let word = Array("ENCRYPTED".utf8)
    var index = 0
    while index + word.count <= bytes.count {
      if bytes[index..<index + word.count].elementsEqual(word) { return true }
      index += 1
    }
    return false
  }

  /// Lends a BIO that reads the file from its beginning.
  @unsafe borrowing func withReader<R>(_ body: (OpaquePointer) -> R) -> R {
    unsafe bytes.withUnsafeBytes { buffer in
      let count = Int32(clamping: buffer.count)
      guard let reader = unsafe BIO_new_mem_buf(buffer.baseAddress, count) else {
        die("libcrypto has no memory for a buffer")
      }
      defer { unsafe BIO_free(reader) }
      return unsafe body(reader)
    }
  }
}

/// Who the client is: its certificate with the chain above it, and its key.
enum TLSIdentity {
  /// Loads what the options name, if they do. Errors: `.identity`.
  @unsafe static func load(
    into context: OpaquePointer, _ options: TransportOptions
  ) throws(TransportError) {
    switch (options.certificateFile, options.privateKeyFile) {
    case (nil, nil): return
    case (let certificate?, let key?):
      try unsafe loadCertificates(into: context, PEMFile(certificate))
      try unsafe loadKey(into: context, PEMFile(key))
      if unsafe SSL_CTX_check_private_key(context) != 1 {
        ERR_clear_error()
        throw .identity(path: key, .mismatch)
      }
    case (let certificate?, nil): throw .identity(path: certificate, .incomplete)
    case (nil, let key?): throw .identity(path: key, .incomplete)
    }
  }

  /// The first is the client's own, the others its chain. SSL_CTX_add1_chain_cert(3).
  @unsafe private static func loadCertificates(
    into context: OpaquePointer, _ file: consuming PEMFile
  ) throws(TransportError) {
    let path = file.path
    var count = 0
    unsafe file.withReader { reader in
      while let certificate = unsafe PEM_read_bio_X509(reader, nil, nil, nil) {
        if count == 0 {
          guard unsafe SSL_CTX_use_certificate(context, certificate) == 1 else { break }
        } else {
          _ = unsafe SSL_CTX_ctrl(
            context, SSL_CTRL_CHAIN_CERT, 1, UnsafeMutableRawPointer(certificate))
        }
        count += 1
        unsafe X509_free(certificate)
      }
      ERR_clear_error()
    }
    if count == 0 { throw .identity(path: path, .malformed) }
  }

  @unsafe private static func loadKey(
    into context: OpaquePointer, _ file: consuming PEMFile
  ) throws(TransportError) {
    let path = file.path
    if file.isEncrypted { throw .identity(path: path, .encrypted) }
    let isLoaded = unsafe file.withReader { reader in
      // The callback keeps libcrypto from asking for a password on the terminal.
      guard let key = unsafe PEM_read_bio_PrivateKey(reader, nil, { _, _, _, _ in 0 }, nil) else {
        return false
      }
      defer { unsafe EVP_PKEY_free(key) }
      return unsafe SSL_CTX_use_PrivateKey(context, key) == 1
    }
    // A key of another kind than the certificate is refused when it is set.
    let isMismatch =
      Int32(truncatingIfNeeded: ERR_peek_last_error() & 0x7F_FFFF) == X509_R_KEY_TYPE_MISMATCH
      || Int32(truncatingIfNeeded: ERR_peek_last_error() & 0x7F_FFFF) == X509_R_KEY_VALUES_MISMATCH
    ERR_clear_error()
    if !isLoaded { throw .identity(path: path, isMismatch ? .mismatch : .malformed) }
  }
}
