// SPDX-License-Identifier: Apache-2.0

/// The formats of whole files that fit into memory.
public enum CompressedFile: Hashable, Sendable {
  case gzip
  case xz

  /// Unpacks `bytes`. Throws `.corrupt` where they are cut short, or where something follows them,
  /// and `.tooLarge` where there would be more than `limit`.
  public func unpack(
    _ bytes: [UInt8], limit: Int, memoryBytesMax: UInt64
  ) throws(CompressionError) -> [UInt8] {
    switch self {
    case .gzip: try CompressedFile.inflate(bytes, limit)
    case .xz: try CompressedFile.unpackXZ(bytes, limit, memoryBytesMax)
    }
  }

  private static func unpackXZ(
    _ bytes: [UInt8], _ limit: Int, _ memoryBytesMax: UInt64
  ) throws(CompressionError) -> [UInt8] {
    let decoder = XZDecoder(dictionaryBytesMax: memoryBytesMax, outputBytesMax: UInt64(limit))
    var output: [UInt8] = []
    var read = 0
    while true {
      let (consumed, event) = try decoder.step(bytes.span.extracting(read...))
      read += consumed
      switch event {
      case .output:
        decoder.withOutput { piece in
          unsafe piece.withUnsafeBufferPointer { unsafe output.append(contentsOf: $0) }
        }
      case .inputUsed: throw .corrupt
      case .finished:
        guard read == bytes.count else { throw .corrupt }
        return output
      }
    }
  }

  private static let firstBytes = 256 << 10

  private static func inflate(_ bytes: [UInt8], _ limit: Int) throws(CompressionError) -> [UInt8] {
    var stream = try Inflate(.gzip)
    var output = [UInt8](repeating: 0, count: min(limit, firstBytes))
    var (read, written) = (0, 0)
    while true {
      let done = try stream.step(bytes.span.extracting(read...), into: &output, at: written)
      read += done.consumed
      written += done.produced
      if done.isFinished { break }
      if written == output.count {
        if output.count >= limit { throw .tooLarge }
        let more = min(output.count, limit - output.count)
        output.append(contentsOf: repeatElement(0, count: more))
      } else if done.consumed == 0, done.produced == 0 {
        throw .corrupt
      }
    }
    guard read == bytes.count else { throw .corrupt }
    output.removeLast(output.count - written)
    return output
  }
}
