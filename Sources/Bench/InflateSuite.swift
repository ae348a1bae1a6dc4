// SPDX-License-Identifier: Apache-2.0
import Compression

/// How fast raw deflate streams are unpacked: data that packs little and much, buffers small and
/// large. Each gives two rates, of what goes in and of what comes out.
struct InflateSuite {
  private let meter: Meter
  private var payload = Payload()

  private static let plainBytes = 1 << 20
  private static let buffers: [Int] = [4 << 10, 16 << 10, 64 << 10, 256 << 10]

  init(_ meter: Meter) { self.meter = meter }

  mutating func run() throws(BenchError) {
    meter.expect(Payload.Kind.allCases.count * InflateSuite.buffers.count)
    for kind in Payload.Kind.allCases {
      let plain = payload.bytes(kind, count: InflateSuite.plainBytes)
      let packed = try InflateSuite.deflate(plain)
      for bufferBytes in InflateSuite.buffers { try measure(kind, packed, bufferBytes) }
    }
  }

  private func measure(
    _ kind: Payload.Kind, _ packed: [UInt8], _ bufferBytes: Int
  ) throws(BenchError) {
    var work = try InflateWork(packed, bufferBytes: bufferBytes)
    let took = try Meter.nanoseconds { () throws(BenchError) in try work.run(rounds: 1) }
    let plainBytes = UInt64(InflateSuite.plainBytes)
    let rounds = max(1, meter.amount(plainBytes, took: took) / plainBytes)
    let parameters: [BenchParameter] = [
      .word("data", kind.rawValue), .number("buffer_bytes", bufferBytes),
    ]
    try meter.measure(
      "in", parameters, .bytesPerSecond, amount: rounds * UInt64(packed.count),
      and: ("out", rounds * plainBytes)
    ) { () throws(BenchError) in try work.run(rounds: rounds) }
  }

  private static func deflate(_ plain: [UInt8]) throws(BenchError) -> [UInt8] {
    try inStream { () throws(CompressionError) -> [UInt8] in
      var packed: [UInt8] = []
      var deflate = try Deflate()
      var output = [UInt8](repeating: 0, count: 64 << 10)
      var position = 0
      while true {
        let step = try deflate.step(
          plain.span.extracting(position..<plain.count), finishing: true, into: &output)
        position += step.consumed
        packed.append(contentsOf: output.prefix(step.produced))
        if step.isFinished { return packed }
      }
    }
  }
}

/// One stream, unpacked again and again.
private struct InflateWork: ~Copyable {
  private let packed: [UInt8]
  private var inflate: Inflate
  private var output: [UInt8]

  init(_ packed: [UInt8], bufferBytes: Int) throws(BenchError) {
    self.packed = packed
    inflate = try inStream { () throws(CompressionError) in try Inflate() }
    output = [UInt8](repeating: 0, count: bufferBytes)
  }

  mutating func run(rounds: UInt64) throws(BenchError) {
    for _ in 0..<rounds {
      do throws(CompressionError) { try unpack() } catch { throw .compression(error) }
    }
  }

  /// Fed as it would come from a socket: so much at a time as the buffer holds.
  private mutating func unpack() throws(CompressionError) {
    let packed = self.packed
    inflate.reset()
    var position = 0
    while true {
      let end = min(packed.count, position + output.count)
      let step = try inflate.step(packed.span.extracting(position..<end), into: &output)
      position += step.consumed
      if step.isFinished { return }
      if step.consumed == 0, step.produced == 0 { throw .corrupt }
    }
  }
}
