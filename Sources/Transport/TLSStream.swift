// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL
internal import Linux

/// One TLS connection over a socket that does not block. SSL_new(3).
@safe final class TLSStream {
  private let ssl: OpaquePointer
  private let socket: Socket
  private let context: TLSContext
  private let origin: Origin
  private var isOpen = false

  /// For `origin`, whose name the certificate must bear.
  init(_ socket: Socket, _ context: TLSContext, to origin: Origin, offersHTTP2: Bool) {
    guard let ssl = unsafe SSL_new(context.raw) else {
      die("libssl has no memory for a connection")
    }
    unsafe self.ssl = ssl
    self.socket = socket
    self.context = context
    self.origin = origin
    let bio = unsafe context.method.makeBIO(socket)
    unsafe SSL_set_bio(ssl, bio, bio)
    setHost()
    setProtocols(offersHTTP2: offersHTTP2)
    unsafe context.sessions.restore(origin, into: ssl)
  }

  deinit {
    // One close_notify if it can be sent at once; without it libssl would drop the session, too.
    if isOpen { unsafe SSL_shutdown(ssl) }
    ERR_clear_error()
    unsafe SSL_free(ssl)
  }

  /// A name is sent ahead (SNI) and compared with the certificate's; an address is only compared.
  /// SSL_set1_host(3), X509_VERIFY_PARAM_set1_ip_asc(3).
  private func setHost() {
    let host = origin.host
    if SocketAddress(host, port: 0) != nil {
      unsafe X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host)
      return
    }
    unsafe SSL_set_hostflags(ssl, UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS))
    unsafe SSL_set1_host(ssl, host)
    var name = host.utf8CString.map { $0 }
    unsafe name.withUnsafeMutableBytes {
      // SSL_set_tlsext_host_name is a macro over this; the name is copied. SSL_ctrl(3).
      _ = unsafe SSL_ctrl(
        ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, Int(TLSEXT_NAMETYPE_host_name), $0.baseAddress)
    }
  }

  /// What the server may choose from, each with its length before it. RFC 7301 3.1.
  private func setProtocols(offersHTTP2: Bool) {
    var protocols: [UInt8] = []
    if offersHTTP2 { protocols += [2, UInt8(ascii: "h"), UInt8(ascii: "2")] }
    protocols.append(8)
    protocols.append(contentsOf: "http/1.1".utf8)
    _ = unsafe SSL_set_alpn_protos(ssl, protocols, UInt32(protocols.count))
  }

  /// Whether the server chose HTTP/2. SSL_get0_alpn_selected(3).
  var hasChosenHTTP2: Bool {
    var name: UnsafePointer<UInt8>?
    var count: UInt32 = 0
    unsafe SSL_get0_alpn_selected(ssl, &name, &count)
    guard let name = unsafe name, count == 2 else { return false }
    return unsafe name[0] == UInt8(ascii: "h") && name[1] == UInt8(ascii: "2")
  }

  /// Whether an earlier session was taken up again.
  var isResumed: Bool { unsafe SSL_session_reused(ssl) == 1 }

  func saveSession() { if isOpen { unsafe context.sessions.save(origin, of: ssl) } }

  // MARK: Handshake

  /// One attempt; `.bytes` means done.
  func shakeHands() -> Handshake {
    ERR_clear_error()
    let result = unsafe SSL_connect(ssl)
    if result == 1 {
      if let validity = context.validity {
        if let failure = unsafe validity.failure(of: ssl) { return .refused(failure) }
        if let begin = unsafe TLSValidity.begin(of: ssl) {
          context.youngestBegin.withLock { $0 = max($0 ?? begin, begin) }
        }
      }
      isOpen = true
      return .done
    }
    switch unsafe SSL_get_error(ssl, result) {
    case SSL_ERROR_WANT_READ: return .wait(.read)
    case SSL_ERROR_WANT_WRITE: return .wait(.write)
    default: break
    }
    let verdict = unsafe SSL_get_verify_result(ssl)
    let reason = TLSFailure.lastReason()
    if reason == SSL_R_CERTIFICATE_VERIFY_FAILED && verdict != 0 {
      return .refused(TLSFailure.certificate(verdict))
    }
    return .failed(TLSFailure.handshake(reason))
  }

  enum Handshake {
    case done
    case wait(Socket.Readiness)
    case refused(CertificateFailure)
    case failed(HandshakeFailure)
  }

  // MARK: Bytes

  func send(_ bytes: Span<UInt8>) -> StreamStep {
    ERR_clear_error()
    let result = unsafe bytes.withUnsafeBufferPointer {
      unsafe SSL_write(ssl, $0.baseAddress, Int32(clamping: $0.count))
    }
    return result > 0 ? .bytes(Int(result)) : step(after: result)
  }

  func receive(into buffer: inout [UInt8], _ range: Range<Int>) -> StreamStep {
    ERR_clear_error()
    let result = unsafe buffer.withUnsafeMutableBytes {
      unsafe SSL_read(
        ssl, $0.baseAddress.map { unsafe $0 + range.lowerBound }, Int32(clamping: range.count))
    }
    return result > 0 ? .bytes(Int(result)) : step(after: result)
  }

  private func step(after result: Int32) -> StreamStep {
    switch unsafe SSL_get_error(ssl, result) {
    case SSL_ERROR_WANT_READ: return .wait(.read)
    case SSL_ERROR_WANT_WRITE: return .wait(.write)
    case SSL_ERROR_ZERO_RETURN: return .closed(isClean: true)
    case SSL_ERROR_SSL:
      // After this the connection must not be used, not even to say goodbye. SSL_get_error(3).
      isOpen = false
      let reason = TLSFailure.lastReason()
      if reason == SSL_R_UNEXPECTED_EOF_WHILE_READING { return .closed(isClean: false) }
      return .failed(TLSFailure.handshake(reason))
    default:
      isOpen = false
      return .closed(isClean: false)
    }
  }
}
