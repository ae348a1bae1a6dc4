// SPDX-License-Identifier: Apache-2.0
internal import CLzma

/// Unpacks an .xz stream piece by piece. Its memory is that of the dictionary, which the stream
/// names and the caller limits. lzma/container.h, the .xz file format 1.1.0.
@safe public struct XZDecoder: ~Copyable {
  // liblzma's stream has a place of its own, as zlib's has.
  private let stream: UnsafeMutablePointer<lzma_stream>

  /// Throws `.outOfMemory` later where the stream wants more than `memoryBytesMax`.
  public init(memoryBytesMax: UInt64) throws(CompressionError) {
    let stream = UnsafeMutablePointer<lzma_stream>.allocate(capacity: 1)
    unsafe stream.initialize(to: lzma_stream())
    guard unsafe lzma_stream_decoder(stream, memoryBytesMax, 0) == LZMA_OK else {
      unsafe stream.deallocate()
      throw .outOfMemory
    }
    unsafe self.stream = stream
  }

  deinit {
    unsafe lzma_end(stream)
    unsafe stream.deallocate()
  }

  /// As `Inflate.step`. Throws `.corrupt`, also for a checksum that does not hold.
  public mutating func step(
    _ input: Span<UInt8>, into output: inout [UInt8], at start: Int = 0
  ) throws(CompressionError) -> InflateStep {
    precondition(start >= 0 && start <= output.count)
    let stream = unsafe stream
    let result = unsafe input.withUnsafeBufferPointer { input in
      unsafe output.withUnsafeMutableBufferPointer { output in
        unsafe stream.pointee.next_in = input.baseAddress
        unsafe stream.pointee.avail_in = input.count
        unsafe stream.pointee.next_out = output.baseAddress.map { unsafe $0 + start }
        unsafe stream.pointee.avail_out = output.count - start
        return unsafe lzma_code(stream, LZMA_RUN)
      }
    }
    let consumed = input.count - Int(unsafe stream.pointee.avail_in)
    let produced = output.count - start - Int(unsafe stream.pointee.avail_out)
    switch result {
    case LZMA_OK, LZMA_BUF_ERROR:
      return InflateStep(consumed: consumed, produced: produced, isFinished: false)
    case LZMA_STREAM_END:
      return InflateStep(consumed: consumed, produced: produced, isFinished: true)
    case LZMA_MEM_ERROR, LZMA_MEMLIMIT_ERROR: throw .outOfMemory
    default: throw .corrupt
    }
  }
}

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
    case .gzip:
      var stream = try Inflate(.gzip)
      return try CompressedFile.collect(bytes, limit) {
        (input, output, start) throws(CompressionError) in
        try stream.step(input, into: &output, at: start)
      }
    case .xz:
      var stream = try XZDecoder(memoryBytesMax: memoryBytesMax)
      return try CompressedFile.collect(bytes, limit) {
        (input, output, start) throws(CompressionError) in
        try stream.step(input, into: &output, at: start)
      }
    }
  }

  private static let firstBytes = 256 << 10

  private static func collect(
    _ bytes: [UInt8], _ limit: Int,
    _ step: (Span<UInt8>, inout [UInt8], Int) throws(CompressionError) -> InflateStep
  ) throws(CompressionError) -> [UInt8] {
    var output = [UInt8](repeating: 0, count: min(limit, firstBytes))
    var (read, written) = (0, 0)
    while true {
      let done = try step(bytes.span.extracting(read...), &output, written)
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
