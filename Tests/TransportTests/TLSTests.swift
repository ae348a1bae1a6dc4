// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import Transport

/// TLS against Python's, with certificates made by openssl(1).
@Suite struct TLSTests {
  let certificates = Certificates.shared

  func options(ca: String? = "ca.pem") -> TransportOptions {
    var options = TransportOptions.quick
    options.retriesMax = 0
    options.validity.isCertain = true
    options.caFile = ca.map { certificates.path($0) }
    return options
  }

  func fetch(_ url: HTTPURL, _ options: TransportOptions) -> Fetch? {
    try! HTTPClient(options).fetch(url).results[0]
  }

  @Test(arguments: ["localhost", "127.0.0.1"])
  func `a server with a good certificate is believed`(host: String) {
    let url = TLSServer.good.url("/bytes/3000000", host: host)
    #expect(fetch(url, options()) == .body(FaultServer.content(3_000_000)))
  }

  @Test func `the name is sent ahead, an address is not`() {
    let server = TLSServer.Server("good")
    _ = fetch(server.url("/bytes/1"), options())
    _ = fetch(server.url("/bytes/1", host: "127.0.0.1"), options())
    let names = server.log("SNI", options())
    #expect(names.contains { $0.contains("SNI localhost") })
    #expect(names.contains { $0.contains("SNI None") })
  }

  @Test(
    arguments: [
      ("stranger", "localhost", .unknownAuthority), ("self", "localhost", .selfSigned),
      ("elsewhere", "localhost", .wrongHost), ("elsewhere", "127.0.0.1", .wrongHost),
      ("expired", "localhost", .expired), ("early", "localhost", .notYetValid),
      ("client", "127.0.0.1", .wrongHost),
    ] as [(String, String, CertificateFailure)])
  func `a certificate is refused for its reason`(
    name: String, host: String, reason: CertificateFailure
  ) {
    let server = TLSServer.Server(name)
    let url = server.url("/bytes/5", host: host)
    #expect(fetch(url, options()) == .failed(.certificate(url: url.text, reason)))
    var permissive = options(ca: nil)
    permissive.verifiesPeer = false
    #expect(fetch(url, permissive) == .body(FaultServer.content(5)))
  }

  @Test func `a clock that nobody has set does not make a certificate too young`() {
    let early = TLSServer.Server("early")
    let expired = TLSServer.Server("expired")
    var unset = options()
    unset.validity = ValidityTime(seconds: 0, isCertain: false)
    #expect(fetch(early.url("/bytes/5"), unset) == .body(FaultServer.content(5)))
    // What has expired since then is known to be too old.
    let old = expired.url("/bytes/5")
    unset.validity = .now(floor: 0)
    unset.validity.isCertain = false
    #expect(fetch(old, unset) == .failed(.certificate(url: old.text, .expired)))
  }

  @Test func `only who was believed says how late it is at least`() throws {
    func youngest(_ names: [String], _ options: TransportOptions) throws -> Int64? {
      let client = try HTTPClient(options)
      for name in names {
        let server = TLSServer.Server(name)
        withExtendedLifetime(server) { _ = client.fetch(server.url("/goodbye")) }
      }
      return client.youngestCertificate
    }
    var unset = options()
    unset.validity = ValidityTime(seconds: 0, isCertain: false)
    // 2040-01-01, as the certificate was made.
    let begin: Int64 = 2_208_988_800
    #expect(try youngest(["early"], unset) == begin)
    #expect(try youngest(["early", "good"], unset) == begin)
    let good = try #require(try youngest(["good", "good"], unset))
    #expect(abs(good - Int64(Date().timeIntervalSince1970)) < 400 * 86_400)
    // Too young for a clock that is right, of a stranger, for another host, plain.
    #expect(try youngest(["early"], options()) == nil)
    #expect(try youngest(["stranger", "elsewhere", "self"], unset) == nil)
    var permissive = unset
    permissive.verifiesPeer = false
    #expect(try youngest(["early"], permissive) == nil)
    let plain = try HTTPClient(unset)
    _ = plain.fetch(FaultServer.shared.url("/bytes/5"))
    #expect(plain.youngestCertificate == nil)
  }

