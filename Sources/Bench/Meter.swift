// SPDX-License-Identifier: Apache-2.0
import Linux

/// Runs measures, each some times, within the time that their suite has: whoever asks for less
/// time gets fewer runs, not fewer measures, as long as three runs of each can be had.
final class Meter {
  private(set) var results: [BenchResult] = []
  private(set) var notes: [BenchNote] = []
  private let isPatient: Bool
  private let report: (BenchProgress) -> Void
  private var suite = BenchSuite.hash
  private var end: Int64 = 0
  /// Beyond this nothing more is begun.
  private var overdue: Int64 = 0
  private var total = 0
  private var done = 0
  private var leftOut = 0

  private static let patienceNanoseconds: Int64 = 10_000_000_000
  private static let runsMin = 3
  /// More do not make a median better.
  private static let runsMax = 101

  init(isPatient: Bool, _ report: @escaping (BenchProgress) -> Void) {
    self.isPatient = isPatient
    self.report = report
  }

  /// Begins a suite of so many measures.
  func begin(_ suite: BenchSuite, nanoseconds: Int64) {
    self.suite = suite
    let now = Clock.monotonicNanoseconds
    end = now + nanoseconds
    overdue = max(end + nanoseconds / 4, now + Meter.patienceNanoseconds)
    (total, done, leftOut) = (0, 0, 0)
  }

  /// What is left of the time is shared by so many measures.
  func expect(_ measures: Int) { total = done + measures }

  func finish() {
    if leftOut > 0 { note(.leftOut(suite, count: leftOut)) }
  }

  func note(_ note: BenchNote) {
    if !notes.contains(note) { notes.append(note) }
  }

  /// How long the next measure may take, all of its runs together.
  var shareNanoseconds: Int64 {
    max(0, end - Clock.monotonicNanoseconds) / Int64(max(1, total - done))
  }

  /// Whether nothing more is begun.
  var isOverdue: Bool { !isPatient && Clock.monotonicNanoseconds >= overdue }

  /// Makes room for the next measure in the count; false if there is no time for it.
  private func enter(_ name: String) throws(BenchError) -> Bool {
    if Process.isInterrupted { throw .interrupted }
    report(BenchProgress(suite: suite, done: done, total: total, name: name))
    done += 1
    if !isOverdue { return true }
    leftOut += 1
    return false
  }

  /// Measures how fast `body` does away with `amount`, and gives a second figure for what is
  /// counted in another way; `prepare` comes before each run and is not timed. Gives the median,
  /// nil if the measure was left out for want of time.
  @discardableResult
  func measure(
    _ name: String, _ parameters: [BenchParameter], _ unit: BenchUnit, amount: UInt64,
    and other: (name: String, amount: UInt64)? = nil,
    prepare: () throws(BenchError) -> Void = {}, _ body: () throws(BenchError) -> Void
  ) throws(BenchError) -> UInt64? {
    let share = shareNanoseconds
    guard try enter(name) else { return nil }
    var took: [Int64] = []
    try repeatRuns(share) { () throws(BenchError) in
      try prepare()
      let began = Clock.monotonicNanoseconds
      try body()
      took.append(Clock.monotonicNanoseconds - began)
    }
    let median = add(name, parameters, unit, took.map { Meter.rate(amount, nanoseconds: $0) })
    if let other {
      _ = add(
        other.name, parameters, unit, took.map { Meter.rate(other.amount, nanoseconds: $0) })
    }
    return median
  }

  /// Three times or more, and no more often than there is time for.
  private func repeatRuns(
    _ share: Int64, _ body: () throws(BenchError) -> Void
  ) throws(BenchError) {
    let start = Clock.monotonicNanoseconds
    var runs = 0
    var isTimeLeft = true
    while runs < Meter.runsMin || isTimeLeft && runs < Meter.runsMax {
      try body()
      runs += 1
      // No run is begun that would end too late.
      let now = Clock.monotonicNanoseconds
      isTimeLeft = now + (now - start) / Int64(runs) < start + share
      if Process.isInterrupted { throw .interrupted }
    }
  }

  /// Runs what gives several figures at once, in the order of `names`. `parameters` is asked when
  /// all is done.
  func measure(
    _ names: [(name: String, unit: BenchUnit)], run: () throws(BenchError) -> [UInt64],
    parameters: () -> [BenchParameter]
  ) throws(BenchError) {
    let share = shareNanoseconds * Int64(names.count)
    guard let first = names.first, try enter(first.name) else {
      leftOut += names.count - 1
      return
    }
    var runs: [[UInt64]] = []
    try repeatRuns(share) { () throws(BenchError) in runs.append(try run()) }
    done += names.count - 1
    for (index, figure) in names.enumerated() {
      _ = add(figure.name, parameters(), figure.unit, runs.map { $0[index] })
    }
  }

  /// Takes over what somebody else has measured; nil for no measure.
  @discardableResult
  func take(
    _ name: String, _ parameters: [BenchParameter], _ unit: BenchUnit,
    _ rates: () throws(BenchError) -> [UInt64]
  ) throws(BenchError) -> UInt64? {
    guard try enter(name) else { return nil }
    let rates = try rates()
    return rates.isEmpty ? nil : add(name, parameters, unit, rates)
  }

  private func add(
    _ name: String, _ parameters: [BenchParameter], _ unit: BenchUnit, _ rates: [UInt64]
  ) -> UInt64 {
    let result = BenchResult(
      BenchName(suite: suite, name: name, parameters: parameters), unit, rates)
    results.append(result)
    return result.median
  }

  /// Of `amount` a second.
  static func rate(_ amount: UInt64, nanoseconds: Int64) -> UInt64 {
    UInt64(Double(amount) * 1e9 / Double(max(nanoseconds, 1)))
  }

  /// How long `body` takes.
  static func nanoseconds(_ body: () throws(BenchError) -> Void) throws(BenchError) -> Int64 {
    let began = Clock.monotonicNanoseconds
    try body()
    return max(Clock.monotonicNanoseconds - began, 1)
  }

  /// How much of what takes `nanoseconds` for `amount` fits into a run, of which a measure has a
  /// few; `overhead` comes with each run.
  func amount(_ amount: UInt64, took nanoseconds: Int64, overhead: Int64 = 0) -> UInt64 {
    let quarter = shareNanoseconds / 4
    let run = max(quarter - overhead, quarter / 8)
    return Meter.rate(amount, nanoseconds: nanoseconds) / 1000 * UInt64(run / 1_000_000)
  }
}
