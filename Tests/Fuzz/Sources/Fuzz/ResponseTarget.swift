// SPDX-License-Identifier: Apache-2.0
import Glibc
import Synchronization

@testable import Transport

extension FuzzTarget {
  /// What a server answers, from its first byte to the end of the connection, by the way that it
  /// takes: a socket, and all that reads from it. The first byte says what was asked for.
  static let responseTarget = FuzzTarget(name: "http-response") { bytes in
    guard let kind = bytes.first,
      let url = HTTPURL("http://127.0.0.1:\(AnswerServer.shared.port)/a")
    else { return }
    AnswerServer.shared.answer(Array(bytes.dropFirst()))
    let limit: UInt64 = 4096
    if kind % 4 == 3 {
      let body = Submission.post([1, 2, 3], contentType: "text/plain", isIdempotent: true)
      let answer = try? AnswerServer.client.send(body, to: url, limitBytes: Int(limit))
      require(answer?.bytes.count ?? 0 <= Int(limit), "an answer is bounded")
      return
    }
    let conditions = Conditions(etag: "\"a\"", lastModified: nil)
    let request =
      switch kind % 4 {
      case 0: TransferRequest(url, limitBytes: limit)
      case 1: TransferRequest(url, limitBytes: limit, startOffset: 10, ifRange: "\"a\"")
      default: TransferRequest(url, limitBytes: limit, conditions: conditions)
      }
    let sink = CountingSink(request, limit: limit, startOffset: kind % 4 == 1 ? 10 : 0)
    AnswerServer.client.run(url, sink)
    require(sink.ends == 1, "a request ends once")
  }
}

/// Takes what comes, and sees that it is no more than was asked for.
private final class CountingSink: TransferHandler {
  private var request: TransferRequest?
  private let limit: UInt64
  private var position: UInt64
  var ends = 0

  init(_ request: TransferRequest, limit: UInt64, startOffset: UInt64) {
    (self.request, self.limit, position) = (request, limit, startOffset)
  }

  var isCancelled: Bool { false }

  func nextRequest(mayWait: Bool) -> TransferRequest? {
    defer { request = nil }
    return request
  }

  func begin(_ request: TransferRequest, _ response: ResponseInfo) {}

  func receive(_ request: TransferRequest, _ bytes: Span<UInt8>) -> TransferVerdict {
    position += UInt64(bytes.count)
    require(position <= limit, "no more comes than may")
    return .proceed
  }

  func restart(_ request: TransferRequest) { position = 0 }
  func finish(_ request: TransferRequest) { ends += 1 }
  func fail(_ request: TransferRequest, _ error: TransportError) { ends += 1 }
}

/// Reads one request of each connection, gives the same answer whatever it was, and hangs up.
private final class AnswerServer: Sendable {
  static let shared = AnswerServer()
  /// Never goes anywhere else: where an answer points is not followed.
  static let client: HTTPClient = {
    var options = TransportOptions()
    (options.proxy, options.redirectsMax, options.retriesMax) = (.none, 0, 0)
    options.connectTimeoutMilliseconds = 5000
    options.lowSpeedSeconds = 5
    return try! HTTPClient(options)
  }()

  let port: UInt16
  private let bytes = Mutex<[UInt8]>([])

  func answer(_ answer: [UInt8]) { bytes.withLock { $0 = answer } }

  private init() {
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        require(bind(listener, $0, size) == 0 && listen(listener, 16) == 0, "a server starts")
        getsockname(listener, $0, &size)
      }
    }
    port = UInt16(bigEndian: address.sin_port)
    var thread = pthread_t()
    let context = UnsafeMutableRawPointer(bitPattern: Int(listener))
    pthread_create(
      &thread, nil,
      { context in
        while true { AnswerServer.shared.serve(accept(Int32(Int(bitPattern: context)), nil, nil)) }
      }, context)
  }

  /// What is handed in ends with a 3.
  private static func isWhole(_ request: [UInt8]) -> Bool {
    request.first == UInt8(ascii: "P")
      ? request.last == 3 : request.suffix(4).elementsEqual([13, 10, 13, 10])
  }

  private func serve(_ connection: Int32) {
    guard connection >= 0 else { return }
    defer { close(connection) }
    var buffer = [UInt8](repeating: 0, count: 4096)
    var head: [UInt8] = []
    while !AnswerServer.isWhole(head) {
      let count = read(connection, &buffer, buffer.count)
      guard count > 0 else { return }
      head += buffer[..<count]
    }
    let answer = bytes.withLock { $0 }
    var sent = 0
    while sent < answer.count {
      let count = answer[sent...].withUnsafeBytes {
        send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      guard count > 0 else { return }
      sent += count
    }
  }
}
