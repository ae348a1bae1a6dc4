// SPDX-License-Identifier: Apache-2.0
import Foundation
import Support
import Testing

@testable import Transport

/// Requests with a body, and what comes of them on servers that misbehave.
@Suite struct SubmissionTests {
  let server = FaultServer.shared
  let client = try! HTTPClient(.quick)
  static let once = "at last"

  func put(_ path: String, _ bytes: [UInt8] = [1, 2, 3]) -> Result<Answer, TransportError> {
    send(path, .put(bytes, contentType: "application/json"))
  }

  func post(
    _ path: String, _ bytes: [UInt8] = [1, 2, 3], isIdempotent: Bool = false
  ) -> Result<Answer, TransportError> {
    send(path, .post(bytes, contentType: "application/json", isIdempotent: isIdempotent))
  }

  func send(_ path: String, _ submission: Submission) -> Result<Answer, TransportError> {
    Result { () throws(TransportError) in
      try client.send(submission, to: server.url(path), limitBytes: 16 << 20)
    }
  }

  func answer(
    _ text: String, _ status: Int = 200, isRepeated: Bool = false
  ) -> Result<Answer, TransportError> {
    .success(Answer(status: status, bytes: Array(text.utf8), isRepeated: isRepeated))
  }

  // MARK: What is sent

  @Test(arguments: [0, 1, 40_000, 3_000_000])
  func `a body arrives whole, and so does the answer`(count: Int) {
    let body = FaultServer.content(count)
    let expected = Result<Answer, TransportError>.success(Answer(status: 201, bytes: body))
    #expect(put("/take/201", body) == expected)
    #expect(post("/take/201", body) == expected)
  }

  @Test func `the head says what follows, and asks nobody to go on`() throws {
    guard case .success(let answer) = post("/echo?head") else { return }
    let headers = try JSONDecoder().decode([String: String].self, from: Data(answer.bytes))
    #expect(headers["content-type"] == "application/json")
    #expect(headers["content-length"] == "3")
    #expect(headers["expect"] == nil)
    #expect(headers["accept"] == "*/*")
    #expect(headers["transfer-encoding"] == nil)
    #expect(server.log("POST /echo?head").count == 1)
  }

  @Test func `a server that says to go on all the same is understood`() {
    #expect(post("/continue", Array("body".utf8)) == answer("body", 201))
  }

  @Test func `submissions follow one another on one connection`() {
    for index in 0..<5 { _ = put("/take/200?follow\(index)") }
    #expect(Set(server.log("?follow").map { $0.split(separator: ",")[0] }).count == 1)
  }

  // MARK: Statuses

  @Test(arguments: [200, 201, 300, 400, 401, 403, 404, 409, 410, 412, 413, 416, 451])
  func `every status is an answer with a body`(status: Int) {
    let path = "/take/\(status)?status\(status)"
    #expect(post(path, Array("why".utf8)) == answer("why", status))
    #expect(server.log(path).count == 1)
  }

  @Test func `an answer without a body is one, too`() {
    #expect(put("/take/204", []) == answer("", 204))
  }

