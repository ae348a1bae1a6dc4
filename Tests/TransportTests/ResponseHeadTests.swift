// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Transport

@Suite struct ResponseHeadTests {
  /// Reads a head as it is read from a connection that gives a byte at a time.
  static func read(_ text: String) -> Result<ResponseHead?, MalformedResponse> {
    let bytes = Array(text.utf8)
    var scanner = HeadScanner()
    do throws(MalformedResponse) {
      for count in 0...bytes.count {
        guard let end = try scanner.end(in: bytes.span.extracting(0..<count)) else { continue }
        return .success(try ResponseHead(bytes.span.extracting(0..<end)))
      }
      return .success(nil)
    } catch {
      return .failure(error)
    }
  }

  static func failure(_ text: String) -> MalformedResponse? {
    guard case .failure(let failure) = read(text) else { return nil }
    return failure
  }

  static func head(_ text: String) throws -> ResponseHead {
    try #require(try read(text).get())
  }

  static func long(_ count: Int) -> String { String(repeating: "x", count: count) }

  @Test(
    arguments: [
      ("HTTP/2.0 200 OK\r\n\r\n", .statusLine),
      ("HTTP/1.2 200 OK\r\n\r\n", .statusLine),
      ("http/1.1 200 OK\r\n\r\n", .statusLine),
      ("HTTP/1.1  200 OK\r\n\r\n", .statusLine),
      ("HTTP/1.1 20 OK\r\n\r\n", .statusLine),
      ("HTTP/1.1 2000\r\n\r\n", .statusLine),
      ("HTTP/1.1 20x OK\r\n\r\n", .statusLine),
      ("HTTP/1.1 099 OK\r\n\r\n", .statusLine),
      ("HTTP/1.1 600 OK\r\n\r\n", .statusLine),
      ("HTTP/1.1 -20 OK\r\n\r\n", .statusLine),
      ("HTTP/1.1 200 O\u{1}K\r\n\r\n", .statusLine),
      ("HTTP/1.1\r\n\r\n", .statusLine),
      ("SSH-2.0-OpenSSH\r\n", .statusLine),
      ("<html>", .statusLine),
      ("\r\nHTTP/1.1 200 OK\r\n\r\n", .statusLine),
      ("HTTP/1.1 200 OK\n\n", .lineEnd),
      ("HTTP/1.1 200 OK\r\nA: b\n\r\n", .lineEnd),
      ("HTTP/1.1 200 OK\r\nA: b\rc\r\n\r\n", .lineEnd),
      ("HTTP/1.1 200 OK\r\r\n\r\n", .lineEnd),
      ("HTTP/1.1 200 OK\r\n folded\r\n\r\n", .foldedHeader),
      ("HTTP/1.1 200 OK\r\nA: b\r\n\tc\r\n\r\n", .foldedHeader),
      ("HTTP/1.1 200 OK\r\nA : b\r\n\r\n", .headerName),
      ("HTTP/1.1 200 OK\r\n: b\r\n\r\n", .headerName),
      ("HTTP/1.1 200 OK\r\nno colon\r\n\r\n", .headerName),
      ("HTTP/1.1 200 OK\r\nnocolon\r\n\r\n", .headerName),
      ("HTTP/1.1 200 OK\r\nÄ: b\r\n\r\n", .headerName),
      ("HTTP/1.1 200 OK\r\nA: b\u{7}\r\n\r\n", .headerValue),
      ("HTTP/1.1 200 OK\r\nA: b\u{0}\r\n\r\n", .headerValue),
      ("HTTP/1.1 200 OK\r\nA: b\u{7f}\r\n\r\n", .headerValue),
      ("HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\n", .contentLength),
      ("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", .contentLength),
      ("HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\n", .contentLength),
      ("HTTP/1.1 200 OK\r\nContent-Length: 1 2\r\n\r\n", .contentLength),
      ("HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\n", .contentLength),
      ("HTTP/1.1 200 OK\r\nContent-Length: 0x10\r\n\r\n", .contentLength),
      ("HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551616\r\n\r\n", .contentLength),
      ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", .ambiguousLength),
      (
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        .ambiguousLength
      ),
      (
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\ncontent-length: 5\r\n\r\n",
        .ambiguousLength
      ),
      ("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", .transferEncoding),
      ("HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunked\r\n\r\n", .transferEncoding),
      ("HTTP/1.1 200 OK\r\nTransfer-Encoding: \u{b}chunked\r\n\r\n", .headerValue),
      (
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
        .transferEncoding
      ),
      ("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", .transferEncoding),
      ("HTTP/1.1 200 \(long(8200))\r\n\r\n", .statusLine),
      ("HTTP/1.1 200 OK\r\nA: \(long(8200))\r\n\r\n", .headTooLong),
      ("HTTP/1.1 200 OK\r\nA: \(long(16400))", .headTooLong),
      (
        "HTTP/1.1 200 OK\r\n" + String(repeating: "A: b\r\n", count: 101) + "\r\n", .tooManyHeaders
      ),
    ] as [(String, MalformedResponse)])
  func `a malformed head is refused`(text: String, what: MalformedResponse) {
    #expect(Self.failure(text) == what)
  }

