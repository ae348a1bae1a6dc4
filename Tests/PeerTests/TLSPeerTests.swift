// SPDX-License-Identifier: Apache-2.0
import Support
import Testing

/// Pulls over TLS from nginx, with certificates of an authority that only these tests know.
@Suite struct TLSPeerTests {
  @Test func `a device with a client certificate pulls from a server that demands one`() throws {
    let authority = try CertificateAuthority()
    let fixture = try PeerFixture("tls", tls: authority.demandingClients)
    let repo = try fixture.repo(remote: authority.remote(fixture.web.namedURL))
    let run = try fixture.mustPull(into: repo)
    #expect(run.pulled?.commits == [try fixture.commit()])
  }

  @Test func `a device without a client certificate is told what is wanted of it`() throws {
    let authority = try CertificateAuthority()
    let fixture = try PeerFixture("tls", tls: authority.demandingClients)
    let repo = try fixture.repo(
      remote: ["url=\(fixture.web.namedURL)", "tls-ca-path=\(authority.certificate)"])
    let run = try fixture.pull(into: repo)
    // nginx lets the handshake pass and answers 400, "No required SSL certificate was sent".
    #expect(run.exit == 3)
    #expect(run.error?.name == "server-error")
    #expect(run.error?.message.contains("status 400") == true)
    #expect(run.error?.url?.hasPrefix("\(fixture.web.namedURL)/") == true)
    #expect(try repo.ref("origin:os/main") == nil)
  }

  @Test func `a client certificate of another authority is refused by the server`() throws {
    let authority = try CertificateAuthority()
    let stranger = try CertificateAuthority()
    let fixture = try PeerFixture("tls", tls: authority.demandingClients)
    let repo = try fixture.repo(remote: [
      "url=\(fixture.web.namedURL)", "tls-ca-path=\(authority.certificate)",
      "tls-client-cert-path=\(stranger.folder.file("client.crt"))",
      "tls-client-key-path=\(stranger.folder.file("client.key"))",
    ])
    #expect(try fixture.pull(into: repo).exit == 3)
  }

  @Test func `a client certificate that was revoked is refused by the server`() throws {
    let authority = try CertificateAuthority()
    try authority.revokeClient()
    let fixture = try PeerFixture(
      "tls", tls: authority.demandingClients + ["ssl_crl \(authority.folder.file("revoked.pem"));"])
    let repo = try fixture.repo(remote: authority.remote(fixture.web.namedURL))
    let run = try fixture.pull(into: repo)
    // To nginx an answer of 400 is enough, "The SSL certificate error".
    #expect(run.exit == 3, "\(run)")
    #expect(run.error?.name == "server-error")
    #expect(run.error?.message.contains("status 400") == true)
    #expect(try repo.ref("origin:os/main") == nil)
  }

  @Test func `a missing client key is a matter of configuration`() throws {
    let authority = try CertificateAuthority()
    let fixture = try PeerFixture("tls", tls: authority.demandingClients)
    let key = authority.folder.file("absent.key")
    let repo = try fixture.repo(remote: [
      "url=\(fixture.web.namedURL)", "tls-ca-path=\(authority.certificate)",
      "tls-client-cert-path=\(authority.folder.file("client.crt"))", "tls-client-key-path=\(key)",
    ])
    let run = try fixture.pull(into: repo)
    #expect(run.exit == 2)
    #expect(run.error?.name == "bad-credentials")
    #expect(run.error?.path == key)
  }

  /// What is wrong with the server's certificate, which one it shows, and words that say so.
  static let refusals: [(fault: String, certificate: String, words: String)] = [
    ("unknown authority", "server", "authority"), ("wrong host", "elsewhere", "another host"),
    ("expired", "expired", "expired"),
  ]

  @Test(arguments: refusals)
  func `a server whose certificate does not hold is refused`(
    fault: String, certificate: String, words: String
  ) throws {
    let authority = try CertificateAuthority()
    let trusted = fault == "unknown authority" ? try CertificateAuthority() : authority
    let fixture = try PeerFixture("tls", tls: authority.server(certificate))
    let repo = try fixture.repo(
      remote: ["url=\(fixture.web.namedURL)", "tls-ca-path=\(trusted.certificate)"])
    let run = try fixture.pull(into: repo)
    #expect(run.exit == 4, "\(run)")
    #expect(run.error?.name == "certificate-refused")
    #expect(run.error?.message.contains(words) == true, "\(run)")
    #expect(run.error?.url?.hasPrefix(fixture.web.namedURL) == true)
    #expect(try fixture.web.requests() == [], "the server was asked although it is not trusted")
  }

  @Test func `a server that is nobody's is taken only where the remote says so`() throws {
    let authority = try CertificateAuthority()
    let fixture = try PeerFixture("tls", tls: authority.server("elsewhere"))
    let repo = try fixture.repo(remote: ["url=\(fixture.web.namedURL)", "tls-permissive=true"])
    try fixture.mustPull(into: repo)
  }
}

/// An authority with certificates for a server `localhost`, a server elsewhere, one of yesterday,
/// and a client. All made by `openssl`.
final class CertificateAuthority {
  let folder: TemporaryDirectory
  var certificate: String { folder.file("ca.crt") }

  init() throws {
    folder = try TemporaryDirectory("authority")
    let script = """
      set -eu; cd "$1"
      key() { openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1.key"; }
      key ca; openssl req -x509 -new -key ca.key -subj "/CN=coppice tests $RANDOM" -days 30 \
        -out ca.crt
      issue() {
        key "$1"; openssl req -new -key "$1.key" -subj "/CN=$1" -out "$1.csr"
        printf '%s\\n' "$2" > "$1.ext"
        openssl x509 -req -in "$1.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -out "$1.crt" \
          -extfile "$1.ext" -days "$3" 2> /dev/null
      }
      issue server subjectAltName=DNS:localhost 30
      issue elsewhere subjectAltName=DNS:elsewhere.example 30
      issue client extendedKeyUsage=clientAuth 30
      issue expired subjectAltName=DNS:localhost -1
      """
    try mustRun("bash", "-c", script, "authority", folder.path)
  }

  /// Makes the list `revoked.pem` with the client on it.
  func revokeClient() throws {
    let script = """
      set -eu; cd "$1"
      printf '%s\\n' '[a]' database=index.txt crlnumber=number default_md=sha256 > revoke.conf
      : > index.txt; echo 01 > number
      list() {
        openssl ca -config revoke.conf -name a -cert ca.crt -keyfile ca.key "$@" 2> /dev/null
      }
      list -revoke client.crt; list -gencrl -crldays 30 -out revoked.pem
      """
    try mustRun("bash", "-c", script, "revoke", folder.path)
  }

  /// Lines for nginx.
  func server(_ name: String) -> [String] {
    [
      "ssl_certificate \(folder.file("\(name).crt"));",
      "ssl_certificate_key \(folder.file("\(name).key"));",
    ]
  }

  var demandingClients: [String] {
    server("server") + ["ssl_client_certificate \(certificate);", "ssl_verify_client on;"]
  }

  /// Keys of a remote that holds all that `demandingClients` asks for.
  func remote(_ url: String) -> [String] {
    [
      "url=\(url)", "tls-ca-path=\(certificate)",
      "tls-client-cert-path=\(folder.file("client.crt"))",
      "tls-client-key-path=\(folder.file("client.key"))",
    ]
  }
}