  @Test(arguments: [408, 429, 500, 503])
  func `a busy server is asked again where that does no harm`(status: Int) {
    #expect(put("/once/\(status)?put") == answer(Self.once, isRepeated: true))
    #expect(
      post("/once/\(status)?twice", isIdempotent: true) == answer(Self.once, isRepeated: true))
    let path = "/once/\(status)?post"
    #expect(post(path) == .failure(.status(url: server.url(path).text, status)))
    #expect(server.log(path).count == 1)
  }

  @Test func `a server that stays busy is given up`() {
    let path = "/always/503?put"
    #expect(put(path) == .failure(.status(url: server.url(path).text, 503)))
    #expect(server.log(path).count == 4)
  }

  @Test func `an answer has its limit`() {
    let path = "/take/400?limit"
    let result = Result { () throws(TransportError) in
      let body = Submission.put(FaultServer.content(1001), contentType: "a/b")
      return try client.send(body, to: server.url(path), limitBytes: 1000)
    }
    let url = server.url(path).text
    #expect(result == .failure(.tooLarge(url: url, limitBytes: 1000)))
  }

  // MARK: Answers that come early

  @Test(arguments: ["", "?reset"])
  func `a server that has enough is heard while we still send`(end: String) {
    let path = "/early/413/1000\(end)"
    #expect(post(path, FaultServer.content(8_000_000)) == answer("enough", 413))
    #expect(put("/take/200?after-early", []) == answer(""))
  }

  @Test func `the rest of what was answered early is no request`() {
    let before = server.log("POST /early/400/5?rest").count
    #expect(post("/early/400/5?rest", FaultServer.content(4_000_000)) == answer("enough", 400))
    #expect(put("/take/200?next") == answer("\u{1}\u{2}\u{3}"))
    #expect(server.log("POST /early/400/5?rest").count == before + 1)
  }

  // MARK: Connections that end

  /// Before the head has come through, in the body, and anywhere in the answer.
  static let cuts = [
    "/early-cut/0", "/early-cut/1", "/early-cut/200000", "/answer-cut/0", "/answer-cut/1",
    "/answer-cut/12", "/answer-cut/38", "/answer-cut/40", "/answer-cut/44",
  ]

  @Test(arguments: cuts)
  func `what may be sent twice is sent again`(path: String) {
    let body = FaultServer.content(400_000)
    #expect(put(path + "?put", body) == answer(Self.once, isRepeated: true))
    #expect(post(path + "?twice", body, isIdempotent: true) == answer(Self.once, isRepeated: true))
    #expect(server.log("PUT \(path)?put").count == 2)
  }

  @Test(arguments: cuts)
  func `what may not is not`(path: String) {
    guard case .failure(.closed) = post(path + "?post", FaultServer.content(400_000)) else {
      Issue.record("not seen as a broken connection")
      return
    }
    #expect(server.log("POST \(path)?post").count == 1)
  }

  @Test func `nothing went out where there was nobody`() throws {
    let url = HTTPURL("http://127.0.0.1:\(try FreePort.take())/")!
    var options = TransportOptions.quick
    options.retriesMax = 1
    let start = Date()
    options.retryDelayMilliseconds = 400
    let client = try HTTPClient(options)
    let result = Result { () throws(TransportError) in
      try client.send(.post([1], contentType: "a/b"), to: url, limitBytes: 100)
    }
    guard case .failure(.connect) = result else {
      Issue.record("connected to nobody")
      return
    }
    #expect(Date().timeIntervalSince(start) >= 0.2, "it was tried again")
  }

  @Test func `an idle connection that has ended is replaced before anything is sent on it`() {
    for round in 0..<4 {
      #expect(put("/hang-up?idle\(round)") == answer("bye"))
      usleep(100_000)
      #expect(post("/take/200?idle\(round)") == answer("\u{1}\u{2}\u{3}"))
    }
    #expect(server.log("POST /take/200?idle").count == 4)
  }

  // MARK: Redirects

  @Test(arguments: [(307, "POST"), (308, "POST"), (307, "PUT"), (308, "PUT"), (301, "PUT")])
  func `a redirect within the origin is followed with the body`(status: Int, method: String) {
    let path = "/to/\(status)?/take/201/\(status)\(method)"
    let answered = method == "PUT" ? put(path) : post(path)
    #expect(answered == answer("\u{1}\u{2}\u{3}", 201))
    #expect(server.log("\(method) /take/201/\(status)\(method)").count == 1)
  }

  @Test(arguments: [301, 302, 303])
  func `a redirect that would turn a POST into a GET is the answer`(status: Int) {
    #expect(post("/to/\(status)?/take/200/as-get") == answer("", status))
    #expect(server.log("GET /take/200/as-get").isEmpty)
  }

  @Test func `redirects have a limit`() {
    #expect(put("/loop?put") == .failure(.redirects(url: server.url("/loop?put").text)))
    #expect(server.log("PUT /loop?put").count == 11)
  }

  @Test(arguments: [307, 308])
  func `what is handed in goes to no other origin`(status: Int) {
    let elsewhere = server.url("/take/200/stranger\(status)", host: "localhost").text
    let path = "/to/\(status)?\(elsewhere)"
    let refused = TransportError.foreignRedirect(url: server.url(path).text, to: elsewhere)
    #expect(put(path) == .failure(refused))
    #expect(post(path, isIdempotent: true) == .failure(refused))
    #expect(server.log("PUT /take/200/stranger\(status)").isEmpty)
    #expect(server.log("POST /take/200/stranger\(status)").isEmpty)
  }

  @Test func `neither does the client certificate`() throws {
    let certificates = Certificates.shared
    var options = TransportOptions.quick
    options.caFile = certificates.path("ca.pem")
    options.certificateFile = certificates.path("client.pem")
    options.privateKeyFile = certificates.path("client.key")
    let other = TLSServer.good.url("/take/200/certificate").text
    let url = TLSServer.demanding.url("/to/307?\(other)")
    let client = try HTTPClient(options)
    let result = Result { () throws(TransportError) in
      try client.send(.put([1], contentType: "a/b"), to: url, limitBytes: 100)
    }
    #expect(result == .failure(.foreignRedirect(url: url.text, to: other)))
    let own = TLSServer.demanding.url("/to/307?/take/201")
    let answer = try client.send(.put([1], contentType: "a/b"), to: own, limitBytes: 100)
    #expect(answer == Answer(status: 201, bytes: [1]))
    #expect(TLSServer.good.log("PUT /take/200/certificate", .quick).isEmpty)
  }

  // MARK: Time

  @Test func `a server that does not answer is given up`() throws {
    var options = TransportOptions.quick
    options.lowSpeedSeconds = 1
    options.retriesMax = 1
    let client = try HTTPClient(options)
    let url = server.url("/silent?put")
    let result = Result { () throws(TransportError) in
      try client.send(.put([1], contentType: "a/b"), to: url, limitBytes: 100)
    }
    #expect(result == .failure(.tooSlow(url: url.text)))
    #expect(server.log("PUT /silent?put").count == 2)
  }

  @Test func `the time for all attempts together has an end`() throws {
    var options = TransportOptions.quick
    options.totalTimeoutMilliseconds = 700
    let client = try HTTPClient(options)
    let url = server.url("/silent?total")
    let result = Result { () throws(TransportError) in
      try client.send(.put([1], contentType: "a/b"), to: url, limitBytes: 100)
    }
    #expect(result == .failure(.timedOut(url: url.text, .total)))
  }

  @Test func `a long upload is not held to be slow while it moves`() throws {
    var options = TransportOptions.quick
    options.lowSpeedSeconds = 1
    options.retriesMax = 0
    let client = try HTTPClient(options)
    let body = FaultServer.content(32 << 20)
    let answer = try client.send(
      .put(body, contentType: "a/b"), to: server.url("/early-slow/3000000"), limitBytes: 100)
    #expect(answer == Answer(status: 200, bytes: Array(Self.once.utf8)))
  }
}

