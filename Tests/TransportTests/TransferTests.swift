// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import Transport

/// Plain HTTP: bodies, statuses, redirects, limits.
@Suite struct TransferTests {
  let server = FaultServer.shared
  let client = try! HTTPClient(.quick)

  func get(_ path: String, limit: Int = 1 << 20) -> Result<Fetched, TransportError> {
    Result { () throws(TransportError) in try client.get(server.url(path), limitBytes: limit) }
  }

  func text(_ text: String) -> Result<Fetched, TransportError> {
    .success(.body(Array(text.utf8), conditions: Conditions()))
  }

  @Test(arguments: [0, 1, 32768, 100_000, 3_000_000])
  func `a body with a length comes whole`(count: Int) {
    let body = Fetched.body(FaultServer.content(count), conditions: Conditions(etag: "\"v1\""))
    #expect(get("/bytes/\(count)", limit: 3_000_000) == .success(body))
  }

  @Test(arguments: [0, 999, 1000, 1001, 100_000])
  func `a body in chunks comes whole`(count: Int) {
    let body = Fetched.body(FaultServer.content(count), conditions: Conditions())
    #expect(get("/chunked/\(count)") == .success(body))
  }

  @Test func `a body that ends with the connection comes whole and says so`() {
    let collector = client.fetch(server.url("/until-close/70000"))
    #expect(collector.results[0] == .body(FaultServer.content(70000)))
    #expect(collector.infos[0]?.endsWithConnection == true)
    #expect(client.fetch(server.url("/bytes/7")).infos[0]?.endsWithConnection == false)
  }

  @Test func `pieces are no larger than the buffer`() {
    let collector = client.fetch(server.url("/bytes/3000000"))
    #expect(collector.results[0] == .body(FaultServer.content(3_000_000)))
    #expect(collector.largestPiece <= 32 << 10)
    #expect(collector.infos[0]?.expectedBytes == 3_000_000)
    #expect(collector.infos[0]?.validator == "\"v1\"")
  }

  @Test func `requests follow one another on one connection`() throws {
    let requests = (0..<20).map {
      TransferRequest(server.url("/bytes/\($0)?same"), tag: UInt64($0), limitBytes: 100)
    }
    let collector = Collector(requests)
    client.run(server.url("/"), collector)
    for index in 0..<20 {
      #expect(collector.results[UInt64(index)] == .body(FaultServer.content(index)))
    }
    let connections = Set(server.log("?same").map { $0.split(separator: ",")[0] })
    #expect(connections.count == 1)
  }

  @Test func `one small file after the other shares a connection, too`() {
    for index in 0..<5 { _ = get("/bytes/5?solo\(index)") }
    let connections = Set(server.log("?solo").map { $0.split(separator: ",")[0] })
    #expect(connections.count == 1)
  }

  @Test func `interim responses are skipped, but not without end`() {
    #expect(get("/interim/16") == text("finally"))
    let url = server.url("/interim/17").text
    #expect(get("/interim/17") == .failure(.malformed(url: url, .tooManyInterimResponses)))
  }

