// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Transport

/// Damaged input: an error or a value, never a trap.
@Suite struct MutationTests {
  /// xorshift64: the same damage in every run.
  struct Chance {
    var state: UInt64
    mutating func next(below bound: Int) -> Int {
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      return Int(state % UInt64(bound))
    }
  }

  /// Bytes that mean something to one of the readers.
  static let telling = Array("\r\n :;,/?#[]@%*-0918afgzAFZ\t\0\u{7f}\u{ff}".utf8)

  static func damaged(_ text: String, _ chance: inout Chance) -> [UInt8] {
    var bytes = Array(text.utf8)
    for _ in 0...chance.next(below: 4) where !bytes.isEmpty {
      let index = chance.next(below: bytes.count)
      let byte = telling[chance.next(below: telling.count)]
      switch chance.next(below: 4) {
      case 0: bytes[index] = byte
      case 1: bytes.insert(byte, at: index)
      case 2: bytes.remove(at: index)
      default: bytes.removeSubrange(index...)
      }
    }
    return bytes
  }

  @Test(arguments: 1...8)
  func `damaged heads, bodies and URLs do no harm`(seed: UInt64) {
    var chance = Chance(state: seed &* 0x9E37_79B9_7F4A_7C15)
    let head =
      "HTTP/1.1 206 OK\r\nContent-Length: 12\r\nConnection: a, close\r\nETag: \"x\"\r\n"
      + "Content-Range: bytes 3-9/10\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n"
    let body = "5;a=b\r\nhello\r\nfffffffffffffff\r\nx\r\n0\r\nA: b\r\n\r\n"
    for _ in 0..<400 {
      let damagedHead = String(decoding: Self.damaged(head, &chance), as: UTF8.self)
      if case .success(let found?) = ResponseHeadTests.read(damagedHead) {
        #expect((100...599).contains(found.status))
        _ = found.contentRange.flatMap { ContentRange($0) }
        _ = RetryPolicy.seconds(retryAfter: found.date, date: found.date, now: 0)
      }
      let damagedBody = String(decoding: Self.damaged(body, &chance), as: UTF8.self)
      let size = 1 + chance.next(below: 40)
      if case .success(let found) = BodyReaderTests.read(damagedBody, .chunked, pieces: size) {
        #expect(found.data.utf8.count <= damagedBody.utf8.count)
      }
      let url = Self.damaged("https://us:er@[2001:db8::1]:8443/a/../b%20?c=d#e", &chance)
      if let url = HTTPURL(String(decoding: url, as: UTF8.self)) {
        #expect(url.target.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f })
        _ = url.resolving(url.target)
        _ = url.appending(damagedBody)
      }
    }
  }
}
