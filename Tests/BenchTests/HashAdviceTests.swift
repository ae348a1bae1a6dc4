// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Bench

@Suite struct HashAdviceTests {
  private static let kib: Int64 = 1 << 10
  private static let mib: Int64 = 1 << 20

  @Test func `the smallest that is about as fast as the fastest is best`() {
    let advice = HashAdvice([
      Samples.figure(.map(windowBytes: 64 * Self.kib), 900),
      Samples.figure(.map(windowBytes: Self.mib), 980),
      Samples.figure(.map(windowBytes: 4 * Self.mib), 1000),
      Samples.figure(.map(windowBytes: nil), 1200),
      Samples.figure(.map(windowBytes: Self.mib), 1900, threads: 2),
      Samples.figure(.map(windowBytes: Self.mib), 1910, threads: 4),
      Samples.figure(.read(bufferBytes: 16 << 10), 700),
      Samples.figure(.read(bufferBytes: 64 << 10), 1000),
      Samples.figure(.read(bufferBytes: 256 << 10), 1010),
    ])
    #expect(advice.windowBytes == Self.mib)
    #expect(advice.bufferBytes == 64 << 10)
    #expect(advice.threads == 2)
    #expect(!advice.comparesSizes)
  }

  @Test func `cold figures say nothing about windows`() {
    let advice = HashAdvice([
      Samples.figure(.map(windowBytes: 64 * Self.kib), 50),
      Samples.figure(.map(windowBytes: Self.mib), 100),
      Samples.figure(.map(windowBytes: 64 * Self.kib), 5000, isCold: true),
    ])
    #expect(advice.windowBytes == Self.mib)
  }

  /// Rates of reading and of mapping at 64 KiB, 256 KiB and 1 MiB, and where mapping begins.
  static let cutOffs: [([UInt64], [UInt64], Int64?)] = [
    ([1000, 1000, 1000], [800, 900, 1100], mib),
    ([1000, 1000, 1000], [800, 995, 1000], 256 * kib),
    ([1000, 1000, 1000], [1100, 1100, 1100], 64 * kib),
    ([1000, 1000, 1000], [1100, 1100, 900], nil),
  ]

  @Test(arguments: cutOffs)
  func `files are mapped from where mapping no longer loses`(
    _ read: [UInt64], _ mapped: [UInt64], _ expected: Int64?
  ) {
    var figures: [(measure: HashMeasure, rate: UInt64)] = []
    for (index, bytes) in [64 * Self.kib, 256 * Self.kib, Self.mib].enumerated() {
      figures.append(Samples.figure(.read(bufferBytes: 65536), read[index], fileBytes: bytes))
      figures.append(Samples.figure(.map(windowBytes: Self.mib), mapped[index], fileBytes: bytes))
    }
    let advice = HashAdvice(figures)
    #expect(advice.cutOffBytes == expected)
    #expect(advice.comparesSizes)
  }

  @Test func `without figures there is no advice`() {
    let advice = HashAdvice([])
    #expect(advice.windowBytes == nil && advice.bufferBytes == nil && advice.threads == nil)
  }

  @Test func `threads double until there is one for each core`() {
    #expect(HashMeasure.threadCounts(1) == [1])
    #expect(HashMeasure.threadCounts(2) == [1, 2])
    #expect(HashMeasure.threadCounts(6) == [1, 2, 4, 6])
    #expect(HashMeasure.threadCounts(8) == [1, 2, 4, 8])
  }
}