  @Test func `certificates are held against the time that is given, not against the clock`() {
    let url = TLSServer.good.url("/bytes/5")
    for (seconds, reason) in [
      (0, .notYetValid), (4_000_000_000, .expired), (9_000_000_000, .expired),
    ] as [(Int64, CertificateFailure)] {
      var other = options()
      other.validity = ValidityTime(seconds: seconds, isCertain: true)
      #expect(fetch(url, other) == .failed(.certificate(url: url.text, reason)))
    }
  }

  @Test func `a certificate that was chosen as root is enough`() {
    let server = TLSServer.Server("self")
    #expect(fetch(server.url("/bytes/5"), options(ca: "self.pem")) == .body(FaultServer.content(5)))
  }

  @Test func `without a CA file the system's roots count`() {
    let url = TLSServer.good.url("/bytes/5")
    guard case .failed(let error)? = fetch(url, options(ca: nil)) else {
      Issue.record("believed")
      return
    }
    let reasons: [TransportError] = [
      .certificate(url: url.text, .unknownAuthority), .noTrustRoots,
    ]
    #expect(reasons.contains(error))
  }

  @Test func `a refused certificate is not asked about twice`() {
    let server = TLSServer.Server("stranger")
    var patient = options()
    patient.retriesMax = 3
    patient.retryDelayMilliseconds = 20_000
    let start = Date()
    _ = fetch(server.url("/bytes/5"), patient)
    #expect(Date().timeIntervalSince(start) < 10)
  }

  // MARK: Versions

  @Test func `TLS 1.1 is refused`() {
    let server = TLSServer.Server("good", ["--tls", "1.1"])
    let url = server.url("/bytes/5")
    #expect(fetch(url, options()) == .failed(.handshake(url: url.text, .version)))
  }

  @Test(arguments: [("1.2", "TLSv1.2"), ("any", "TLSv1.3")])
  func `TLS 1.2 and 1.3 are spoken, and sessions are taken up again`(
    version: String, name: String
  ) throws {
    let server = TLSServer.Server("good", ["--tls", version])
    let client = try HTTPClient(options())
    for _ in 0..<3 {
      let collector = client.fetch(server.url("/goodbye"))
      #expect(collector.results[0] == .body(Array("bye".utf8)))
    }
    let log = server.log("TLS", options()).prefix(3)
    #expect(log.count == 3)
    #expect(log.allSatisfy { $0.contains(name) })
    #expect(log.map { $0.contains("\"resumed\": true") } == [false, true, true])
  }

  @Test func `a server that does not speak TLS is told as such`() {
    let url = FaultServer.shared.url("/bytes/5", scheme: "https")
    #expect(fetch(url, options()) == .failed(.handshake(url: url.text, .notTLS)))
  }

  // MARK: Client certificates

  @Test func `a client shows its certificate`() {
    var options = options()
    options.certificateFile = certificates.path("client.pem")
    options.privateKeyFile = certificates.path("client.key")
    let url = TLSServer.demanding.url("/bytes/5")
    #expect(fetch(url, options) == .body(FaultServer.content(5)))
  }

  @Test(arguments: ["any", "1.2"])
  func `a lack of it is told`(version: String) {
    let server = TLSServer.Server(
      "good", ["--client-ca", certificates.path("ca.pem"), "--tls", version])
    let url = server.url("/bytes/5")
    let expected: HandshakeFailure = version == "any" ? .certificateRequired : .alert(40)
    #expect(fetch(url, options()) == .failed(.handshake(url: url.text, expected)))
  }

  @Test func `so is one that the server does not know`() {
    var options = options()
    options.certificateFile = certificates.path("intruder.pem")
    options.privateKeyFile = certificates.path("intruder.key")
    let url = TLSServer.demanding.url("/bytes/5")
    #expect(fetch(url, options) == .failed(.handshake(url: url.text, .certificateRefused)))
  }

