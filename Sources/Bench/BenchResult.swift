// SPDX-License-Identifier: Apache-2.0

/// A group of measures; the name is what the user types.
public enum BenchSuite: String, CaseIterable, Sendable {
  case hash, inflate, store, checkout, pull
}

/// What a figure counts. Of rates more is better, of all else less.
public enum BenchUnit: String, Sendable {
  case bytesPerSecond = "bytes/s"
  case objectsPerSecond = "objects/s"
  case microseconds, bytes, percent
}

/// One thing that sets a measure apart from others of its name.
public struct BenchParameter: Hashable, Sendable {
  public enum Value: Hashable, Sendable {
    case number(UInt64)
    case word(String)
  }

  /// In lower case with underscores; one that ends in `_bytes` is a number of bytes.
  public let name: String
  public let value: Value

  static func number(_ name: String, _ value: Int) -> BenchParameter {
    BenchParameter(name: name, value: .number(UInt64(value)))
  }

  static func word(_ name: String, _ value: String) -> BenchParameter {
    BenchParameter(name: name, value: .word(value))
  }
}

/// What a figure is the figure of.
public struct BenchName: Hashable, Sendable {
  public let suite: BenchSuite
  public let name: String
  public let parameters: [BenchParameter]
}

/// The figure of one measure, from several runs.
public struct BenchResult: Sendable {
  public let name: BenchName
  public let unit: BenchUnit
  public let median: UInt64
  public let min: UInt64
  public let max: UInt64
  /// How often it was run.
  public let runs: Int

  /// `rates` is not empty.
  init(_ name: BenchName, _ unit: BenchUnit, _ rates: [UInt64]) {
    let sorted = rates.sorted()
    self.name = name
    self.unit = unit
    median = sorted[sorted.count / 2]
    min = sorted[0]
    max = sorted[sorted.count - 1]
    runs = sorted.count
  }
}

/// What a reader of the figures should know about how they came about.
public enum BenchNote: Hashable, Sendable {
  /// The file system keeps its files in memory: nothing was measured with a cold cache.
  case cacheNotDropped
  /// So many measures were left out, since the time was up.
  case leftOut(BenchSuite, count: Int)
  /// The largest file, where it had to be smaller than `HashSuite.bulkBytesMax`.
  case smallerFiles(bytes: UInt64, because: BenchLimit)
  /// OpenSSL could not be measured without the CPU's extensions.
  case noKernels
  /// There could be no server to pull from.
  case noServer
}

/// What there was too little of.
public enum BenchLimit: Hashable, Sendable {
  case space, memory, time
}

/// What a run of benchmarks found.
public struct BenchReport: Sendable {
  public let machine: Machine
  public let directory: String
  public let seconds: UInt64
  /// UTC, since 1970.
  public let startedSeconds: Int64
  public let results: [BenchResult]
  /// Only where `hash` ran.
  public let advice: HashAdvice?
  public let notes: [BenchNote]
}

/// How far a run is.
public struct BenchProgress: Sendable {
  public let suite: BenchSuite
  public let done: Int
  public let total: Int
  /// The measure that begins.
  public let name: String
}
