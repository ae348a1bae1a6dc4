// SPDX-License-Identifier: Apache-2.0
import Foundation

@testable import Transport

/// A running `Tests/Servers/stream_server.py`, which speaks HTTP/2 over TLS, with a good
/// certificate.
struct StreamServer: Sendable {
  /// One for all tests that need nothing special of it.
  static let shared = StreamServer()

  private let server: FaultServer

  init(_ arguments: [String] = []) {
    let certificates = Certificates.shared
    server = FaultServer(
      ["--certificate", certificates.path("good.pem"), "--key", certificates.path("good.key")]
        + arguments, script: "stream_server.py")
  }

  var base: HTTPURL { url("/") }

  func url(_ path: String) -> HTTPURL { server.url(path, host: "localhost", scheme: "https") }

  func log(_ key: String) -> [String] {
    server.log(key, host: "localhost", scheme: "https", options: StreamServer.options)
  }

  /// `count` requests of the path that `path` gives for each.
  func requests(_ count: Int, _ path: (Int) -> String) -> [TransferRequest] {
    (0..<count).map {
      TransferRequest(
        url(path($0)), tag: UInt64($0), limitBytes: 1 << 24, allowsPipelining: true)
    }
  }

  /// Impatient, and with the authority of the tests.
  static var options: TransportOptions {
    var options = TransportOptions.quick
    options.caFile = Certificates.shared.path("ca.pem")
    return options
  }

  /// Runs the requests by a client of these options.
  func run(
    _ requests: [TransferRequest], _ options: TransportOptions = StreamServer.options
  ) throws -> Collector {
    let collector = Collector(requests)
    try HTTPClient(options).run(base, collector)
    return collector
  }

  func fetch(_ path: String, _ options: TransportOptions = StreamServer.options) throws -> Fetch? {
    try HTTPClient(options).fetch(url(path)).results[0]
  }
}
