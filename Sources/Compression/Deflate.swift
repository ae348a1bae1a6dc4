// SPDX-License-Identifier: Apache-2.0
internal import CZlib
import Linux

/// What one step of a `Deflate` did.
public struct DeflateStep: Hashable, Sendable {
  /// Bytes taken from the front of the input.
  public let consumed: Int
  /// Bytes written to the output.
  public let produced: Int
  /// The stream is complete: only after `finishing`.
  public let isFinished: Bool
}

/// Packs bytes into a raw deflate stream piece by piece. zlib.h, RFC 1951.
@safe public struct Deflate: ~Copyable {
  // zlib keeps the address of its stream, so the stream has a place of its own.
  private let stream: UnsafeMutablePointer<z_stream>

  /// `level` is 1, fast, to 9, small; what lies outside is clamped, as OSTree does.
  public init(level: Int32 = 6) throws(CompressionError) {
    let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    unsafe stream.initialize(to: z_stream())
    let opened = unsafe deflateInit2_(
      stream, min(max(level, 1), 9), Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY, zlibVersion(),
      Int32(MemoryLayout<z_stream>.size))
    guard opened == Z_OK else {
      unsafe stream.deallocate()
      throw .outOfMemory
    }
    unsafe self.stream = stream
  }

  deinit {
    unsafe _ = deflateEnd(stream)
    unsafe stream.deallocate()
  }

  /// Begins a new stream of the same level, with the memory of the last.
  public mutating func reset() { unsafe _ = deflateReset(stream) }

  /// Packs from `input` into `output[start...]` until the input is used up or the output full.
  /// `finishing` says that this input is the last: call again, with what is left of it, until
  /// `isFinished`.
  public mutating func step(
    _ input: Span<UInt8>, finishing: Bool, into output: inout [UInt8], at start: Int = 0
  ) throws(CompressionError) -> DeflateStep {
    precondition(start >= 0 && start <= output.count)
    let stream = unsafe stream
    // zlib counts in 32 bits; whoever has more calls again.
    let inputCount = min(input.count, Int(Int32.max))
    let outputCount = min(output.count - start, Int(Int32.max))
    let flush = finishing && inputCount == input.count ? Z_FINISH : Z_NO_FLUSH
    let result = unsafe input.withUnsafeBufferPointer { input in
      unsafe output.withUnsafeMutableBufferPointer { output in
        unsafe stream.pointee.next_in = input.baseAddress.map {
          unsafe UnsafeMutablePointer(mutating: $0)
        }
        unsafe stream.pointee.avail_in = uInt(inputCount)
        unsafe stream.pointee.next_out = output.baseAddress.map { unsafe $0 + start }
        unsafe stream.pointee.avail_out = uInt(outputCount)
        return unsafe deflate(stream, flush)
      }
    }
    guard result == Z_OK || result == Z_BUF_ERROR || result == Z_STREAM_END else { throw .corrupt }
    return DeflateStep(
      consumed: inputCount - Int(unsafe stream.pointee.avail_in),
      produced: outputCount - Int(unsafe stream.pointee.avail_out),
      isFinished: result == Z_STREAM_END)
  }
}
