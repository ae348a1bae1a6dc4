// SPDX-License-Identifier: Apache-2.0
import Compression
import OSTree
import Testing

@Suite struct ArchiveFileDecoderTests {
  static let header = FileHeaderTests.plain
  static let content = Array("hello\n".utf8)

  static func refusal(
    _ bytes: [UInt8], piece: Int = .max, limitBytes: UInt64? = nil
  ) -> FormatError? {
    do throws(FormatError) {
      _ = try DecodedFile(bytes, piece: piece, limitBytes: limitBytes)
      return nil
    } catch { return error }
  }

  /// An object whose header declares `size` for this content.
  static func declaring(_ size: UInt64, _ content: [UInt8]) throws -> [UInt8] {
    let honest = try encode(header, content)
    let front = header.archiveHeader(sizeBytes: UInt64(content.count)).count
    return header.archiveHeader(sizeBytes: size) + honest.dropFirst(front)
  }

  @Test(arguments: [0, 1, 65_535, 65_536, 65_537, 300_000], [1, 8, 9, 1000, 1 << 20])
  func `content of any size comes through in pieces of any size`(count: Int, piece: Int) throws {
    let content = (0..<count).map { UInt8(truncatingIfNeeded: $0 / 3) }
    let file = try DecodedFile(encode(Self.header, content), piece: piece)
    #expect(file.content == content)
    #expect(file.header == Self.header)
  }

  @Test func `one decoder takes object after object, also after a bad one`() throws {
    var decoder = try ArchiveFileDecoder()
    let good = try encode(Self.header, Self.content)
    let link = try encode(FileHeaderTests.link, [])
    for bytes in [good, link, good] {
      decoder.reset()
      let file = try DecodedFile(bytes, piece: 5, with: &decoder)
      #expect(file.content == (file.header.isSymlink ? [] : Self.content))
      decoder.reset()
      var error: FormatError?
      do throws(FormatError) {
        _ = try DecodedFile(Array(good.dropLast(3)), piece: 5, with: &decoder)
      } catch let found { error = found }
      #expect(error == .truncated)
    }
  }

  @Test(arguments: [1, 7, Int.max])
  func `content that is not as long as declared is refused`(piece: Int) throws {
    for size in [UInt64(0), 5, 7, 1 << 40, .max] {
      #expect(Self.refusal(try Self.declaring(size, Self.content), piece: piece) == .size)
    }
  }

  @Test(arguments: [1, 7, Int.max]) func `bytes after the end are refused`(piece: Int) throws {
    let file = try encode(Self.header, Self.content) + [0]
    #expect(Self.refusal(file, piece: piece) == .trailing)
    let link = try encode(FileHeaderTests.link, []) + [3, 0]
    #expect(Self.refusal(link, piece: piece) == .trailing)
  }

  @Test func `an object that ends anywhere too early is refused`() throws {
    for bytes in [try encode(Self.header, Self.content), try encode(FileHeaderTests.link, [])] {
      for count in 0..<bytes.count {
        #expect(Self.refusal(Array(bytes.prefix(count)), piece: 3) == .truncated)
      }
    }
  }

  @Test func `a prefix that no object has is refused at once`() {
    let limit = UInt32(FileHeader.archiveHeaderLimitBytes)
    func prefix(_ length: UInt32, _ padding: [UInt8]) -> [UInt8] {
      [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: length >> UInt32($0)) } + padding
    }
    #expect(Self.refusal(prefix(0, [0, 0, 0, 0])) == .header)
    #expect(Self.refusal(prefix(26, [0, 0, 1, 0])) == .header)
    #expect(Self.refusal(prefix(limit, [0, 0, 0, 0])) == .truncated)
    #expect(Self.refusal(prefix(limit + 1, [0, 0, 0, 0])) == .tooLarge(limitBytes: UInt64(limit)))
    #expect(Self.refusal(prefix(.max, [0, 0, 0, 0])) == .tooLarge(limitBytes: UInt64(limit)))
  }

  @Test func `content above the caller's limit is refused before any of it is unpacked`() throws {
    let bytes = try encode(Self.header, Self.content)
    #expect(Self.refusal(bytes, limitBytes: 5) == .tooLarge(limitBytes: 5))
    #expect(Self.refusal(bytes, limitBytes: 6) == nil)
  }

  @Test func `a stream that is none is refused`() throws {
    var bytes = try encode(Self.header, Self.content)
    bytes[8 + 26] = 0xff  // a block of the reserved type
    #expect(Self.refusal(bytes) == .deflate)
  }

  @Test func `a later decoder goes on from a boundary`() throws {
    var random = SeededGenerator(5)
    let content = (0..<600_000).map { _ in UInt8.random(in: 0...15, using: &random) }
    let bytes = try encode(Self.header, content)
    var decoder = try ArchiveFileDecoder()
    var unpacked: [UInt8] = []
    var position = 0
    var boundaries: [InflateBoundary] = []
    while position < bytes.count {
      let end = min(position + 5000, bytes.count)
      let step = try decoder.step(bytes.span.extracting(position..<end))
      position += step.consumed
      decoder.withContent { span in for index in span.indices { unpacked.append(span[index]) } }
      if let boundary = decoder.boundary, boundary != boundaries.last {
        boundaries.append(boundary)
      }
    }
    #expect(boundaries.count > 3)
    for boundary in boundaries {
      let start = Int(boundary.outputOffset)
      let window = Array(unpacked[max(0, start - Inflate.windowBytes)..<start])
      var later = try ArchiveFileDecoder(
        resuming: boundary, window: window.span, header: Self.header,
        sizeBytes: UInt64(content.count), headerBytes: decoder.headerBytes)
      let rest = bytes[(Int(decoder.headerBytes) + Int(boundary.inputOffset))...]
      var tail: [UInt8] = []
      var at = rest.startIndex
      while true {
        let step = try later.step(bytes.span.extracting(at..<rest.endIndex))
        at += step.consumed
        later.withContent { span in for index in span.indices { tail.append(span[index]) } }
        if step.event == .inputUsed { break }
      }
      try later.finish()
      #expect(Array(content[start...]) == tail)
    }
  }
}