/// The same against nginx.
@Suite struct NginxSubmissionTests {
  @Test func `what is put is there, and once`() throws {
    let folder = try TemporaryDirectory("taken")
    let server = try WebServer(
      folder.path, extra: ["dav_methods PUT;", "client_max_body_size 4m;"])
    let client = try HTTPClient(.quick)
    let url = HTTPURL(server.url)!.appending("manifest")
    let body = FaultServer.content(3_000_000)
    let first = try client.send(.put(body, contentType: "a/b"), to: url, limitBytes: 4096)
    let second = try client.send(.put(body, contentType: "a/b"), to: url, limitBytes: 4096)
    #expect(first.status == 201 && second.status == 204)
    #expect(try folder.read("manifest") == body)
  }

  @Test func `413 is heard while we still send`() throws {
    let folder = try TemporaryDirectory("taken")
    let server = try WebServer(
      folder.path, extra: ["dav_methods PUT;", "client_max_body_size 1k;"])
    let client = try HTTPClient(.quick)
    let url = HTTPURL(server.url)!.appending("large")
    let body = Submission.put(FaultServer.content(20_000_000), contentType: "a/b")
    #expect(try client.send(body, to: url, limitBytes: 4096).status == 413)
    let small = Submission.put([1], contentType: "a/b")
    #expect(try client.send(small, to: url, limitBytes: 4096).status == 201)
  }
}
