// SPDX-License-Identifier: Apache-2.0
import Foundation
import Support
import Testing

@testable import Transport

/// HTTP/2 against a server of our own, which does as it is told, and against nginx.
@Suite struct HTTP2Tests {
  let server = StreamServer.shared

  func expectBodies(_ collector: Collector, _ count: Int, _ bytes: (Int) -> Int) {
    for index in 0..<count {
      let body = FaultServer.content(bytes(index))
      #expect(collector.results[UInt64(index)] == .body(body), "request \(index)")
    }
  }

  // MARK: The choice

  @Test(
    arguments: [
      ("h2,http/1.1", true, "h2"), ("http/1.1", true, "http/1.1"), ("", true, "None"),
      ("h2,http/1.1", false, "http/1.1"), ("h2", true, "h2"),
    ])
  func `the server chooses from what is offered`(
    protocols: String, offersHTTP2: Bool, chosen: String
  ) throws {
    let server = StreamServer(["--protocols", protocols])
    var options = StreamServer.options
    options.offersHTTP2 = offersHTTP2
    let client = try HTTPClient(options)
    let collector = client.fetch(server.url("/bytes/70000"))
    #expect(collector.results[0] == .body(FaultServer.content(70_000)))
    #expect(server.log("ALPN").first?.contains("ALPN \(chosen)") == true)
    let isHTTP2 = chosen == "h2"
    #expect(client.spokenProtocol(with: server.base) == (isHTTP2 ? .http2(streams: 128) : .http1))
    #expect(client.connections(to: server.base, wanted: 6) == (isHTTP2 ? 3 : 6))
  }

  @Test func `plain http is HTTP 1`() throws {
    let client = try HTTPClient(.quick)
    let url = FaultServer.shared.url("/bytes/5")
    #expect(client.connections(to: url, wanted: 6) == 6)
    #expect(client.fetch(url).results[0] == .body(FaultServer.content(5)))
    #expect(client.spokenProtocol(with: url) == .http1)
  }

