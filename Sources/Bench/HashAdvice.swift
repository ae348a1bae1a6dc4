// SPDX-License-Identifier: Apache-2.0

/// What the figures of `hash` say about how files should be hashed on this machine. Nil where they
/// say nothing: the measures were left out.
public struct HashAdvice: Sendable {
  /// The smallest window that is about as fast as the fastest: less is in memory at a time.
  public let windowBytes: Int64?
  /// The smallest buffer that is about as fast as the fastest.
  public let bufferBytes: Int?
  /// From this size on mapping a file is at least as fast as reading it, for all sizes that were
  /// measured.
  public let cutOffBytes: Int64?
  /// The fewest threads that are about as fast as the fastest.
  public let threads: Int?
  /// Whether the cut-off was measured at all: then nil says that reading always wins.
  public let comparesSizes: Bool

  /// What is no faster than this is not worth more memory or threads: percent.
  private static let tolerance: UInt64 = 3

  init(_ medians: [(measure: HashMeasure, rate: UInt64)]) {
    var windows: [(Int64, UInt64)] = []
    var buffers: [(Int, UInt64)] = []
    var threads: [(Int, UInt64)] = []
    var read: [(Int64, UInt64)] = []
    var mapped: [(Int64, UInt64)] = []
    for (measure, rate) in medians where !measure.isCold && !measure.method.dropsBehind {
      switch (measure.files, measure.method.way) {
      case (.many(let bytes), .read): read.append((bytes, rate))
      case (.many(let bytes), .map): mapped.append((bytes, rate))
      case (.many, .fileHash), (.bulk, .fileHash): break
      case (.bulk, _) where measure.method.advice != .sequential: break
      case (.bulk, .map(let bytes)):
        if measure.threads == 1, let bytes { windows.append((bytes, rate)) }
        if bytes == 1 << 20 { threads.append((measure.threads, rate)) }
      case (.bulk, .read(let bytes)):
        if measure.threads == 1 { buffers.append((bytes, rate)) }
      }
    }
    windowBytes = HashAdvice.smallest(windows)
    bufferBytes = HashAdvice.smallest(buffers)
    self.threads = HashAdvice.smallest(threads)
    comparesSizes = !mapped.isEmpty
    cutOffBytes = HashAdvice.cutOff(read, mapped)
  }

  private static func smallest<Size: Comparable>(_ rates: [(Size, UInt64)]) -> Size? {
    var best: UInt64 = 0
    for (_, rate) in rates { best = max(best, rate) }
    var found: Size?
    for (size, rate) in rates where rate >= best / 100 * (100 - tolerance) {
      if found.map({ size < $0 }) ?? true { found = size }
    }
    return found
  }

  /// From the largest size down, as long as mapping is not slower by more than what two runs of
  /// the same differ.
  private static func cutOff(_ read: [(Int64, UInt64)], _ mapped: [(Int64, UInt64)]) -> Int64? {
    var found: Int64?
    for (bytes, rate) in mapped.sorted(by: { $0.0 > $1.0 }) {
      guard let other = read.first(where: { $0.0 == bytes })?.1, rate >= other / 100 * 99 else {
        break
      }
      found = bytes
    }
    return found
  }
}
