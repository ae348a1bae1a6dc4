// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import Transport

/// What can go wrong with a connection of HTTP/2, or is done to it.
@Suite struct HTTP2FaultTests {
  let server = StreamServer.shared

  func expectBodies(_ collector: Collector, _ count: Int, _ bytes: (Int) -> Int) {
    for index in 0..<count {
      let body = FaultServer.content(bytes(index))
      #expect(collector.results[UInt64(index)] == .body(body), "request \(index)")
    }
  }

  // MARK: Ends that are announced

  @Test(arguments: [1, 7, 100])
  func `a server may leave after so many requests`(limit: Int) throws {
    let server = StreamServer(["--requests", "\(limit)"])
    let count = limit == 1 ? 20 : 400
    let collector = try server.run(server.requests(count) { "/bytes/\($0 * 10)?left" })
    expectBodies(collector, count) { $0 * 10 }
    #expect(collector.begins == count && collector.restarts == 0)
    // What it had not looked at was sent again, and nothing else.
    #expect(server.log("left").count == count)
  }

  @Test func `requests above the last that is answered are sent again`() throws {
    let collector = try server.run(
      server.requests(50) { $0 == 20 ? "/leave/0?above" : "/bytes/\($0)" })
    expectBodies(collector, 50) { $0 == 20 ? 100 : $0 }
    #expect(server.log("/leave/0?above").count == 2)
  }

  /// ENHANCE_YOUR_CALM, INADEQUATE_SECURITY, HTTP_1_1_REQUIRED. RFC 9113 7.
  @Test(arguments: ["leave/11", "leave/12", "leave/13", "reset-always/13", "reset-always/11"])
  func `a server that wants HTTP 1 gets it`(way: String) throws {
    let server = StreamServer()
    let client = try HTTPClient(StreamServer.options)
    let collector = Collector(server.requests(30) { $0 == 3 ? "/\(way)" : "/bytes/\($0)" })
    client.run(server.base, collector)
    let number = Int(way.split(separator: "/")[1])!
    expectBodies(collector, 30) { $0 == 3 ? number : $0 }
    #expect(!client.offersHTTP2(to: server.base.origin))
    #expect(server.log("ALPN").contains { $0.contains("ALPN http/1.1") })
  }

  @Test func `a stream that was refused is sent again at once, but not for ever`() throws {
    var options = StreamServer.options
    options.retriesMax = 0
    #expect(try server.fetch("/reset/7?refused", options) == .body(FaultServer.content(100)))
    let url = server.url("/reset-always/7")
    let result = try server.fetch("/reset-always/7", options)
    #expect(result == .failed(.closed(url: url.text, receivedBytes: 0)))
    #expect(server.log("GET /reset-always/7").count == 1 + HTTP2Limits.refusalsMax)
  }

