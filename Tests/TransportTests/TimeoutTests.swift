// SPDX-License-Identifier: Apache-2.0
import Foundation
import Linux
import Testing

@testable import Transport

/// Patience and its end, and connections that are not made.
@Suite struct TimeoutTests {
  let server = FaultServer.shared

  func fetch(_ url: HTTPURL, _ change: (inout TransportOptions) -> Void) -> Fetch? {
    var options = TransportOptions.quick
    options.retriesMax = 0
    change(&options)
    return try! HTTPClient(options).fetch(url).results[0]
  }

  @Test(arguments: ["/slow/50", "/silent"])
  func `a server that is too slow is left`(path: String) {
    let url = server.url(path)
    let start = Date()
    let result = fetch(url) {
      $0.lowSpeedSeconds = 1
      $0.lowSpeedBytesPerSecond = 100
    }
    #expect(result == .failed(.tooSlow(url: url.text)))
    #expect(Date().timeIntervalSince(start) < 10)
  }

  @Test(arguments: ["/slow/50", "/silent", "/always/503"])
  func `the time for all of it has an end, retries included`(path: String) {
    let url = server.url(path)
    let start = Date()
    let result = fetch(url) {
      $0.totalTimeoutMilliseconds = 600
      $0.retriesMax = 1000
    }
    #expect(result == .failed(.timedOut(url: url.text, .total)))
    #expect(Date().timeIntervalSince(start) < 10)
  }

  @Test func `a rate limit holds and is not held against the server`() {
    let start = Date()
    let result = fetch(server.url("/bytes/60000")) {
      $0.limitRateBytesPerSecond = 50_000
      $0.lowSpeedSeconds = 1
      $0.lowSpeedBytesPerSecond = 1_000_000
    }
    #expect(result == .body(FaultServer.content(60_000)))
    #expect(Date().timeIntervalSince(start) >= 1)
  }

  @Test func `a refused connection is told with its address`() {
    let url = HTTPURL("http://127.0.0.1:1/")!
    let refused = TransportError.connect(
      address: "127.0.0.1:1", .connectionRefused, url: "http://127.0.0.1:1/")
    #expect(fetch(url) { _ in } == .failed(refused))
    let six = fetch(HTTPURL("http://[::1]:1/")!) { _ in }
    guard case .failed(.connect(address: "[::1]:1", _, "http://[::1]:1/"))? = six else {
      Issue.record("\(String(describing: six))")
      return
    }
  }

  @Test func `a name that does not exist is told`() {
    let result = fetch(HTTPURL("http://no-such-host.invalid/")!) { _ in }
    guard
      case .failed(.resolve(host: "no-such-host.invalid", _, "http://no-such-host.invalid/"))? =
        result
    else {
      Issue.record("\(String(describing: result))")
      return
    }
  }

  @Test func `an address that does not answer gives way to the next`() throws {
    let hole = BlackHole()
    let addresses = [
      SocketAddress("127.0.0.2", port: UInt16(hole.port))!,
      SocketAddress("127.0.0.1", port: UInt16(server.port))!,
    ]
    let handler = Collector([])
    let deadline = Deadline(
      at: Clock.monotonicNanoseconds + 3_000_000_000, error: .timedOut(url: "u", .connect))
    var connector = Connector(
      addresses, port: 1, deadline: deadline, Interruption(handler: handler))
    let start = Clock.monotonicNanoseconds
    _ = try connector.connect()
    let milliseconds = (Clock.monotonicNanoseconds - start) / 1_000_000
    #expect((240..<2900).contains(milliseconds))
  }

  @Test func `a refused address gives way, and none at all is an error`() throws {
    let handler = Collector([])
    let deadline = Deadline(
      at: Clock.monotonicNanoseconds + 1_000_000_000, error: .timedOut(url: "u", .connect))
    let refused = SocketAddress("127.0.0.1", port: 1)!
    var good = Connector(
      [refused, SocketAddress("127.0.0.1", port: UInt16(server.port))!], port: 1,
      deadline: deadline, Interruption(handler: handler))
    _ = try good.connect()

    let hole = BlackHole()
    var bad = Connector(
      [SocketAddress("127.0.0.2", port: UInt16(hole.port))!], port: 1, deadline: deadline,
      Interruption(handler: handler))
    let result = Result { () throws(TransportError) in _ = try bad.connect() }
    guard case .failure(let error) = result else {
      Issue.record("connected to nothing")
      return
    }
    #expect(error == .timedOut(url: "u", .connect))
  }

  @Test func `the two families take turns`() {
    let addresses = ["2001:db8::1", "2001:db8::2", "192.0.2.1", "192.0.2.2", "192.0.2.3"]
      .map { SocketAddress($0, port: 80)! }
    #expect(
      Connector.interleaved(addresses).map { $0.text } == [
        "2001:db8::1", "192.0.2.1", "2001:db8::2", "192.0.2.2", "192.0.2.3",
      ])
  }

  @Test func `both families are spoken`() {
    let six = FaultServer(["--address", "::1"])
    #expect(fetch(six.url("/bytes/5", host: "[::1]")) { _ in } == .body(FaultServer.content(5)))
  }
}
