// SPDX-License-Identifier: Apache-2.0
import Codec
import Linux

/// How far a command has come.
struct ProgressState: Sendable {
  enum Unit: String, Sendable { case bytes, objects, measures }

  /// `metadata`, `content`, `deploy`, `verify`, `apps`, or the name of a benchmark; at the end
  /// `done` or `error`.
  var phase: String
  var done: UInt64 = 0
  /// 0 while it is not known.
  var total: UInt64 = 0
  var unit = Unit.objects
  var object: String?

  var percent: UInt64? {
    guard total > 0 else { return nil }
    let (product, overflows) = min(done, total).multipliedReportingOverflow(by: 100)
    return overflows ? min(done, total) / (total / 100) : product / total
  }
}

/// Shows on standard error how far a command has come: a bar that redraws, lines at steps of ten
/// percent, or one JSON object a line. Safe to share between threads.
final class Progress: Sendable {
  private enum Style { case bar, lines, json, none }

  private struct State {
    var phaseStarted: Int64
    var last = ProgressState(phase: "")
    var shown: Int64 = 0
    var shownStep: UInt64 = 0
  }

  /// Faster than this nobody reads.
  private static let intervalNanoseconds: Int64 = 200_000_000

  private let terminal: Terminal
  private let style: Style
  private let started = Clock.monotonicNanoseconds
  private let state: Guarded<State>

  /// `mode` is the value of `--progress`, nil for `auto`.
  init(_ mode: String?, _ terminal: Terminal) {
    self.terminal = terminal
    state = Guarded(State(phaseStarted: started))
    switch mode {
    case "json": style = .json
    case "none": style = .none
    case "tty": style = .bar
    default:
      style = terminal.isQuiet ? .none : Process.isTerminal(2) ? .bar : .lines
    }
  }

  /// Takes note of where the command is, and shows it if it is time to.
  func update(_ current: ProgressState) {
    let now = Clock.monotonicNanoseconds
    state.withLock { state in
      let isNewPhase = current.phase != state.last.phase
      if isNewPhase {
        state.phaseStarted = now
        state.shownStep = 0
      }
      state.last = current
      guard
        isNewPhase || style == .lines || now - state.shown >= Progress.intervalNanoseconds
      else { return }
      state.shown = now
      switch style {
      case .none: break
      case .json: showJSON(current, now, state.phaseStarted)
      case .bar: terminal.bar(bar(current, now - state.phaseStarted))
      case .lines: showLine(current, &state.shownStep)
      }
    }
  }

  /// A piece of work came to its end: the bar makes room for what is to be said.
  func finish() {
    if style == .bar { terminal.bar("") }
  }

  /// The last line of all: the command is done, or it failed.
  func close(failed: Bool) {
    guard style == .json else { return }
    state.withLock { state in
      state.last.phase = failed ? "error" : "done"
      if !failed { state.last.done = max(state.last.done, state.last.total) }
      showJSON(state.last, Clock.monotonicNanoseconds, state.phaseStarted)
    }
  }

  /// Of `unit` a second, since the phase began.
  private func rate(_ state: ProgressState, _ nanoseconds: Int64) -> UInt64 {
    let milliseconds = UInt64(max(nanoseconds, 0) / 1_000_000)
    guard milliseconds > 0 else { return 0 }
    let (product, overflows) = state.done.multipliedReportingOverflow(by: 1000)
    return overflows ? state.done / milliseconds * 1000 : product / milliseconds
  }

  private func showJSON(_ state: ProgressState, _ now: Int64, _ phaseStarted: Int64) {
    let hundredths = (now - started) / 10_000_000
    let fraction = hundredths % 100
    let document = JSONValue.object([
      ("t", .decimal("\(hundredths / 100).\(fraction < 10 ? "0" : "")\(fraction)")),
      ("phase", .string(state.phase)), ("done", .unsigned(state.done)),
      ("total", .unsigned(state.total)), ("unit", .string(state.unit.rawValue)),
      ("rate", .unsigned(rate(state, now - phaseStarted))),
      ("object", .string(orNull: state.object)),
    ])
    Process.print(document.serialized() + "\n", to: 2)
  }

  /// A line at each tenth of the way; none while nobody knows how long it is.
  private func showLine(_ state: ProgressState, _ shownStep: inout UInt64) {
    guard let percent = state.percent, percent / 10 > shownStep else { return }
    shownStep = percent / 10
    terminal.inform("\(state.phase): \(shownStep * 10) % (\(amount(state)))")
  }

  private func amount(_ state: ProgressState) -> String {
    switch (state.unit, state.total) {
    case (.objects, 0), (.measures, 0): "\(state.done) \(state.unit.rawValue)"
    case (.objects, _), (.measures, _):
      "\(state.done) of \(state.total) \(state.unit.rawValue)"
    case (.bytes, 0): HumanSize.text(state.done)
    case (.bytes, _): "\(HumanSize.text(state.done)) of \(HumanSize.text(state.total))"
    }
  }

  private func bar(_ state: ProgressState, _ nanoseconds: Int64) -> String {
    let width = 20
    var text = state.phase + String(repeating: " ", count: max(0, 9 - state.phase.utf8.count))
    if let percent = state.percent {
      let filled = Int(percent) * width / 100
      text += "[" + String(repeating: "#", count: filled)
      text += String(repeating: ".", count: width - filled) + "] "
      text += String(repeating: " ", count: percent < 10 ? 2 : percent < 100 ? 1 : 0)
      text += "\(percent) %  "
    }
    text += amount(state)
    let rate = rate(state, nanoseconds)
    if rate > 0 {
      text += state.unit == .bytes ? "  \(HumanSize.text(rate))/s" : "  \(rate)/s"
    }
    return text
  }
}

/// Numbers of bytes as people read them.
enum HumanSize {
  /// Powers of 1000 with one digit behind the point: `198.2 MB`.
  static func text(_ bytes: UInt64) -> String {
    if bytes < 1000 { return "\(bytes) B" }
    var (unit, scale): (Int, UInt64) = (0, 1000)
    let units = ["kB", "MB", "GB", "TB", "PB", "EB"]
    while unit + 1 < units.count, bytes / scale >= 1000 {
      unit += 1
      scale *= 1000
    }
    return "\(bytes / scale).\(bytes % scale / (scale / 10)) \(units[unit])"
  }
}