  @Test func `what has a use is kept`() throws {
    let head = try Self.head(
      """
      HTTP/1.1 206 Partial Content\r
      cOnTeNt-LeNgTh:   5 \t\r
      Content-Length: 5\r
      ETag: "a"\r
      Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r
      Date: Sun, 06 Nov 1994 08:49:38 GMT\r
      Content-Range: bytes 0-4/10\r
      Content-Encoding: identity\r
      Retry-After: 7\r
      Location: /x\r
      X-Unknown: ignored\r
      \r

      """)
    #expect(head.status == 206)
    #expect(head.contentLength == 5)
    #expect(head.etag == "\"a\"")
    #expect(head.validator == "\"a\"")
    #expect(head.contentRange == "bytes 0-4/10")
    #expect(head.retryAfter == "7")
    #expect(head.location == "/x")
    #expect(!head.isEncoded)
    #expect(head.isPersistent)
  }

  @Test(arguments: [
    ("HTTP/1.1 200\r\n\r\n", true),
    ("HTTP/1.1 200 \r\n\r\n", true),
    ("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", false),
    ("HTTP/1.1 200 OK\r\nConnection: upgrade , CLOSE\r\n\r\n", false),
    ("HTTP/1.0 200 OK\r\n\r\n", false),
    ("HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\n\r\n", true),
  ])
  func `a connection persists as the version and the headers say`(text: String, persists: Bool)
    throws
  {
    #expect(try Self.head(text).isPersistent == persists)
  }

  @Test(arguments: [
    ("ETag: W/\"weak\"", nil),
    ("ETag: \"strong\"", "\"strong\""),
    ("Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT", nil),
    (
      "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT", nil
    ),
    (
      "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\nDate: Sun, 06 Nov 1994 08:49:39 GMT",
      "Sun, 06 Nov 1994 08:49:37 GMT"
    ),
  ])
  func `only a strong validator is fit for a range`(headers: String, validator: String?) throws {
    #expect(try Self.head("HTTP/1.1 200 OK\r\n\(headers)\r\n\r\n").validator == validator)
  }

  @Test func `a head cut short is waited for`() throws {
    #expect(try Self.read("HTTP/1.1 200 OK\r\nA: b\r\n").get() == nil)
  }

  @Test(
    arguments: [
      ("bytes 0-4/10", 0, 4, 10), ("bytes 5-5/*", 5, 5, nil), ("bytes */10", nil, nil, 10),
      ("Bytes 0-4/10", 0, 4, 10),
    ] as [(String, UInt64?, UInt64?, UInt64?)])
  func `a Content-Range is read`(text: String, first: UInt64?, last: UInt64?, total: UInt64?) {
    let range = ContentRange(text)
    #expect(range?.first == first)
    #expect(range?.last == last)
    #expect(range?.total == total)
    #expect(range != nil)
  }

  @Test(arguments: [
    "", "bytes", "bytes ", "bytes 0-4", "bytes 4-0/10", "bytes 0-10/10", "bytes -4/10",
    "bytes 0-/10", "bytes */*", "items 0-4/10", "bytes 0-4/1x", "bytes 0-4/10/10",
    "bytes 0-99999999999999999999/*",
  ])
  func `a Content-Range that contradicts itself is refused`(text: String) {
    #expect(ContentRange(text) == nil)
  }
}
