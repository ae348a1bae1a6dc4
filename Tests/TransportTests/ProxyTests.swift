// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Transport

@Suite struct ProxyTests {
  static func proxy(_ variables: [String: String], for url: String) throws -> String? {
    let settings = ProxySettings(.environment) { variables[$0] }
    return try settings.proxy(for: HTTPURL(url)!.origin)?.url.authority
  }

  @Test func `each scheme has its variable`() throws {
    let variables = ["http_proxy": "a:1", "https_proxy": "http://b:2/"]
    #expect(try Self.proxy(variables, for: "http://h/") == "a:1")
    #expect(try Self.proxy(variables, for: "https://h/") == "b:2")
    #expect(try Self.proxy([:], for: "http://h/") == nil)
    #expect(try Self.proxy(["http_proxy": ""], for: "http://h/") == nil)
  }

  @Test func `upper case is read, but not where a web server could have set it`() throws {
    #expect(try Self.proxy(["HTTPS_PROXY": "b:2"], for: "https://h/") == "b:2")
    #expect(try Self.proxy(["HTTP_PROXY": "a:1"], for: "http://h/") == nil)
    let both = ["https_proxy": "", "HTTPS_PROXY": "b:2"]
    #expect(try Self.proxy(both, for: "https://h/") == nil)
  }

  @Test(arguments: [
    ("*", "http://any.org/", true),
    ("example.org", "http://example.org/", true),
    ("example.org", "http://sub.example.org/", true),
    (".example.org", "http://example.org/", true),
    ("example.org", "http://badexample.org/", false),
    ("EXAMPLE.org", "http://example.ORG/", true),
    ("a.org, b.org c.org", "http://c.org/", true),
    ("a.org,b.org", "http://c.org/", false),
    ("example.org:8080", "http://example.org:8080/", true),
    ("example.org:8080", "http://example.org/", false),
    ("127.0.0.1", "http://127.0.0.1/", true),
    ("0.0.1", "http://127.0.0.1/", false),
    ("192.0.2.0/24", "http://192.0.2.77/", true),
    ("192.0.2.0/24", "http://192.0.3.77/", false),
    ("192.0.2.128/25", "http://192.0.2.127/", false),
    ("0.0.0.0/0", "http://192.0.2.1/", true),
    ("::1", "http://[::1]/", true),
    ("[::1]:81", "http://[::1]:81/", true),
    ("2001:db8::/32", "http://[2001:db8:1::5]/", true),
    ("2001:db8::/32", "http://[2001:db9::5]/", false),
    ("2001:db8::/32", "http://example.org/", false),
    ("192.0.2.0/33", "http://192.0.2.0/", false),
  ])
  func `no_proxy names what is reached directly`(list: String, url: String, isDirect: Bool) throws {
    let found = try Self.proxy(["http_proxy": "p:1", "no_proxy": list], for: url)
    #expect((found == nil) == isDirect)
  }

  @Test func `a proxy that is not http is refused, without telling its password`() {
    for text in ["https://u:secret@p:1", "socks5://u:secret@p:1", "u:secret@p:99999"] {
      let result = Result { () throws(TransportError) in
        try ProxySettings(.environment) { $0 == "http_proxy" ? text : nil }
          .proxy(for: HTTPURL("http://h/")!.origin)
      }
      let shown = text.hasSuffix("p:1") ? "p:1" : "p:99999"
      #expect(result == .failure(.proxy(address: shown, .address)))
    }
  }

  @Test func `a proxy in the options keeps its password`() throws {
    let settings = ProxySettings(.url(HTTPURL("http://us%2Fer:p%40ss@p:1")!))
    let found = try settings.proxy(for: HTTPURL("https://h/")!.origin)
    #expect(found?.url.credentials == "us/er:p@ss")
    #expect(found?.text == "p:1")
  }
}

/// Transfers through a proxy that listens.
@Suite struct ProxyTransferTests {
  let proxy = FaultServer.shared

  func client(_ credentials: String = "", proxy: FaultServer? = nil) throws -> HTTPClient {
    var options = TransportOptions.quick
    options.proxy = .url(HTTPURL("http://\(credentials)127.0.0.1:\((proxy ?? self.proxy).port)")!)
    return try HTTPClient(options)
  }

  @Test func `a plain request names the whole URL to the proxy`() throws {
    let fetched = try client().get(HTTPURL("http://nowhere.test/a?b")!, limitBytes: 100)
    let said = "by proxy: http://nowhere.test/a?b"
    #expect(fetched == .body(Array(said.utf8), conditions: Conditions()))
  }

  @Test func `credentials go to the proxy, and a lack of them is told`() throws {
    let strict = FaultServer(["--proxy-credentials", "us er:p@ss"])
    let url = HTTPURL("http://nowhere.test/a")!
    let good = try client("us%20er:p%40ss@", proxy: strict)
    guard case .body = try good.get(url, limitBytes: 100) else {
      Issue.record("no body")
      return
    }
    let bad = try client(proxy: strict)
    let result = Result { () throws(TransportError) in try bad.get(url, limitBytes: 100) }
    let address = "127.0.0.1:\(strict.port)"
    #expect(result == .failure(.proxy(address: address, .credentials)))
    let secure = Result { () throws(TransportError) in
      try bad.get(HTTPURL("https://nowhere.test/a")!, limitBytes: 100)
    }
    #expect(secure == .failure(.proxy(address: address, .credentials)))
  }

  @Test func `https goes through a tunnel`() throws {
    let server = TLSServer.good
    var options = TransportOptions.quick
    options.caFile = Certificates.shared.path("ca.pem")
    options.proxy = .url(HTTPURL("http://127.0.0.1:\(proxy.port)")!)
    let client = try HTTPClient(options)
    let fetched = try client.get(server.url("/bytes/50000?tunnel"), limitBytes: 50_000)
    #expect(fetched == .body(FaultServer.content(50_000), conditions: Conditions(etag: "\"v1\"")))
    #expect(!proxy.log("CONNECT localhost:\(server.port)").isEmpty)
  }

  @Test func `a proxy that refuses or talks too much is told apart from the server`() throws {
    let address = "127.0.0.1:\(proxy.port)"
    var options = TransportOptions.quick
    options.retriesMax = 1
    options.caFile = Certificates.shared.path("ca.pem")
    options.proxy = .url(HTTPURL("http://\(address)")!)
    let client = try HTTPClient(options)
    let refused = Result { () throws(TransportError) in
      try client.get(HTTPURL("https://refused.test/")!, limitBytes: 1)
    }
    #expect(refused == .failure(.proxy(address: address, .status(502))))
    let chatty = Result { () throws(TransportError) in
      try client.get(HTTPURL("https://chatty.test/")!, limitBytes: 1)
    }
    #expect(chatty == .failure(.proxy(address: address, .malformed(.unsolicited))))
  }
}
