// SPDX-License-Identifier: Apache-2.0
import Compression
import Foundation
import Testing

/// Text that compresses, differs all the way and makes several deflate blocks.
func sample(_ count: Int) -> [UInt8] {
  var state: UInt64 = 1
  return (0..<count).map { index in
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return state >> 60 == 0 ? UInt8(truncatingIfNeeded: state >> 40) : UInt8(index / 7 % 40 + 40)
  }
}

func deflated(_ bytes: [UInt8], level: Int32 = 6, piece: Int = 1 << 16) throws -> [UInt8] {
  var deflate = try Deflate(level: level)
  var result: [UInt8] = []
  var buffer = [UInt8](repeating: 0, count: 1000)
  var position = 0
  while true {
    let end = min(position + piece, bytes.count)
    let step = try deflate.step(
      bytes.span.extracting(position..<end), finishing: end == bytes.count, into: &buffer)
    position += step.consumed
    result += buffer[..<step.produced]
    if step.isFinished { return result }
  }
}

func inflated(
  _ inflate: inout Inflate, _ bytes: [UInt8], piece: Int = .max, outputPiece: Int = 4096
) throws -> (bytes: [UInt8], consumed: Int, isFinished: Bool) {
  var result: [UInt8] = []
  var buffer = [UInt8](repeating: 0, count: outputPiece)
  var position = 0
  while true {
    let end = min(position + min(piece, bytes.count), bytes.count)
    let step = try inflate.step(bytes.span.extracting(position..<end), into: &buffer)
    position += step.consumed
    result += buffer[..<step.produced]
    if step.isFinished { return (result, position, true) }
    if position == bytes.count, step.produced < buffer.count { return (result, position, false) }
  }
}

@Suite struct InflateTests {
  @Test(arguments: [0, 1, 1000, 70_000, 300_000], [Int32(-3), 1, 6, 9, 99])
  func `what was packed comes out again`(count: Int, level: Int32) throws {
    let bytes = sample(count)
    let packed = try deflated(bytes, level: level)
    var inflate = try Inflate()
    for _ in 0..<2 {  // the second time with the same memory
      let result = try inflated(&inflate, packed + [1, 2, 3])
      #expect(result.bytes == bytes)
      #expect(result.consumed == packed.count)
      #expect(result.isFinished)
      inflate.reset()
    }
  }

  @Test(arguments: [1, 2, 3, 1000], [1, 7, 4096])
  func `pieces of any size give the same`(piece: Int, outputPiece: Int) throws {
    let bytes = sample(20_000)
    let packed = try deflated(bytes, piece: piece)
    var inflate = try Inflate()
    let result = try inflated(&inflate, packed, piece: piece, outputPiece: outputPiece)
    #expect(result.bytes == bytes)
    #expect(result.isFinished)
  }

  @Test func `the empty file is the two bytes that libostree writes`() throws {
    #expect(try deflated([]) == [0x03, 0x00])
  }

  @Test func `a cut stream is not finished`() throws {
    let packed = try deflated(sample(1000))
    for count in 0..<packed.count {
      var inflate = try Inflate()
      #expect(try !inflated(&inflate, Array(packed[..<count])).isFinished)
    }
  }

  @Test func `gzip made by gzip is unpacked`() throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = ["-c", "printf 'hello hello hello' | gzip -c"]
    let pipe = Pipe()
    process.standardOutput = pipe
    try process.run()
    let packed = [UInt8](pipe.fileHandleForReading.readDataToEndOfFile())
    var inflate = try Inflate(.gzip)
    let result = try inflated(&inflate, packed)
    #expect(result.bytes == Array("hello hello hello".utf8))
    #expect(result.isFinished)
  }

  @Test func `bad bytes are an error or wrong output and never the end of the process`() throws {
    let bytes = sample(3000)
    let packed = try deflated(bytes)
    var refused = 0
    var inflate = try Inflate()
    for bit in 0..<packed.count * 8 {
      var flipped = packed
      flipped[bit / 8] ^= 1 << UInt8(bit % 8)
      inflate.reset()
      do {
        #expect(try inflated(&inflate, flipped).bytes.count < 1 << 20)
      } catch let error as CompressionError {
        #expect(error == .corrupt)
        refused += 1
      }
    }
    #expect(refused > 0)
  }

  @Test(arguments: [1, 333, 10_000])
  func `a later process goes on from the last block`(cutEvery: Int) throws {
    let bytes = sample(400_000)
    let packed = try deflated(bytes)
    var inflate = try Inflate()
    var output: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 5000)
    var position = 0
    var seen: Set<UInt64> = []
    var bitCounts: Set<Int32> = []
    #expect(inflate.boundary == nil)
    while true {
      let end = min(position + cutEvery, packed.count)
      let step = try inflate.step(packed.span.extracting(position..<end), into: &buffer)
      position += step.consumed
      output += buffer[..<step.produced]
      if step.isFinished { break }
      guard let boundary = inflate.boundary, seen.insert(boundary.inputOffset).inserted else {
        continue
      }
      bitCounts.insert(boundary.bitCount)
      let before = Array(output.prefix(Int(boundary.outputOffset)))
      let window = before.suffix(32 << 10)
      var resumed = try Inflate(resuming: boundary, window: window.span)
      let rest = try inflated(&resumed, Array(packed[Int(boundary.inputOffset)...]))
      #expect(rest.isFinished)
      #expect(before + rest.bytes == bytes)
      if let later = resumed.boundary { #expect(later.inputOffset >= boundary.inputOffset) }
    }
    #expect(output == bytes)
    #expect(seen.count > 1)
    #expect(bitCounts.count > 1)
  }

  @Test func `a boundary that makes no sense is refused`() throws {
    for (offset, count, bits) in [
      (UInt64(0), Int32(3), Int32(1)), (9, 8, 0), (9, -1, 0), (9, 2, 4),
    ] {
      let boundary = InflateBoundary(
        inputOffset: offset, bitCount: count, bits: bits, outputOffset: 0)
      let none: [UInt8] = []
      var refusal: CompressionError?
      do throws(CompressionError) {
        _ = try Inflate(resuming: boundary, window: none.span)
      } catch { refusal = error }
      #expect(refusal == .corrupt)
    }
  }
}
