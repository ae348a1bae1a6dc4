// SPDX-License-Identifier: Apache-2.0
import Foundation
import Support
import Testing

@testable import Transport

/// Transfers from nginx, which most repos are served by.
@Suite struct NginxTests {
  let folder: TemporaryDirectory
  let content = FaultServer.content(1_000_000)

  init() throws {
    folder = try TemporaryDirectory("served")
    try Data(content).write(to: URL(fileURLWithPath: folder.file("large")))
    for index in 0..<100 { try folder.write("content of \(index)", to: "small\(index)") }
  }

  @Test func `requests sent ahead survive connections that nginx ends`() throws {
    let server = try WebServer(folder.path, extra: ["keepalive_requests 37;"])
    var options = TransportOptions.quick
    options.retriesMax = 0
    let client = try HTTPClient(options)
    let base = HTTPURL(server.url)!
    let collector = Collector(
      (0..<500).map {
        TransferRequest(
          base.appending("small\($0 % 100)"), tag: UInt64($0), limitBytes: 100,
          allowsPipelining: true)
      })
    client.run(base, collector)
    #expect(collector.finishOrder.count == 500)
    for index in 0..<500 {
      let expected = Array("content of \(index % 100)".utf8)
      #expect(collector.results[UInt64(index)] == .body(expected))
    }
    // It said so each time, and is still trusted.
    #expect(client.origins.allowsPipelining(base.origin))
  }

  @Test func `ranges and conditions are understood`() throws {
    // It stays new for as long as a busy machine takes.
    try mustRun("touch", "-d", "+1 hour", folder.file("large"))
    let server = try WebServer(folder.path)
    let client = try HTTPClient(.quick)
    let url = HTTPURL(server.url)!.appending("large")
    let first = client.fetch(url)
    #expect(first.results[0] == .body(content))
    let info = try #require(first.infos[0])
    let validator = try #require(info.validator)
    let rest = client.fetch(url, startOffset: 700_000, ifRange: validator)
    #expect(rest.results[0] == .body(Array(content[700_000...])))
    #expect(rest.restarts == 0)
    #expect(info.conditions == Conditions(), "written just now")
    try mustRun("touch", "-d", "2026-01-02", folder.file("large"))
    let conditions = try #require(client.fetch(url).infos[0]).conditions
    #expect(conditions.lastModified != nil && conditions.etag != nil)
    #expect(try client.get(url, limitBytes: 0, conditions: conditions) == .notModified)
  }

  @Test func `client certificates are asked for and shown`() throws {
    let certificates = Certificates.shared
    let server = try WebServer(
      folder.path,
      tls: [
        "ssl_certificate \(certificates.path("good.pem"));",
        "ssl_certificate_key \(certificates.path("good.key"));",
        "ssl_client_certificate \(certificates.path("ca.pem")); ssl_verify_client on;",
      ])
    let url = HTTPURL(server.namedURL)!.appending("large")
    var options = TransportOptions.quick
    options.caFile = certificates.path("ca.pem")
    // nginx shakes hands with anybody and then answers 400.
    #expect(
      try HTTPClient(options).fetch(url).results[0] == .failed(.status(url: url.text, 400)))
    options.certificateFile = certificates.path("client.pem")
    options.privateKeyFile = certificates.path("client.key")
    #expect(try HTTPClient(options).fetch(url).results[0] == .body(content))
  }
}