  @Test func `sessions are taken up again`() throws {
    let server = StreamServer(["--requests", "1"])
    let client = try HTTPClient(StreamServer.options)
    for index in 0..<3 {
      #expect(
        client.fetch(server.url("/bytes/\(index)")).results[0]
          == .body(FaultServer.content(index)))
    }
    let log = server.log("ALPN h2").prefix(3)
    #expect(log.map { $0.contains("\"resumed\": true") } == [false, true, true])
  }

  @Test func `a client certificate is shown`() throws {
    let certificates = Certificates.shared
    let server = StreamServer(["--client-ca", certificates.path("ca.pem")])
    var options = StreamServer.options
    options.certificateFile = certificates.path("client.pem")
    options.privateKeyFile = certificates.path("client.key")
    #expect(try server.fetch("/bytes/5", options) == .body(FaultServer.content(5)))
    let refused = try server.fetch("/bytes/5")
    #expect(
      refused == .failed(.handshake(url: server.url("/bytes/5").text, .certificateRequired)))
  }

  // MARK: Many at once

  @Test(arguments: [[], ["--mix", "700"], ["--streams", "3"], ["--streams", "1", "--mix", "10"]])
  func `many requests share a connection`(arguments: [String]) throws {
    let server = StreamServer(arguments)
    let count = 300
    let collector = try server.run(server.requests(count) { "/bytes/\($0 * 7)?shared" })
    expectBodies(collector, count) { $0 * 7 }
    #expect(collector.begins == count && collector.restarts == 0)
    let log = server.log("shared")
    #expect(log.count == count)
    #expect(Set(log.map { $0.contains("\"connection\": 1") }) == [true])
    if let limit = arguments.first.flatMap({ $0 == "--streams" ? Int(arguments[1]) : nil }) {
      let open = log.compactMap { $0.firstMatch(of: /"open": (\d+)/).flatMap { Int($0.1) } }
      // Before the server has said how many it takes, a hundred are sent.
      #expect(open.suffix(count - 128).allSatisfy { $0 <= limit })
    }
  }

  @Test(arguments: [0, 16_384, 3])
  func `bodies far beyond the windows come whole`(mix: Int) throws {
    let server = StreamServer(["--mix", "\(mix)"])
    let bytes = mix == 3 ? 20_000 : 3_000_000
    let collector = try server.run(
      server.requests(5) { $0 < 3 ? "/bytes/\(bytes)" : "/unsized/\(bytes)" })
    expectBodies(collector, 5) { _ in bytes }
    #expect(collector.largestPiece <= Connection.bufferByteCount)
  }

  @Test func `a server that mixes more than we hold is asked for less`() throws {
    let server = StreamServer(["--mix", "1000"])
    let collector = try server.run(server.requests(100) { "/bytes/\(90_000 + $0)?mixed" })
    expectBodies(collector, 100) { 90_000 + $0 }
    #expect(collector.bodiesAtOnceMax <= HTTP2Limits.bodiesMax + 1)
    // Some were put off before anything of them was handed on.
    #expect(collector.begins == 100 && collector.restarts == 0)
    #expect(server.log("mixed").count > 100)
  }

  @Test func `a body that nobody wants is cut off`() throws {
    let collector = Collector(
      server.requests(3) { $0 == 1 ? "/bytes/5000000?unwanted" : "/bytes/100" })
    collector.abandons = [1]
    try HTTPClient(StreamServer.options).run(server.base, collector)
    #expect(collector.results[0] == .body(FaultServer.content(100)))
    #expect(collector.results[2] == .body(FaultServer.content(100)))
    #expect(collector.results[1] == nil)
    #expect(server.log("RST /bytes/5000000?unwanted").count == 1)
  }

  // MARK: Answers mean the same

  @Test func `statuses, limits and conditions are those of HTTP 1`() throws {
    let client = try HTTPClient(StreamServer.options)
    func error(_ path: String, limit: UInt64 = 1 << 20) -> TransportError? {
      guard case .failed(let error)? = client.fetch(server.url(path), limit: limit).results[0]
      else { return nil }
      return error
    }
    let url = { self.server.url($0).text }
    #expect(error("/always/404") == .notFound(url: url("/always/404"), status: 404))
    #expect(error("/always/401") == .unauthorised(url: url("/always/401"), status: 401))
    #expect(error("/always/400") == .status(url: url("/always/400"), 400))
    #expect(error("/always/503") == .status(url: url("/always/503"), 503))
    #expect(client.fetch(server.url("/once/503")).results[0] == .body(Array("at last".utf8)))
    for path in ["/bytes/5000", "/unsized/5000"] {
      #expect(error(path, limit: 4999) == .tooLarge(url: url(path), limitBytes: 4999))
      #expect(error(path, limit: 5000) == nil)
    }
    let conditions = Conditions(etag: "\"v1\"")
    let known = try client.get(
      server.url("/conditional"), limitBytes: 10, conditions: conditions)
    #expect(known == .notModified)
    #expect(client.fetch(server.url("/interim/3")).results[0] == .body(Array("finally".utf8)))
    #expect(client.fetch(server.url("/trailers/500")).results[0] == .body(FaultServer.content(500)))
  }

  @Test func `redirects are followed, credentials stay at home`() throws {
    var options = StreamServer.options
    options.extraHeaders = [HTTPHeader("X-Secret", "word")!]
    let other = StreamServer()
    let client = try HTTPClient(options)
    let home = HTTPURL("https://user:password@localhost:\(server.base.port)/echo")!
    let seen = String(decoding: try #require(client.fetch(home).bodies[0]), as: UTF8.self)
    #expect(seen.contains("\"authorization\": \"Basic \"") == false)
    #expect(seen.contains("authorization") && seen.contains("x-secret"))
    let away = HTTPURL(
      "\(home.text)".replacing("/echo", with: "/to/302?\(other.url("/echo").text)"))!
    let there = String(decoding: try #require(client.fetch(away).bodies[0]), as: UTF8.self)
    #expect(!there.contains("authorization") && !there.contains("x-secret"))
    let plain = FaultServer.shared.url("/bytes/5").text
    let down = server.url("/to/302?\(plain)")
    #expect(
      client.fetch(down).results[0] == .failed(.insecureRedirect(url: down.text, to: plain)))
    let many = Collector(server.requests(20) { "/to/307?/bytes/\($0)" })
    client.run(server.base, many)
    expectBodies(many, 20) { $0 }
  }

  @Test func `something can be handed in`() throws {
    let client = try HTTPClient(StreamServer.options)
    for count in [0, 10, 300_000] {
      let body = FaultServer.content(count)
      let submission = Submission.put(body, contentType: "text/plain")
      let answer = try client.send(submission, to: server.url("/take"), limitBytes: 100)
      #expect(answer == Answer(status: 200, bytes: Array("PUT \(count)".utf8)))
    }
  }

  @Test func `the rate limit holds`() throws {
    var options = StreamServer.options
    options.limitRateBytesPerSecond = 1_000_000
    let start = Date()
    let collector = try server.run(server.requests(20) { _ in "/bytes/100000?rate" }, options)
    expectBodies(collector, 20) { _ in 100_000 }
    let seconds = Date().timeIntervalSince(start)
    // The budget of the first tenth of a second is free; the machine may be busy.
    #expect(seconds > 1.85, "\(seconds)")
  }

  @Test func `nginx, with few requests for each connection`() throws {
    let folder = try TemporaryDirectory("served")
    for index in 0..<100 { try folder.write("content of \(index)", to: "small\(index)") }
    let certificates = Certificates.shared
    let web = try WebServer(
      folder.path,
      tls: [
        "ssl_certificate \(certificates.path("good.pem"));",
        "ssl_certificate_key \(certificates.path("good.key"));",
      ], extra: ["keepalive_requests 37;"], http2: true)
    var options = StreamServer.options
    options.retriesMax = 0
    let client = try HTTPClient(options)
    let base = HTTPURL(web.namedURL)!
    let collector = Collector(
      (0..<500).map {
        TransferRequest(
          base.appending("small\($0 % 100)"), tag: UInt64($0), limitBytes: 100,
          allowsPipelining: true)
      })
    client.run(base, collector)
    for index in 0..<500 {
      #expect(collector.results[UInt64(index)] == .body(Array("content of \(index % 100)".utf8)))
    }
    #expect(client.spokenProtocol(with: base) == .http2(streams: 128))
  }
}
