// SPDX-License-Identifier: Apache-2.0
import Foundation
import Transport

/// A running `Tests/Servers/fault_server.py`, or another of that folder, which ends with the value
/// or with the tests.
final class FaultServer: @unchecked Sendable {
  /// One for all tests that need nothing special of it.
  static let shared = FaultServer()

  let port: Int
  private let process = Process()
  private let input = Pipe()

  init(_ arguments: [String] = [], script name: String = "fault_server.py") {
    let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("Servers/\(name)")
    let output = Pipe()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["python3", "-B", script.path] + arguments
    process.standardInput = input
    process.standardOutput = output
    try! process.run()
    port = readPort(from: output)
  }

  deinit { input.fileHandleForWriting.closeFile() }

  func url(_ path: String, host: String = "127.0.0.1", scheme: String = "http") -> HTTPURL {
    HTTPURL("\(scheme)://\(host):\(port)\(path)")!
  }

  /// One line of JSON for each request so far whose line holds `key`.
  func log(
    _ key: String, host: String = "127.0.0.1", scheme: String = "http",
    options: TransportOptions = .quick
  ) -> [String] {
    let client = try! HTTPClient(options)
    let escaped = key.replacingOccurrences(of: " ", with: "%20")
    let url = url("/log?\(escaped)", host: host, scheme: scheme)
    guard case .body(let bytes, _)? = try? client.get(url, limitBytes: 1 << 24) else {
      return []
    }
    return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
  }

  /// What `/bytes/COUNT` answers.
  static func content(_ count: Int, version: Int = 1) -> [UInt8] {
    (0..<count).map {
      let index = $0 % 4096
      return UInt8(truncatingIfNeeded: index * 7 + index / 256 + version)
    }
  }
}

extension TransportOptions {
  /// Impatient, and without a proxy.
  static var quick: TransportOptions {
    var options = TransportOptions()
    options.proxy = .none
    options.connectTimeoutMilliseconds = 2000
    options.retryDelayMilliseconds = 20
    options.retryDelayMaxMilliseconds = 3000
    options.retriesMax = 3
    return options
  }
}

/// The number on the first line of what a server prints.
func readPort(from output: Pipe) -> Int {
  var (digits, byte) = ("", UInt8(0))
  while byte != UInt8(ascii: "\n") {
    let count = unsafe read(output.fileHandleForReading.fileDescriptor, &byte, 1)
    if count < 0 && errno == EINTR { continue }
    precondition(count == 1, "the server did not start")
    digits.append(Character(Unicode.Scalar(byte)))
  }
  return Int(digits.dropLast())!
}
