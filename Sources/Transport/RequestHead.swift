// SPDX-License-Identifier: Apache-2.0
internal import Codec

/// The head of a request. RFC 9112 3, RFC 9113 8.3.1.
struct RequestHead {
  let url: HTTPURL
  let userAgent: String
  /// The request line names the whole URL: for a plain-HTTP proxy. RFC 9112 3.2.2.
  var isAbsolute = false
  /// The range wanted is from here to the end; 0: everything.
  var offset: UInt64 = 0
  var ifRange: String?
  var conditions: Conditions?
  /// What follows the head; nil: nothing does, and it is a GET.
  var submission: Submission?
  /// For the origin that the caller named, and for nobody else.
  var credentials: String?
  var proxyCredentials: String?
  var extraHeaders: [HTTPHeader] = []

  init(_ url: HTTPURL, userAgent: String) {
    self.url = url
    self.userAgent = userAgent
  }

  /// As HTTP/1.1 has it.
  func append(to bytes: inout [UInt8]) {
    func line(_ name: String, _ value: String) {
      bytes.append(contentsOf: "\(name): ".utf8)
      bytes.append(contentsOf: value.utf8)
      bytes.append(contentsOf: "\r\n".utf8)
    }
    let target = isAbsolute ? "http://\(url.authority)\(url.target)" : url.target
    bytes.append(contentsOf: "\(method) \(target) HTTP/1.1\r\n".utf8)
    line("Host", url.authority)
    forEachHeader(line)
    bytes.append(contentsOf: "\r\n".utf8)
  }

  var method: String { submission?.method.rawValue ?? "GET" }

  /// Every header but the one that names the host.
  func forEachHeader(_ add: (String, String) -> Void) {
    func addIfFit(_ name: String, _ value: String) {
      // Validators come from servers by way of files: one that could end the line is left out.
      if value.utf8.allSatisfy(HeaderCharacter.isValue) { add(name, value) }
    }
    addIfFit("User-Agent", userAgent)
    add("Accept", "*/*")
    add("Accept-Encoding", "identity")
    if let submission {
      addIfFit("Content-Type", submission.contentType)
      add("Content-Length", String(submission.bytes.count))
    }
    if offset > 0 {
      add("Range", "bytes=\(offset)-")
      if let ifRange { addIfFit("If-Range", ifRange) }
    }
    if let etag = conditions?.etag { addIfFit("If-None-Match", etag) }
    if let time = conditions?.lastModified { addIfFit("If-Modified-Since", time) }
    if let credentials { add("Authorization", RequestHead.basic(credentials)) }
    if let proxyCredentials { add("Proxy-Authorization", RequestHead.basic(proxyCredentials)) }
    for header in extraHeaders { add(header.name, header.value) }
  }

  /// RFC 7617.
  static func basic(_ credentials: String) -> String {
    let bytes = Array(credentials.utf8)
    return "Basic \(Base64.encode(bytes.span))"
  }
}