  @Test func `the client certificate is not shown where a redirect leads`() {
    let first = TLSServer.good
    let second = TLSServer.demanding
    var options = options()
    options.certificateFile = certificates.path("client.pem")
    options.privateKeyFile = certificates.path("client.key")
    let target = second.url("/bytes/5").text
    let url = first.url("/to/302?\(target)")
    #expect(
      fetch(url, options) == .failed(.handshake(url: target, .certificateRequired)))
  }

  @Test func `the trust roots are the same where a redirect leads`() {
    var options = options()
    options.certificateFile = certificates.path("client.pem")
    options.privateKeyFile = certificates.path("client.key")
    let good = TLSServer.good.url("/bytes/5", host: "127.0.0.1").text
    #expect(
      fetch(TLSServer.demanding.url("/to/302?\(good)"), options)
        == .body(FaultServer.content(5)))
    let stranger = TLSServer.Server("stranger")
    let refused = stranger.url("/bytes/5").text
    #expect(
      fetch(TLSServer.demanding.url("/to/302?\(refused)"), options)
        == .failed(.certificate(url: refused, .unknownAuthority)))
    withExtendedLifetime(stranger) {}
  }

  @Test func `a redirect from https to http is refused`() {
    let target = FaultServer.shared.url("/bytes/5").text
    let url = TLSServer.good.url("/to/302?\(target)")
    #expect(
      fetch(url, options()) == .failed(.insecureRedirect(url: url.text, to: target)))
  }

  @Test(
    arguments: [
      ("missing.pem", "client.key", "missing.pem", .missing),
      ("client.pem", "missing.key", "missing.key", .missing),
      ("empty.pem", "client.key", "empty.pem", .malformed),
      ("client.pem", "empty.pem", "empty.pem", .malformed),
      ("client.pem", "good.key", "good.key", .mismatch),
      ("client.pem", "locked.key", "locked.key", .encrypted),
      ("client.pem", nil, "client.pem", .incomplete),
      (nil, "client.key", "client.key", .incomplete),
      (".", "client.key", ".", .unreadable),
    ] as [(String?, String?, String, IdentityFailure)])
  func `wrong files are told before anything is fetched`(
    certificate: String?, key: String?, file: String, what: IdentityFailure
  ) {
    var options = options()
    options.certificateFile = certificate.map { certificates.path($0) }
    options.privateKeyFile = key.map { certificates.path($0) }
    let result = Result { () throws(TransportError) in _ = try HTTPClient(options) }
    guard case .failure(let error) = result else {
      Issue.record("accepted")
      return
    }
    #expect(error == .identity(path: certificates.path(file), what))
  }

  @Test(
    arguments: [("missing.pem", .missing), ("empty.pem", .malformed)]
      as [(String, IdentityFailure)])
  func `so is a wrong CA file`(file: String, what: IdentityFailure) {
    let options = options(ca: file)
    let result = Result { () throws(TransportError) in _ = try HTTPClient(options) }
    guard case .failure(let error) = result else {
      Issue.record("accepted")
      return
    }
    #expect(error == .identity(path: certificates.path(file), what))
  }

  // MARK: Broken connections

  @Test(arguments: ["cut", "cut-reset"])
  func `a broken TLS connection is taken up where it broke`(way: String) {
    var options = options()
    options.retriesMax = 3
    let url = TLSServer.good.url("/\(way)/100000/20000")
    #expect(fetch(url, options) == .body(FaultServer.content(100_000)))
  }

  @Test func `a body without a length needs TLS to say that it is whole`() {
    #expect(
      fetch(TLSServer.good.url("/until-close/5000"), options())
        == .body(FaultServer.content(5000)))
    let url = TLSServer.good.url("/until-close-cut/5000")
    #expect(fetch(url, options()) == .failed(.closed(url: url.text, receivedBytes: 5000)))
  }

  @Test func `requests are sent ahead over TLS as well`() throws {
    let server = TLSServer.good
    let requests = (0..<200).map {
      TransferRequest(
        server.url("/bytes/\($0 * 100)?tls"), tag: UInt64($0), limitBytes: 1 << 20,
        allowsPipelining: true)
    }
    let collector = Collector(requests)
    try HTTPClient(options()).run(server.url("/"), collector)
    for index in 0..<200 {
      #expect(collector.results[UInt64(index)] == .body(FaultServer.content(index * 100)))
    }
  }
}