  @Test(arguments: [0, 1, 2, 5, 8, 99])
  func `a stream that was reset is tried again`(code: Int) throws {
    let path = "/reset/\(code)?tried"
    #expect(try server.fetch(path) == .body(FaultServer.content(100)))
    var options = StreamServer.options
    options.retriesMax = 1
    let url = server.url("/reset-always/\(code)?tried")
    #expect(
      try server.fetch("/reset-always/\(code)?tried", options)
        == .failed(.closed(url: url.text, receivedBytes: 0)))
  }

  @Test func `a body goes on where its stream was reset`() throws {
    let collector = try server.run(server.requests(3) { _ in "/reset-after/100000/30000" })
    expectBodies(collector, 3) { _ in 100_000 }
    #expect(collector.restarts == 0 && collector.begins == 3)
  }

  // MARK: Ends that are not

  @Test func `a broken connection harms no request`() throws {
    let server = StreamServer()
    let collector = try server.run(
      server.requests(60) { $0 % 20 == 7 ? "/close/90000/\(5000 + $0)" : "/bytes/\($0 * 300)" })
    expectBodies(collector, 60) { $0 % 20 == 7 ? 90_000 : $0 * 300 }
    #expect(collector.restarts == 0)
  }

  @Test func `a stream that stands still does not hold up the others, or itself for long`() throws {
    var options = StreamServer.options
    options.lowSpeedSeconds = 1
    options.lowSpeedBytesPerSecond = 1
    let collector = Collector(
      server.requests(200) { $0 == 5 ? "/silent?still" : "/bytes/\(1000 + $0)" })
    let start = Date()
    try HTTPClient(options).run(server.base, collector)
    expectBodies(collector, 200) { $0 == 5 ? 100 : 1000 + $0 }
    #expect(collector.finishOrder.last == 5)
    #expect(Date().timeIntervalSince(start) < 20)
  }

  @Test func `a connection that stands still ends`() throws {
    var options = StreamServer.options
    options.lowSpeedSeconds = 1
    options.retriesMax = 0
    let url = server.url("/silent?alone")
    #expect(try server.fetch("/silent?alone", options) == .failed(.tooSlow(url: url.text)))
    options.totalTimeoutMilliseconds = 300
    let other = server.url("/silent?other")
    #expect(
      try server.fetch("/silent?other", options) == .failed(.timedOut(url: other.text, .total)))
  }

  @Test func `whoever has had enough stops it`() throws {
    let collector = Collector(server.requests(50) { _ in "/bytes/100000" })
    collector.cancelsAfterPieces = 5
    try HTTPClient(StreamServer.options).run(server.base, collector)
    let interrupted = collector.results.values.filter { $0 == .failed(.interrupted) }
    #expect(!interrupted.isEmpty)
  }

  // MARK: Hostile servers

  /// 100 headers and 16 KiB are the limits, whatever it costs to send them.
  @Test(
    arguments: [
      ("/headers/101/1", .tooManyHeaders), ("/headers/3/8000", .headTooLong),
      ("/headers/40/1000", .headTooLong), ("/interim/17", .tooManyInterimResponses),
      ("/field?content-encoding=gzip", .contentEncoding),
      ("/field?transfer-encoding=chunked", .frame), ("/field?Upper=case", .frame),
      ("/field?connection=close", .frame), ("/field?:path=odd", .frame),
    ] as [(String, MalformedResponse)])
  func `a head beyond the limits is refused, and nothing else with it`(
    path: String, what: MalformedResponse
  ) throws {
    let server = StreamServer()
    let collector = try server.run(server.requests(10) { $0 == 4 ? path : "/bytes/\($0)" })
    #expect(
      collector.results[4] == .failed(.malformed(url: server.url(path).text, what)))
    for index in 0..<10 where index != 4 {
      #expect(collector.results[UInt64(index)] == .body(FaultServer.content(index)))
    }
  }

  @Test(arguments: ["/longer/100/50", "/longer/100/200"])
  func `a body of another length than was announced is none`(path: String) throws {
    var options = StreamServer.options
    options.retriesMax = 1
    guard case .failed = try server.fetch(path, options) else {
      Issue.record("taken")
      return
    }
  }

  /// Frames as base64, in which `STRM` stands for the number of the stream; the last bytes of some
  /// are missing, so that what follows is taken for them.
  static let frames: [String] = [
    "AAAEAAAAAAAAAAAA",  // DATA on stream 0
    "AAAEAQQAAAAAAAAA",  // HEADERS on stream 0
    "////AAAAAAAB",  // a frame of 16 MiB
    "AAAFBAAAAAAAAAAAAAA=",  // SETTINGS of 5 bytes
    "AAAGBAAAAAAAAAUAAAAB",  // SETTINGS_MAX_FRAME_SIZE 1
    "AAAGBAAAAAAAAAT/////",  // SETTINGS_INITIAL_WINDOW_SIZE beyond its limit
    "AAAEBQQAAAABAAAAAgAA",  // PUSH_PROMISE, which was turned off
    "AAAECAAAAAAAAAAAAA==",  // WINDOW_UPDATE by 0
    "AAAECAAAAAAAf////w==",  // WINDOW_UPDATE beyond its limit, once more
    "AAADBgAAAAAAAAAA",  // PING of 3 bytes
    "AAACCQQAAAAB////",  // CONTINUATION that continues nothing
    "AAADAQQAAAAB////",  // a header block that is none
    "AAAEAQRTVFJN/////w==",  // the same on the right stream
    "aHR0cDovLzEuMQ0KDQo=",  // no frames at all
  ]

  @Test(arguments: frames)
  func `what is no HTTP 2 does no harm`(frame: String) throws {
    let server = StreamServer()
    let path = "/raw/2?\(frame.replacing("/", with: "_").replacing("+", with: "-"))"
    var options = StreamServer.options
    options.retriesMax = 1
    options.lowSpeedSeconds = 2
    // The server then is spoken to by HTTP/1.1, where it answers the first number of the path.
    let collector = try server.run(server.requests(10) { $0 == 4 ? path : "/bytes/\($0)" }, options)
    for index in 0..<10 where index != 4 {
      #expect(collector.results[UInt64(index)] == .body(FaultServer.content(index)))
    }
    #expect(collector.results[4] != nil)
  }

  @Test func `frames without end that bring nothing are not listened to`() throws {
    let server = StreamServer()
    let start = Date()
    // By HTTP/1.1 it then answers the number.
    #expect(try server.fetch("/flood/12") == .body(FaultServer.content(12)))
    #expect(Date().timeIntervalSince(start) < 30)
  }
}
