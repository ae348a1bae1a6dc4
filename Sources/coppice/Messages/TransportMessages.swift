// SPDX-License-Identifier: Apache-2.0
import Linux
import Transport

extension TransportError: Reportable {
  var message: Message {
    switch self {
    case .url(let text):
      Message(.usage, "bad-url", "'\(text)' is no http or https URL", url: text)
    case .resolve(let host, let failure, let url): failure.message(host, url)
    case .connect(let address, let errno, let url):
      Message(
        .transfer, "connect-failed", "cannot connect to '\(address)': \(errno.reason)",
        hint: "is the server up, and may this device reach it?", url: url)
    case .timedOut(let url, let phase):
      Message(.transfer, "timed-out", "time-out \(phase.words) '\(url)'", hint: again, url: url)
    case .tooSlow(let url):
      Message(
        .transfer, "too-slow", "'\(url)' came slower than the low-speed limit for too long",
        hint: again, url: url)
    case .certificate(let url, let failure):
      Message(
        .refused, "certificate-refused", "certificate of '\(url)' is refused: \(failure.words)",
        hint: failure.hint, url: url)
    case .handshake(let url, let failure):
      Message(
        .transfer, "handshake-failed", "no TLS with '\(url)': \(failure.words)",
        hint: failure.hint, url: url)
    case .closed(let url, let bytes):
      Message(
        .transfer, "connection-closed", "'\(url)' broke off after \(bytes) bytes", hint: again,
        url: url)
    case .malformed(let url, let what):
      Message(
        .transfer, "bad-response", "'\(url)' is answered in broken HTTP: \(what.words)",
        hint: "something between this device and the server may be rewriting the traffic", url: url)
    case .notFound(let url, let status):
      Message(.transfer, "not-found", "'\(url)' is not on the server (\(status))", url: url)
    case .unauthorised(let url, let status):
      Message(
        .transfer, "not-authorised", "'\(url)' is not for this device (\(status))",
        hint:
          "see to the credentials: the client certificate and key, or user and password in the URL",
        url: url)
    case .status(let url, let status):
      Message(
        .transfer, "server-error", "'\(url)' is answered with status \(status)",
        hint: status >= 500 || status == 429 ? again : nil, url: url)
    case .tooLarge(let url, let limit):
      Message(
        .refused, "too-large", "'\(url)' is larger than the \(limit) bytes it may have", url: url)
    case .redirects(let url):
      Message(.transfer, "too-many-redirects", "'\(url)' leads from redirect to redirect", url: url)
    case .insecureRedirect(let url, let target):
      Message(
        .refused, "insecure-redirect", "'\(url)' leads from https to '\(target)', which is http",
        url: url)
    case .foreignRedirect(let url, let target):
      Message(
        .refused, "foreign-redirect", "'\(url)' sends what is meant for it on to '\(target)'",
        hint: "name the server that it leads to in the configuration, if it is yours", url: url)
    case .proxy(let address, let failure): failure.message(address)
    case .identity(let path, let failure): failure.message(path)
    case .noTrustRoots:
      Message(
        .usage, "no-trust-roots", "no certificate authorities to check the server by",
        hint: "install 'ca-certificates', or name a file with 'tls-ca-path' or 'ca-file'")
    case .interrupted:
      Message(
        .failed, "interrupted", "interrupted by a signal",
        hint: "run it again: it continues where it stopped")
    }
  }

  private var again: String { "try again later; what was fetched is kept" }
}

extension ResolveFailure {
  fileprivate func message(_ host: String, _ url: String?) -> Message {
    switch self {
    case .unknownHost:
      Message(
        .transfer, "host-unknown", "no address is known for '\(host)'",
        hint: "is the name right, and is there a network?", url: url)
    case .temporary:
      Message(
        .transfer, "resolve-failed", "the name servers do not answer for '\(host)'",
        hint: "is there a network? try again later", url: url)
    case .timedOut:
      Message(
        .transfer, "resolve-failed", "time-out in looking up '\(host)'",
        hint: "is there a network? try again later", url: url)
    }
  }
}

extension TransferPhase {
  fileprivate var words: String {
    switch self {
    case .connect: "connecting to"
    case .handshake: "agreeing on TLS with"
    case .total: "fetching"
    }
  }
}

