// SPDX-License-Identifier: Apache-2.0
import Linux

/// What to measure, where, and for how long.
public struct BenchOptions: Sendable {
  public var suites: [BenchSuite] = BenchSuite.allCases
  /// Where files are written: the file system is part of what is measured.
  public var directory: String
  /// For all suites together. A suite for whose measures the machine is too slow takes up to a
  /// quarter more, or ten seconds, and then leaves measures out.
  public var seconds: UInt64
  /// Nil: nothing is measured that needs another process.
  public var child: BenchChild?
  /// Where `pull` pulls from; nil: a commit that is made for it, from a server of its own.
  public var remote: BenchRemote?
  /// Whether no measure is left out, however long it takes: for tests on busy machines.
  var isPatient = false

  public init(directory: String, seconds: UInt64) {
    self.directory = directory
    self.seconds = seconds
  }
}

/// Micro-benchmarks of what an update does: they tell what a board can do, and how much of it the
/// program makes use of.
public enum Bench {
  /// Runs them. `report` is called before each measure. Leaves nothing behind in the directory,
  /// also if it throws. Throws `BenchError`; `interrupted` soon after a signal that
  /// `Process.catchInterrupts` has caught.
  public static func run(
    _ options: BenchOptions, report: @escaping (BenchProgress) -> Void = { _ in }
  ) throws(BenchError) -> BenchReport {
    let started = Clock.wallSeconds
    let scratch = try Scratch(in: options.directory)
    do throws(BenchError) {
      let found = try run(options, scratch, started, report)
      try scratch.remove()
      return found
    } catch {
      // What went wrong first is what the caller hears.
      do throws(BenchError) { try scratch.remove() } catch {}
      throw error
    }
  }

  private static func run(
    _ options: BenchOptions, _ scratch: Scratch, _ started: Int64,
    _ report: @escaping (BenchProgress) -> Void
  ) throws(BenchError) -> BenchReport {
    let machine = Machine(directory: scratch.directory)
    let meter = Meter(isPatient: options.isPatient, report)
    var advice: HashAdvice?
    var weights: Int64 = 0
    for suite in options.suites { weights += suite.weight }
    let nanoseconds = Int64(clamping: min(options.seconds, secondsMax)) * 1_000_000_000
    for suite in options.suites {
      meter.begin(suite, nanoseconds: nanoseconds / weights * suite.weight)
      switch suite {
      case .hash:
        var hash = HashSuite(meter, scratch, options.child)
        advice = try hash.run(machine: machine)
      case .inflate:
        var inflate = InflateSuite(meter)
        try inflate.run()
      case .store:
        var store = StoreSuite(meter, scratch)
        try store.run()
      case .checkout:
        var checkout = CheckoutSuite(meter, scratch)
        try checkout.run()
      case .pull:
        var pull = PullSuite(meter, scratch, options)
        try pull.run()
      }
      meter.finish()
    }
    return BenchReport(
      machine: machine, directory: options.directory, seconds: options.seconds,
      startedSeconds: started, results: meter.results, advice: advice, notes: meter.notes)
  }

  /// A day.
  public static let secondsMax: UInt64 = 86_400
}

extension BenchSuite {
  /// How much of the time it gets, against the others.
  fileprivate var weight: Int64 {
    switch self {
    case .hash: 8
    case .inflate: 2
    case .store: 4
    case .checkout: 2
    case .pull: 4
    }
  }
}
