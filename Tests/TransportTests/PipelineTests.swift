// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import Transport

/// Requests sent ahead on one connection.
@Suite struct PipelineTests {
  let server = FaultServer.shared

  func client(depth: Int = 8) -> HTTPClient {
    var options = TransportOptions.quick
    options.pipelineDepth = depth
    return try! HTTPClient(options)
  }

  func requests(_ count: Int, _ path: (Int) -> String, pipelined: Bool = true) -> [TransferRequest]
  {
    (0..<count).map {
      TransferRequest(
        server.url(path($0)), tag: UInt64($0), limitBytes: 1 << 20, allowsPipelining: pipelined)
    }
  }

  @Test func `many requests are answered in order on one connection`() {
    let collector = Collector(requests(300) { "/bytes/\($0 * 40)?many" })
    client().run(server.url("/"), collector)
    #expect(collector.finishOrder == (0..<300).map { UInt64($0) })
    for index in 0..<300 {
      #expect(collector.results[UInt64(index)] == .body(FaultServer.content(index * 40)))
    }
    #expect(Set(server.log("?many").map { $0.split(separator: ",")[0] }).count == 1)
  }

  @Test func `each answer waits for its turn, the requests do not`() {
    // Each takes the server 50 ms, and that begins when it has read the request: so time tells
    // nothing here, but what the server finds in its buffer does.
    let client = client()
    let collector = Collector(requests(4) { "/confused?ahead\($0)" })
    client.run(server.url("/"), collector)
    #expect(collector.finishOrder == [0, 1, 2, 3])
    #expect(!client.origins.allowsPipelining(server.url("/").origin))
  }

  @Test func `what must not be sent ahead is not`() {
    let client = client()
    let collector = Collector(requests(4, { "/confused?alone\($0)" }, pipelined: false))
    client.run(server.url("/"), collector)
    #expect(collector.finishOrder == [0, 1, 2, 3])
    #expect(client.origins.allowsPipelining(server.url("/").origin))
    #expect(server.log("?alone").filter { $0.contains("/confused") }.count == 4)
  }

  @Test func `a depth of one sends nothing ahead`() {
    let client = client(depth: 1)
    let collector = Collector(requests(4) { "/confused?one\($0)" })
    client.run(server.url("/"), collector)
    #expect(collector.finishOrder == [0, 1, 2, 3])
    #expect(client.origins.allowsPipelining(server.url("/").origin))
  }

  @Test func `a connection that ends early costs nothing but time`() {
    var options = TransportOptions.quick
    options.retriesMax = 0
    let client = try! HTTPClient(options)
    let collector = Collector(requests(50) { "/few/7?\($0)" })
    client.run(server.url("/"), collector)
    #expect(collector.finishOrder == (0..<50).map { UInt64($0) })
    #expect(!client.origins.allowsPipelining(server.url("/").origin))
  }

  @Test(arguments: ["goodbye", "hang-up"])
  func `a server that ends each connection is borne with`(way: String) {
    var options = TransportOptions.quick
    options.retriesMax = 0
    let collector = Collector(requests(10) { "/\(way)?\($0)" })
    try! HTTPClient(options).run(server.url("/"), collector)
    #expect(collector.finishOrder == (0..<10).map { UInt64($0) })
  }

  @Test func `an error in the middle does not disturb the others`() {
    let collector = Collector(
      requests(30) { $0 % 3 == 1 ? "/always/404?\($0)" : "/bytes/1000?\($0)" })
    client().run(server.url("/"), collector)
    for index in 0..<30 {
      let expected: Fetch =
        index % 3 == 1
        ? .failed(.notFound(url: server.url("/always/404?\(index)").text, status: 404))
        : .body(FaultServer.content(1000))
      #expect(collector.results[UInt64(index)] == expected)
    }
  }

  @Test func `a broken transfer in the middle is resumed and the others come as well`() {
    let collector = Collector(
      requests(9) { $0 == 4 ? "/cut/60000/25000?mid" : "/bytes/1000?\($0)" })
    client().run(server.url("/"), collector)
    for index in 0..<9 {
      let size = index == 4 ? 60_000 : 1000
      #expect(collector.results[UInt64(index)] == .body(FaultServer.content(size)))
    }
  }

  @Test func `redirects in the middle are followed`() {
    let other = server.url("/redirect/1", host: "localhost").text
    let collector = Collector(
      requests(12) { $0 % 4 == 2 ? "/to/302?\(other)" : "/bytes/1000?\($0)" })
    client().run(server.url("/"), collector)
    for index in 0..<12 {
      let expected = index % 4 == 2 ? Array("arrived".utf8) : FaultServer.content(1000)
      #expect(collector.results[UInt64(index)] == .body(expected))
    }
  }
}
