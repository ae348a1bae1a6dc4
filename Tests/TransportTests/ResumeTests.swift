// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Transport

/// Broken connections, and how transfers go on after them.
@Suite struct ResumeTests {
  let server = FaultServer.shared
  let client = try! HTTPClient(.quick)

  @Test(arguments: ["cut", "cut-reset"])
  func `a broken connection is taken up where it broke`(way: String) {
    // Each connection gives 20,000 bytes: with progress, retries do not run out.
    let path = "/\(way)/100000/20000"
    let collector = client.fetch(server.url(path))
    #expect(collector.results[0] == .body(FaultServer.content(100_000)))
    #expect(collector.begins == 1)
    #expect(collector.restarts == 0)
    let log = server.log(path)
    #expect(log.count >= 5)
    #expect(log.dropFirst().allSatisfy { $0.contains("\"if-range\": \"\\\"v1\\\"\"") })
    if way == "cut" { #expect(log.count == 5 && log[4].contains("bytes=80000-")) }
  }

  @Test func `without progress retries run out`() {
    let path = "/cut/100/0"
    let collector = client.fetch(server.url(path))
    let url = server.url(path).text
    #expect(collector.results[0] == .failed(.closed(url: url, receivedBytes: 0)))
    #expect(server.log(path).count == 4)
    // Crumbs are not progress.
    let crumbs = client.fetch(server.url("/cut/100000/10"))
    #expect(
      crumbs.results[0]
        == .failed(.closed(url: server.url("/cut/100000/10").text, receivedBytes: 40)))
  }

  @Test func `a server without ranges sends all of it again`() {
    let collector = client.fetch(server.url("/cut-without-range/50000/30000"))
    #expect(collector.results[0] == .body(FaultServer.content(50_000)))
    #expect(collector.restarts == 1)
    #expect(collector.begins == 2)
  }

  @Test func `a file that changed is fetched anew`() {
    let collector = client.fetch(server.url("/cut-changed/50000/30000"))
    #expect(collector.results[0] == .body(FaultServer.content(50_000, version: 2)))
    #expect(collector.restarts == 1)
  }

  @Test func `a part of another version is never put behind the first`() {
    let collector = client.fetch(server.url("/cut-lying/50000/30000"))
    #expect(collector.results[0] == .body(FaultServer.content(50_000, version: 2)))
    #expect(collector.restarts == 1)
  }

  @Test func `without a validator only content named by its checksum is resumed`() {
    let plain = client.fetch(server.url("/cut-no-validator/50000/30000?a"))
    #expect(plain.results[0] == .body(FaultServer.content(50_000)))
    #expect(plain.restarts == 1)
    let named = Collector([
      TransferRequest(
        server.url("/cut-no-validator/50000/30000?b"), limitBytes: 50_000, allowsPipelining: true)
    ])
    client.run(server.url("/"), named)
    #expect(named.results[0] == .body(FaultServer.content(50_000)))
    #expect(named.restarts == 0)
  }

  @Test func `a wrong range is refused`() {
    let collector = client.fetch(server.url("/wrong-range/50000/30000"))
    let url = server.url("/wrong-range/50000/30000").text
    #expect(collector.results[0] == .failed(.malformed(url: url, .contentRange)))
    #expect((collector.bodies[0] ?? []) == Array(FaultServer.content(50_000)[..<30_000]))
  }

  @Test func `parts shorter than asked for are put together`() {
    let collector = client.fetch(server.url("/stingy/50000/9000"))
    #expect(collector.results[0] == .body(FaultServer.content(50_000)))
    let tiny = client.fetch(server.url("/stingy/50000/9"))
    guard case .failed(.closed)? = tiny.results[0] else {
      Issue.record("tiny parts without end: \(String(describing: tiny.results[0]))")
      return
    }
  }

  @Test func `chunks cut short are not a body`() {
    let url = server.url("/chunked-cut")
    let collector = client.fetch(url)
    #expect(collector.results[0] == .failed(.closed(url: url.text, receivedBytes: 5)))
  }

  // MARK: From a former run

  @Test func `a later run goes on from where the first one ended`() {
    let collector = client.fetch(server.url("/bytes/50000"), startOffset: 20000, ifRange: "\"v1\"")
    #expect(collector.results[0] == .body(Array(FaultServer.content(50_000)[20000...])))
    #expect(collector.restarts == 0)
    #expect(collector.infos[0]?.expectedBytes == 50_000)
  }

  @Test func `unless the file has changed`() {
    let collector = client.fetch(server.url("/bytes/50000"), startOffset: 20000, ifRange: "\"v0\"")
    #expect(collector.results[0] == .body(FaultServer.content(50_000)))
    #expect(collector.restarts == 1)
  }

  @Test func `nothing is left to fetch of a complete file`() {
    let collector = client.fetch(server.url("/bytes/50000"), startOffset: 50_000, ifRange: "\"v1\"")
    #expect(collector.results[0] == .body([]))
    #expect(collector.begins == 1)
    #expect(collector.restarts == 0)
  }

  @Test func `a file that became shorter is fetched anew`() {
    let collector = client.fetch(server.url("/bytes/50000"), startOffset: 60_000, ifRange: "\"v1\"")
    #expect(collector.results[0] == .body(FaultServer.content(50_000)))
    #expect(collector.restarts == 1)
  }

  @Test func `the limit counts what was there before`() {
    let url = server.url("/bytes/50000")
    let collector = client.fetch(url, limit: 40_000, startOffset: 20_000, ifRange: "\"v1\"")
    #expect(collector.results[0] == .failed(.tooLarge(url: url.text, limitBytes: 40_000)))
  }
}
