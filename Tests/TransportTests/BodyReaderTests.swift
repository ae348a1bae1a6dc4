// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Transport

@Suite struct BodyReaderTests {
  struct Body: Hashable {
    var data = ""
    /// What is left behind the end of the body; nil if the end did not come.
    var rest: String?
  }

  /// Reads `text`, which arrives in pieces of `size` bytes.
  static func read(
    _ text: String, _ framing: BodyFraming, pieces size: Int
  ) -> Result<Body, MalformedResponse> {
    let bytes = Array(text.utf8)
    var reader = BodyReader(framing)
    var (data, position, arrived) = ([UInt8](), 0, 0)
    do throws(MalformedResponse) {
      while !reader.isFinished {
        if position == arrived {
          if arrived == bytes.count { break }
          arrived = min(arrived + size, bytes.count)
        }
        let step = try reader.step(bytes.span.extracting(position..<arrived))
        data += bytes[position + step.skipped..<position + step.skipped + step.data]
        position += step.skipped + step.data
        #expect(step.isFinished == reader.isFinished)
      }
    } catch {
      return .failure(error)
    }
    let rest = String(decoding: bytes[position...], as: UTF8.self)
    return .success(
      Body(data: String(decoding: data, as: UTF8.self), rest: reader.isFinished ? rest : nil))
  }

  @Test(
    arguments: [
      ("5\r\nhello\r\n0\r\n\r\nnext", Body(data: "hello", rest: "next")),
      ("5\r\nhello\r\n6\r\n world\r\n000\r\n\r\n", Body(data: "hello world", rest: "")),
      ("0\r\n\r\n", Body(data: "", rest: "")),
      ("A;name=\"va;lue\"\r\n0123456789\r\n0;x\r\n\r\n", Body(data: "0123456789", rest: "")),
      ("a \t\r\n0123456789\r\n0\r\n\r\n", Body(data: "0123456789", rest: "")),
      ("1\r\nx\r\n0\r\nSum: 12\r\nOther:\r\n\r\nHTTP", Body(data: "x", rest: "HTTP")),
      ("5\r\nhel", Body(data: "hel", rest: nil)),
      ("5\r\nhello\r\n", Body(data: "hello", rest: nil)),
      ("5\r\nhello\r\n0\r\n", Body(data: "hello", rest: nil)),
    ], [1, 2, 3, 7, 1000])
  func `chunks are put together`(sample: (String, Body), size: Int) throws {
    #expect(try Self.read(sample.0, .chunked, pieces: size).get() == sample.1)
  }

  @Test(
    arguments: [
      ("x\r\n", .chunkSize),
      ("\r\n", .chunkSize),
      (";x\r\n", .chunkSize),
      ("-1\r\n", .chunkSize),
      ("0x5\r\nhello\r\n", .chunkSize),
      (" 5\r\nhello\r\n", .chunkSize),
      ("5\nhello\r\n", .chunkSize),
      ("10000000000000000\r\n", .chunkSize),
      ("ffffffffffffffff1\r\n", .chunkSize),
      (String(repeating: "0", count: 300) + "\r\n", .chunkSize),
      ("5;" + String(repeating: "x", count: 300) + "\r\n", .chunkExtension),
      ("5;a\u{0}b\r\nhello\r\n", .chunkExtension),
      ("5;a\nhello\r\n", .chunkExtension),
      ("5\rhello\r\n", .lineEnd),
      ("5\r\nhelloX\r\n0\r\n\r\n", .chunkEnd),
      ("5\r\nhello\n0\r\n\r\n", .chunkEnd),
      ("5\r\nhello\rX", .chunkEnd),
      ("0\r\n\n", .trailer),
      ("0\r\n folded: x\r\n\r\n", .trailer),
      ("0\r\nSum : x\r\n\r\n", .trailer),
      ("0\r\nSum\r\n\r\n", .trailer),
      ("0\r\nSum: a\nb\r\n\r\n", .trailer),
      ("0\r\nSum: a\rb\r\n\r\n", .lineEnd),
      ("0\r\n\rX", .lineEnd),
      ("0\r\nSum: " + String(repeating: "x", count: 5000) + "\r\n\r\n", .trailer),
    ] as [(String, MalformedResponse)], [1, 1000])
  func `malformed chunks are refused`(sample: (String, MalformedResponse), size: Int) {
    #expect(Self.read(sample.0, .chunked, pieces: size) == .failure(sample.1))
  }

  @Test(arguments: [1, 2, 100])
  func `a length is a length`(size: Int) throws {
    #expect(
      try Self.read("hellonext", .length(5), pieces: size).get()
        == Body(data: "hello", rest: "next"))
    #expect(try Self.read("", .length(0), pieces: size).get() == Body(data: "", rest: ""))
    #expect(try Self.read("hel", .length(5), pieces: size).get() == Body(data: "hel", rest: nil))
    #expect(
      try Self.read("hel", .untilClose, pieces: size).get() == Body(data: "hel", rest: nil))
  }

  @Test func `the largest chunk does not overflow`() throws {
    var reader = BodyReader(.chunked)
    let bytes = Array("ffffffffffffffff\r\nabc".utf8)
    let step = try reader.step(bytes.span)
    #expect(step == BodyStep(skipped: 18, data: 3, isFinished: false))
  }
}