  @Test func `what the request says arrives`() throws {
    var options = TransportOptions.quick
    options.userAgent = "coppice/1.2\r\nEvil: yes"
    options.extraHeaders = [HTTPHeader("X-Board", "imx6")!]
    let url = HTTPURL("http://user:p%40ss@127.0.0.1:\(server.port)/echo")!
    let fetched = try HTTPClient(options).get(url, limitBytes: 10_000)
    guard case .body(let bytes, _) = fetched else { return }
    let headers = try JSONDecoder().decode([String: String].self, from: Data(bytes))
    #expect(
      headers == [
        "host": "127.0.0.1:\(server.port)", "user-agent": "coppice/1.2Evil: yes",
        "accept": "*/*", "accept-encoding": "identity", "x-board": "imx6",
        "authorization": "Basic dXNlcjpwQHNz",
      ])
  }

  @Test func `a header that could end the line is none`() {
    #expect(HTTPHeader("X-A", "b\r\nEvil: yes") == nil)
    #expect(HTTPHeader("X A", "b") == nil)
    #expect(HTTPHeader("", "b") == nil)
  }

  // MARK: Conditions

  @Test func `an unchanged file is not sent again`() throws {
    let url = server.url("/conditional")
    let time = "Sun, 06 Nov 1994 08:49:37 GMT"
    let first = try client.get(url, limitBytes: 100, conditions: Conditions(etag: "\"v0\""))
    let conditions = Conditions(etag: "\"v1\"", lastModified: time)
    #expect(first == .body(Array("new".utf8), conditions: conditions))
    #expect(try client.get(url, limitBytes: 100, conditions: conditions) == .notModified)
  }

  @Test(arguments: ["Sun,%2006%20Nov%201994%2008:49:38%20GMT", "yesterday"])
  func `what may have changed within a second has no sure name`(date: String) throws {
    let first = try client.get(server.url("/conditional?\(date)"), limitBytes: 100)
    #expect(first == .body(Array("new".utf8), conditions: Conditions()))
  }

  @Test func `a 304 that nothing asked for is refused`() {
    let path = "/raw?" + Data("HTTP/1.1 304 Not Modified\r\n\r\n".utf8).base64EncodedString()
    #expect(get(path) == .failure(.malformed(url: server.url(path).text, .status)))
  }

  // MARK: Statuses

  @Test(arguments: [404, 410])
  func `what is not there is its own case`(status: Int) {
    let path = "/always/\(status)"
    #expect(get(path) == .failure(.notFound(url: server.url(path).text, status: status)))
  }

  @Test(arguments: [401, 403])
  func `so is what is not for us`(status: Int) {
    let path = "/always/\(status)"
    #expect(get(path) == .failure(.unauthorised(url: server.url(path).text, status: status)))
  }

  @Test(arguments: [201, 300, 400, 451])
  func `other statuses are told`(status: Int) {
    let path = "/always/\(status)"
    #expect(get(path) == .failure(.status(url: server.url(path).text, status)))
    #expect(server.log(path).count == 1)
  }

  @Test(arguments: [408, 429, 500, 503])
  func `a busy server is asked again, so often and no more`(status: Int) {
    #expect(get("/once/\(status)?a") == text("at last"))
    let path = "/always/\(status)?b"
    #expect(get(path) == .failure(.status(url: server.url(path).text, status)))
    #expect(server.log(path).count == 4)
  }

  @Test func `Retry-After is waited for`() {
    let start = Date()
    #expect(get("/once/429/1") == text("at last"))
    #expect(Date().timeIntervalSince(start) >= 1)
  }

  // MARK: Redirects

  @Test(arguments: [301, 302, 303, 307, 308])
  func `redirects are followed, also to another origin`(status: Int) {
    let other = server.url("/redirect/3", host: "localhost").text
    #expect(get("/to/\(status)?\(other)") == text("arrived"))
  }

  @Test func `redirects have a limit`() {
    #expect(get("/redirect/10") == text("arrived"))
    let url = server.url("/redirect/11").text
    #expect(get("/redirect/11") == .failure(.redirects(url: url)))
    #expect(get("/loop?a") == .failure(.redirects(url: server.url("/loop?a").text)))
  }

  @Test func `a redirect to something else than http is refused`() {
    for target in ["file:///etc/passwd", "ftp://h/", "http://", ""] {
      let path = "/to/302?\(target)"
      let expected: TransportError =
        target.isEmpty
        ? .redirects(url: server.url(path).text)
        : .malformed(url: server.url(path).text, .location)
      #expect(get(path) == .failure(expected))
    }
  }

  @Test func `credentials stay with the origin that they are for`() throws {
    var options = TransportOptions.quick
    options.extraHeaders = [HTTPHeader("X-Token", "secret")!]
    let elsewhere = server.url("/echo", host: "localhost").text
    let client = try HTTPClient(options)
    let url = HTTPURL("http://user:pass@127.0.0.1:\(server.port)/to/302?\(elsewhere)")!
    guard case .body(let bytes, _) = try client.get(url, limitBytes: 1000) else { return }
    let headers = try JSONDecoder().decode([String: String].self, from: Data(bytes))
    #expect(headers["host"] == "localhost:\(server.port)")
    #expect(headers["authorization"] == nil)
    #expect(headers["x-token"] == nil)
    // Within the origin they go along.
    let back = HTTPURL("http://user:pass@127.0.0.1:\(server.port)/to/302?/echo")!
    guard case .body(let own, _) = try client.get(back, limitBytes: 1000) else { return }
    let ownHeaders = try JSONDecoder().decode([String: String].self, from: Data(own))
    #expect(ownHeaders["authorization"] == "Basic dXNlcjpwYXNz")
    #expect(ownHeaders["x-token"] == "secret")
  }

  // MARK: Limits

  @Test func `a body that is announced too long is not begun`() {
    let collector = client.fetch(server.url("/bytes/1001"), limit: 1000)
    let url = server.url("/bytes/1001").text
    #expect(collector.results[0] == .failed(.tooLarge(url: url, limitBytes: 1000)))
    #expect(collector.begins == 0)
    #expect(client.fetch(server.url("/bytes/1000"), limit: 1000).results[0] != nil)
  }

  @Test func `endless data ends at the limit`() {
    let collector = client.fetch(server.url("/endless"), limit: 1_000_000)
    let url = server.url("/endless").text
    #expect(collector.results[0] == .failed(.tooLarge(url: url, limitBytes: 1_000_000)))
    #expect((collector.bodies[0] ?? []).count <= 1_000_000)
  }

  @Test func `an encoded body is refused`() {
    let text = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx"
    let path = "/raw?" + Data(text.utf8).base64EncodedString()
    let url = server.url(path).text
    #expect(get(path) == .failure(.malformed(url: url, .contentEncoding)))
  }

  @Test(
    arguments: [
      ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx", .ambiguousLength),
      ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZ\r\n", .chunkSize),
      ("HTTP/1.1 101 Switching\r\n\r\n", .status),
      ("HTTP/1.1 206 Partial\r\nContent-Range: bytes 0-0/1\r\nContent-Length: 1\r\n\r\nx", .status),
      ("HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n", .location),
      ("ICY 200 OK\r\n\r\n", .statusLine),
    ] as [(String, MalformedResponse)])
  func `a malformed response is refused at once`(text: String, what: MalformedResponse) {
    let path = "/raw?" + Data(text.utf8).base64EncodedString()
    #expect(get(path) == .failure(.malformed(url: server.url(path).text, what)))
    #expect(server.log(path).count == 1)
  }

  @Test func `bytes behind a body end the connection, and are not the next answer`() throws {
    let evil = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"
    let text = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok" + evil
    let path = "/raw?" + Data(text.utf8).base64EncodedString()
    #expect(get(path) == self.text("ok"))
    #expect(get("/redirect/0") == self.text("arrived"))
    let both = Collector([
      TransferRequest(server.url(path), tag: 0, limitBytes: 100),
      TransferRequest(server.url("/redirect/0"), tag: 1, limitBytes: 100),
    ])
    client.run(server.url("/"), both)
    #expect(both.results[1] == .body(Array("arrived".utf8)))
  }

  // MARK: Ends

  @Test func `an abandoned transfer leaves the others alone`() {
    for size in [1000, 2_000_000] {
      let requests = (0..<3).map {
        TransferRequest(server.url("/bytes/\(size)"), tag: $0, limitBytes: 1 << 30)
      }
      let collector = Collector(requests)
      collector.abandons = [1]
      client.run(server.url("/"), collector)
      #expect(collector.finishOrder == [0, 2])
      #expect(collector.results[1] == nil)
    }
  }

  @Test func `a handler that cancels is heard`() {
    let collector = Collector([
      TransferRequest(server.url("/slow/100"), tag: 0, limitBytes: 1000),
      TransferRequest(server.url("/bytes/5"), tag: 1, limitBytes: 1000),
    ])
    collector.cancelsAfterPieces = 1
    let start = Date()
    client.run(server.url("/"), collector)
    #expect(collector.results[0] == .failed(.interrupted))
    #expect(collector.results[1] == nil)
    #expect(Date().timeIntervalSince(start) < 9)
  }
}
