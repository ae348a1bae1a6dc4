// SPDX-License-Identifier: Apache-2.0
import Codec

/// A zip archive that lies in memory: members stored or deflated, in any order. Not: encryption,
/// several volumes, the forms for more than 4 GiB. APPNOTE.TXT 6.3.
/// ```
/// local header, name, data …     one for each member
/// entry …                        the directory: one for each member
/// end                            where the directory is, and a comment
/// ```
/// The directory says what there is. Its entries are checked when the archive is opened; data are
/// when they are read, against length and checksum.
public struct ZipReader: Sendable {
  public static let entryCountMax = 1024
  /// All numbers of an archive stay far from 32 bits.
  public static let byteCountMax = 1 << 30

  /// A member of the archive.
  public struct Entry: Sendable {
    public let name: String
    /// What `read` gives; nothing is promised before it did.
    public let byteCount: Int
    let isDeflated: Bool
    let isEncrypted: Bool
    let checksum: UInt32
    /// From its local header to the end of its data, and of the lengths that may follow them.
    let range: Range<Int>
    let dataRange: Range<Int>
    /// Its place in the directory.
    let directoryRange: Range<Int>
  }

  /// In the order of the directory.
  public let entries: [Entry]
  private let bytes: [UInt8]

  /// Throws `.unsupported` for what is a zip of a kind that is not read, `.tooLarge` for more than
  /// `byteCountMax` bytes or `entryCountMax` members, `.corrupt` for what is no zip; also where a
  /// name comes twice, and where members lie over each other.
  public init(_ bytes: [UInt8]) throws(CompressionError) {
    self.bytes = bytes
    let directory = try ZipDirectory(bytes)
    entries = try directory.entries(bytes)
  }

  /// The member of this name.
  public func entry(_ name: String) -> Entry? {
    entries.first { $0.name.utf8.elementsEqual(name.utf8) }
  }

  /// The content of a member of this archive. Throws `.tooLarge` where that is more than `limit`
  /// bytes, `.unsupported` for other methods and encryption, `.corrupt` where it does not fit its
  /// length and checksum.
  public func read(_ entry: Entry, limit: Int) throws(CompressionError) -> [UInt8] {
    guard !entry.isEncrypted else { throw .unsupported }
    guard entry.byteCount <= limit else { throw .tooLarge }
    let data = bytes.span.extracting(entry.dataRange)
    var content = [UInt8](repeating: 0, count: entry.byteCount)
    if entry.isDeflated {
      try ZipReader.inflate(data, into: &content)
    } else {
      guard data.count == content.count else { throw .corrupt }
      for index in data.indices { content[index] = data[index] }
    }
    guard CRC32.of(content.span) == entry.checksum else { throw .corrupt }
    return content
  }

  /// Fills `content` to its last byte, with nothing left of `data`.
  private static func inflate(
    _ data: Span<UInt8>, into content: inout [UInt8]
  ) throws(CompressionError) {
    var stream = try Inflate()
    let step = try stream.step(data, into: &content)
    var end = step
    var beyond: [UInt8] = [0]
    // The stream's last block may end behind the last byte that it gives.
    if !step.isFinished, step.produced == content.count {
      end = try stream.step(data.extracting(step.consumed...), into: &beyond)
      guard end.produced == 0 else { throw .corrupt }
    }
    let consumed = step.isFinished ? step.consumed : step.consumed + end.consumed
    guard end.isFinished, step.produced == content.count, consumed == data.count else {
      throw .corrupt
    }
  }

  /// The archive without some of its members. What is left lies there as it did, byte for byte;
  /// what goes is not in the result any more.
  public func without(_ names: [String]) -> [UInt8] {
    var (members, directory): ([UInt8], [UInt8]) = ([], [])
    var count: UInt16 = 0
    for entry in entries where !names.contains(where: { $0.utf8.elementsEqual(entry.name.utf8) }) {
      var listed = Array(bytes[entry.directoryRange])
      ZipDirectory.setOffset(UInt32(members.count), in: &listed)
      directory += listed
      members += bytes[entry.range]
      count += 1
    }
    return members + directory
      + ZipDirectory.end(entryCount: count, start: members.count, byteCount: directory.count)
  }
}
