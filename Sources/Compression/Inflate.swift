// SPDX-License-Identifier: Apache-2.0
internal import CZlib
import Linux

/// What one step of an `Inflate` did.
public struct InflateStep: Hashable, Sendable {
  /// Bytes taken from the front of the input.
  public let consumed: Int
  /// Bytes written to the output.
  public let produced: Int
  /// The stream has ended; what follows in the input is not part of it.
  public let isFinished: Bool
}

/// A place between two blocks of a raw deflate stream, from where a later process may go on.
public struct InflateBoundary: Hashable, Sendable {
  /// Where in the compressed stream the next byte to feed stands.
  public let inputOffset: UInt64
  /// How many bits of the byte before belong to the next block, 0 to 7, and their value.
  public let bitCount: Int32
  public let bits: Int32
  /// How much output comes before this place; its last `Inflate.windowBytes` are the dictionary.
  public let outputOffset: UInt64

  public init(inputOffset: UInt64, bitCount: Int32, bits: Int32, outputOffset: UInt64) {
    self.inputOffset = inputOffset
    self.bitCount = bitCount
    self.bits = bits
    self.outputOffset = outputOffset
  }
}

/// Unpacks a deflate stream piece by piece in about 40 KiB of memory. zlib.h, RFC 1951.
@safe public struct Inflate: ~Copyable {
  public enum Format: Sendable {
    /// No header, no trailer: what OSTree's `.filez` holds.
    case raw
    /// RFC 1952; one member.
    case gzip
  }

  /// How far back deflate refers: what `init(resuming:window:)` wants of the output before.
  public static let windowBytes = 32 << 10

  // zlib keeps the address of its stream, so the stream has a place of its own.
  private let stream: UnsafeMutablePointer<z_stream>
  private var inputOffset: UInt64 = 0
  private var outputOffset: UInt64 = 0
  private var lastByte: UInt8 = 0

  /// The last place between two blocks that was passed, nil before the first.
  public private(set) var boundary: InflateBoundary?

  public init(_ format: Format = .raw) throws(CompressionError) {
    unsafe stream = unsafe try Inflate.open(format == .raw ? -MAX_WBITS : MAX_WBITS + 16)
  }

  /// Goes on with a raw stream at `boundary`. `window` is the end of the output before it, at
  /// least 32 KiB or all of it. Throws `.corrupt` if the boundary makes no sense.
  public init(
    resuming boundary: InflateBoundary, window: Span<UInt8>
  ) throws(CompressionError) {
    guard (0...7).contains(boundary.bitCount), boundary.bits >> boundary.bitCount == 0,
      boundary.bitCount == 0 || boundary.inputOffset > 0
    else { throw .corrupt }
    let stream = unsafe try Inflate.open(-MAX_WBITS)
    unsafe self.stream = stream
    inputOffset = boundary.inputOffset
    outputOffset = boundary.outputOffset
    self.boundary = boundary
    if boundary.bitCount > 0 {
      unsafe _ = inflatePrime(stream, boundary.bitCount, boundary.bits)
    }
    let tail = window.extracting(last: Inflate.windowBytes)
    if tail.count > 0 {
      unsafe tail.withUnsafeBufferPointer {
        unsafe _ = inflateSetDictionary(stream, $0.baseAddress, uInt($0.count))
      }
    }
  }

  private static func open(
    _ windowBits: Int32
  ) throws(CompressionError) -> UnsafeMutablePointer<z_stream> {
    let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    unsafe stream.initialize(to: z_stream())
    let size = unsafe Int32(MemoryLayout<z_stream>.size)
    guard unsafe inflateInit2_(stream, windowBits, zlibVersion(), size) == Z_OK else {
      unsafe stream.deallocate()
      throw .outOfMemory
    }
    return unsafe stream
  }

  deinit {
    unsafe _ = inflateEnd(stream)
    unsafe stream.deallocate()
  }

  /// Begins a new stream of the same format, with the memory of the last.
  public mutating func reset() {
    unsafe _ = inflateReset(stream)
    inputOffset = 0
    outputOffset = 0
    lastByte = 0
    boundary = nil
  }

  /// Unpacks from `input` into `output[start...]`, until the input is used up, the output full or
  /// the stream at its end. Call again while the output was full, even with no input left.
  public mutating func step(
    _ input: Span<UInt8>, into output: inout [UInt8], at start: Int = 0
  ) throws(CompressionError) -> InflateStep {
    precondition(start >= 0 && start <= output.count)
    let stream = unsafe stream
    var consumed = 0
    var produced = 0
    while true {
      let (inputCount, outputCount) = (
        min(input.count - consumed, Int(Int32.max)),
        min(output.count - start - produced, Int(Int32.max))
      )
      // Z_BLOCK returns after each block, which is when a boundary can be noted.
      let result = unsafe input.withUnsafeBufferPointer { input in
        unsafe output.withUnsafeMutableBufferPointer { output in
          unsafe stream.pointee.next_in = input.baseAddress.map {
            unsafe UnsafeMutablePointer(mutating: $0 + consumed)
          }
          unsafe stream.pointee.avail_in = uInt(inputCount)
          unsafe stream.pointee.next_out = output.baseAddress.map { unsafe $0 + start + produced }
          unsafe stream.pointee.avail_out = uInt(outputCount)
          return unsafe inflate(stream, Z_BLOCK)
        }
      }
      let taken = inputCount - Int(unsafe stream.pointee.avail_in)
      let given = outputCount - Int(unsafe stream.pointee.avail_out)
      if taken > 0 { lastByte = input[consumed + taken - 1] }
      consumed += taken
      produced += given
      inputOffset += UInt64(taken)
      outputOffset += UInt64(given)

      switch result {
      case Z_STREAM_END:
        return InflateStep(consumed: consumed, produced: produced, isFinished: true)
      case Z_BUF_ERROR:  // nothing more to do with this input or output
        return InflateStep(consumed: consumed, produced: produced, isFinished: false)
      case Z_OK: noteBoundary()
      case Z_MEM_ERROR: throw .outOfMemory
      default: throw .corrupt
      }
    }
  }

  /// zlib.h, `inflate`: data_type holds the unused bits of the last byte, +64 in the last block,
  /// +128 right after a block.
  private mutating func noteBoundary() {
    let state = unsafe stream.pointee.data_type
    guard state & 128 != 0, state & 64 == 0 else { return }
    let bitCount = state & 7
    boundary = InflateBoundary(
      inputOffset: inputOffset, bitCount: bitCount,
      bits: bitCount == 0 ? 0 : Int32(lastByte) >> (8 - bitCount), outputOffset: outputOffset)
  }
}
