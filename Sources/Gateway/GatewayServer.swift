// SPDX-License-Identifier: Apache-2.0
import Codec
import Linux
import Transport

/// The calls of the device gateway: JSON, and one time TOML, goes there by POST and PUT, and every
/// answer is bounded.
struct GatewayServer {
  /// The largest answer is the PKCS#12 of a new device.
  static let answerBytesMax = 256 << 10
  private static let jsonType = "application/json"
  private static let tomlType = "application/toml"

  let base: HTTPURL
  private let client: HTTPClient

  /// `identity`: a PEM file with key and certificate, or two of them. Errors: `.transport`.
  init(
    _ base: HTTPURL, certificate: String?, key: String?, authority: String?,
    _ options: GatewayOptions
  ) throws(GatewayError) {
    self.base = base
    var transport = TransportOptions()
    transport.certificateFile = certificate
    transport.privateKeyFile = key
    transport.caFile = authority
    transport.proxy = options.proxy
    transport.validity = options.now
    transport.connectTimeoutMilliseconds = 60_000
    // Any byte in a minute, and three minutes for all attempts together.
    transport.lowSpeedBytesPerSecond = 1
    transport.lowSpeedSeconds = 60
    transport.totalTimeoutMilliseconds = 200_000
    transport.retriesMax = 2
    transport.retryDelayMilliseconds = options.retryDelayMilliseconds
    client = try inTransport { () throws(TransportError) in try HTTPClient(transport) }
  }

  /// Every status but the transient ones is an answer.
  func post(
    _ json: [UInt8], to url: HTTPURL, isIdempotent: Bool
  ) throws(GatewayError) -> Answer {
    try send(
      .post(json, contentType: GatewayServer.jsonType, isIdempotent: isIdempotent), to: url)
  }

  func put(_ json: [UInt8], to url: HTTPURL) throws(GatewayError) -> Answer {
    try send(.put(json, contentType: GatewayServer.jsonType), to: url)
  }

  /// For what takes the place of what was told before.
  func post(toml: [UInt8], to url: HTTPURL) throws(GatewayError) -> Answer {
    try send(.post(toml, contentType: GatewayServer.tomlType, isIdempotent: true), to: url)
  }

  private func send(_ submission: Submission, to url: HTTPURL) throws(GatewayError) -> Answer {
    try inTransport { () throws(TransportError) in
      try client.send(submission, to: url, limitBytes: GatewayServer.answerBytesMax)
    }
  }
}

extension Answer {
  /// What an answer that is no success means.
  func refusal(_ url: HTTPURL) -> GatewayError {
    switch status {
    case 401, 403: .transport(.unauthorised(url: url.text, status: status))
    case 404, 410: .transport(.notFound(url: url.text, status: status))
    default: .refused(url: url.text, status: status, reason)
    }
  }

  /// `{"code":"…","description":"…"}`, or at least the first line of what else was said.
  var reason: Refusal {
    guard let document = try? JSONDocument(parsing: bytes) else {
      return Refusal(code: nil, description: firstLine)
    }
    let node = document.root
    return Refusal(
      code: node["code"]?.string.map { Answer.short($0) },
      description: node["description"]?.string.map { Answer.short($0) })
  }

  func hasCode(_ code: String) -> Bool { reason.code.map { same($0, code) } ?? false }

  private var firstLine: String? {
    SystemFiles.text(bytes.prefix { $0 != 10 && $0 != 13 }).map { Answer.short($0) }
  }

  /// It comes from outside and goes to a terminal: a line's length of it is enough.
  private static func short(_ text: String) -> String {
    String(decoding: text.utf8.prefix(200), as: UTF8.self)
  }
}