extension CertificateFailure {
  fileprivate var words: String {
    switch self {
    case .expired: "it has expired"
    case .notYetValid: "it is not valid yet"
    case .unknownAuthority: "its authority is not known here"
    case .selfSigned: "it is signed by itself"
    case .wrongHost: "it is for another host"
    case .revoked: "it was revoked"
    case .weak: "its key or signature is too weak"
    case .wrongPurpose: "it is not for a server"
    case .other(let number): "verification error \(number)"
    }
  }

  fileprivate var hint: String? {
    switch self {
    case .expired, .notYetValid: "is the clock of this device right? 'coppice doctor' shows it"
    case .unknownAuthority, .selfSigned:
      "name the authority's file with 'tls-ca-path' of the remote or 'ca-file' of the configuration"
    case .wrongHost: "the URL must name the host as its certificate does"
    case .revoked, .weak, .wrongPurpose, .other: nil
    }
  }
}

extension HandshakeFailure {
  fileprivate var words: String {
    switch self {
    case .version: "the server speaks neither TLS 1.2 nor 1.3"
    case .certificateRequired: "it wants a client certificate"
    case .certificateRefused: "it refuses our client certificate"
    case .closed: "the connection ended"
    case .notTLS: "the server does not speak TLS"
    case .alert(let number): "alert \(number)"
    case .other(let number): "error \(number)"
    }
  }

  fileprivate var hint: String? {
    switch self {
    case .certificateRequired:
      "see to the credentials: those that the remote names, or '[server]' of the configuration"
    case .certificateRefused:
      "has it expired, or was it revoked? it is named by the remote or '[server]', or brought by "
        + "'coppice provision'"
    case .notTLS: "is it an http server, or a proxy in between?"
    case .version, .closed, .alert, .other: nil
    }
  }
}

extension ProxyFailure {
  fileprivate func message(_ address: String) -> Message {
    switch self {
    case .address:
      Message(
        .usage, "bad-proxy", "'\(address)' is no URL of an http proxy",
        hint: "see 'proxy' of the configuration and the variables http_proxy and https_proxy")
    case .credentials:
      Message(
        .transfer, "proxy-failed", "proxy '\(address)' wants other credentials (407)",
        hint: "put user and password into the URL of the proxy")
    case .status(let status):
      Message(.transfer, "proxy-failed", "proxy '\(address)' answers with status \(status)")
    case .malformed(let what):
      Message(
        .transfer, "proxy-failed", "proxy '\(address)' answers in broken HTTP: \(what.words)")
    }
  }
}

extension IdentityFailure {
  fileprivate func message(_ path: String) -> Message {
    let text: String
    switch self {
    case .missing: text = "'\(path)' is missing"
    case .unreadable: text = "cannot read '\(path)'"
    case .malformed: text = "'\(path)' holds no certificate or key in PEM form"
    case .encrypted:
      text = "the key in '\(path)' is encrypted, and nobody is there to type the password"
    case .mismatch: text = "the key in '\(path)' does not belong to the certificate"
    case .incomplete: text = "'\(path)' is only one of certificate and key"
    }
    return Message(
      .usage, "bad-credentials", text,
      hint: "see the files that the remote and the configuration name", path: path)
  }
}

extension MalformedResponse {
  var words: String {
    switch self {
    case .statusLine: "status line"
    case .lineEnd: "line end"
    case .headerName: "header name"
    case .headerValue: "header value"
    case .foldedHeader: "folded header"
    case .headTooLong: "header too long"
    case .tooManyHeaders: "too many headers"
    case .tooManyInterimResponses: "too many interim responses"
    case .contentLength: "Content-Length"
    case .ambiguousLength: "two different lengths"
    case .transferEncoding: "Transfer-Encoding"
    case .contentEncoding: "Content-Encoding"
    case .chunkSize: "chunk size"
    case .chunkExtension: "chunk extension"
    case .chunkEnd: "chunk end"
    case .trailer: "trailer"
    case .contentRange: "Content-Range"
    case .location: "Location"
    case .unsolicited: "bytes that nothing asked for"
    case .status: "status"
    case .frame: "HTTP/2 frame"
    }
  }
}
