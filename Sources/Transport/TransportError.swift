// SPDX-License-Identifier: Apache-2.0
public import Linux

/// Why a transfer failed. Every URL is the text of an `HTTPURL`, without its password.
public enum TransportError: Error, Hashable, Sendable {
  /// Not an http or https URL.
  case url(String)
  /// The name has no address, or none in time.
  /// `url` in this and the next: what was to be fetched.
  case resolve(host: String, ResolveFailure, url: String? = nil)
  /// `address` is the last one that was tried, with its port.
  case connect(address: String, Errno, url: String? = nil)
  case timedOut(url: String, TransferPhase)
  /// Slower than the low-speed limit for longer than the options allow.
  case tooSlow(url: String)
  /// The server's certificate is refused.
  case certificate(url: String, CertificateFailure)
  /// TLS could not be agreed upon for another reason than the server's certificate.
  case handshake(url: String, HandshakeFailure)
  /// The connection ended early.
  case closed(url: String, receivedBytes: UInt64)
  /// What came is not HTTP as RFC 9112 and RFC 9113 have it, or beyond our limits.
  case malformed(url: String, MalformedResponse)
  /// 404 or 410.
  case notFound(url: String, status: Int)
  /// 401 or 403.
  case unauthorised(url: String, status: Int)
  /// Any other status that is not success.
  case status(url: String, Int)
  /// The body is longer than the request allows.
  case tooLarge(url: String, limitBytes: UInt64)
  /// More redirects than the options allow.
  case redirects(url: String)
  /// A redirect from https to `to`, which is http.
  case insecureRedirect(url: String, to: String)
  /// A redirect of a request with a body to another origin.
  case foreignRedirect(url: String, to: String)
  case proxy(address: String, ProxyFailure)
  /// A file of certificates or keys cannot be used.
  case identity(path: String, IdentityFailure)
  /// TLS itself cannot be set up, or there are no trust roots on this system.
  case noTrustRoots
  /// The caller, or a signal, ended it.
  case interrupted
}

extension TransportError {
  /// With the URL that was to be fetched, where making the connection does not know it.
  func concerning(_ url: String) -> TransportError {
    switch self {
    case .resolve(let host, let failure, nil): .resolve(host: host, failure, url: url)
    case .connect(let address, let errno, nil): .connect(address: address, errno, url: url)
    default: self
    }
  }
}

public enum ResolveFailure: Hashable, Sendable { case unknownHost, temporary, timedOut }

/// What a transfer was doing when its time was up. `total`: the whole of it.
public enum TransferPhase: Hashable, Sendable { case connect, handshake, total }

public enum CertificateFailure: Hashable, Sendable {
  case expired, notYetValid, unknownAuthority, selfSigned, wrongHost, revoked, weak, wrongPurpose
  /// X509_V_ERR number of OpenSSL. X509_STORE_CTX_get_error(3).
  case other(Int)
}

public enum HandshakeFailure: Hashable, Sendable {
  /// No common protocol version: TLS 1.2 is the least.
  case version
  /// The server wants a client certificate and there is none.
  case certificateRequired
  /// The server refuses our client certificate.
  case certificateRefused
  /// The connection ended in the handshake.
  case closed
  /// The other side is not speaking TLS.
  case notTLS
  /// An alert of the other side. RFC 8446 6.2.
  case alert(Int)
  /// Reason number of OpenSSL's SSL library.
  case other(Int)
}

public enum ProxyFailure: Hashable, Sendable {
  /// Not a URL of an http proxy.
  case address
  /// 407.
  case credentials
  case status(Int)
  case malformed(MalformedResponse)
}

public enum IdentityFailure: Hashable, Sendable {
  case missing, unreadable
  /// No certificate or key in PEM form in it.
  case malformed
  /// The key is encrypted: there is nobody to type the password.
  case encrypted
  /// The key does not belong to the certificate.
  case mismatch
  /// A certificate without a key, or the reverse.
  case incomplete
}

/// Which rule of HTTP a response breaks. RFC 9112, RFC 9113.
public enum MalformedResponse: Error, Hashable, Sendable {
  case statusLine
  /// A line that ends in LF alone, or a CR that no LF follows.
  case lineEnd
  case headerName, headerValue
  /// A header continued on the next line: RFC 9112 5.2.
  case foldedHeader
  case headTooLong, tooManyHeaders, tooManyInterimResponses
  case contentLength
  /// Two lengths that differ, or a length with chunks.
  case ambiguousLength
  case transferEncoding, contentEncoding
  case chunkSize, chunkExtension, chunkEnd, trailer
  case contentRange
  case location
  /// Bytes before a request was sent.
  case unsolicited
  /// 206 or 304 that nothing asked for, 101.
  case status
  /// What RFC 9113 does not allow on a connection of HTTP/2.
  case frame
}
