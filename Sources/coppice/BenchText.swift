// SPDX-License-Identifier: Apache-2.0
import Bench
import Codec
import Linux

/// A run of benchmarks in words and in JSON.
enum BenchText {
  typealias Saved = (path: String, run: SavedRun)

  static func members(_ report: BenchReport, _ saved: Saved?) -> [(String, JSONValue)] {
    var members: [(String, JSONValue)] = [
      ("schema", .string(SavedRun.schema)), ("version", .string(BuildIdentity.version)),
      ("commit", .string(BuildIdentity.commit)),
      ("date", .string(Timestamp.text(seconds: report.startedSeconds))),
      ("machine", member(report.machine)), ("directory", .string(report.directory)),
      ("seconds", .unsigned(report.seconds)),
      ("results", .array(report.results.map { member($0, saved) })),
      ("advice", report.advice.map { member($0) } ?? .null),
      ("notes", .array(report.notes.map { .string($0.words) })),
    ]
    if let saved {
      let differences = report.machine.differences(from: saved.run.machine)
      let against = JSONValue.object([
        ("path", .string(saved.path)), ("version", .string(orNull: saved.run.version)),
        ("date", .string(orNull: saved.run.date)),
        ("differences", .array(differences.map { .string($0) })),
      ])
      members.append(("against", against))
    }
    return members
  }

  private static func member(_ machine: Machine) -> JSONValue {
    .object([
      ("board", .string(orNull: machine.board)),
      ("processor", .string(orNull: machine.processor)),
      ("architecture", .string(machine.architecture)),
      ("features", .array(machine.features.map { .string($0) })),
      ("cores", .integer(Int64(machine.cores))),
      ("governor", .string(orNull: machine.governor)),
      ("frequency_max_khz", machine.frequencyMaxKilohertz.map { .unsigned($0) } ?? .null),
      ("memory_bytes", .unsigned(machine.memoryBytes)),
      ("available_bytes", .unsigned(machine.availableBytes)),
      ("kernel", .string(machine.kernel)), ("file_system", .string(machine.fileSystem)),
    ])
  }

  private static func member(_ result: BenchResult, _ saved: Saved?) -> JSONValue {
    var parameters: [(String, JSONValue)] = []
    for parameter in result.name.parameters {
      switch parameter.value {
      case .number(let number): parameters.append((parameter.name, .unsigned(number)))
      case .word(let word): parameters.append((parameter.name, .string(word)))
      }
    }
    var members: [(String, JSONValue)] = [
      ("suite", .string(result.name.suite.rawValue)), ("name", .string(result.name.name)),
      ("parameters", .object(parameters)), ("median", .unsigned(result.median)),
      ("min", .unsigned(result.min)), ("max", .unsigned(result.max)),
      ("unit", .string(result.unit.rawValue)), ("runs", .integer(Int64(result.runs))),
    ]
    if let saved {
      let before = saved.run.median(of: result)
      members.append(("before", before.map { .unsigned($0) } ?? .null))
      members.append(
        ("ratio_percent", before.map { .unsigned(percent(result.median, of: $0)) } ?? .null))
    }
    return .object(members)
  }

  private static func member(_ advice: HashAdvice) -> JSONValue {
    .object([
      ("window_bytes", advice.windowBytes.map { .integer($0) } ?? .null),
      ("buffer_bytes", advice.bufferBytes.map { .integer(Int64($0)) } ?? .null),
      ("cut_off_bytes", advice.cutOffBytes.map { .integer($0) } ?? .null),
      ("threads", advice.threads.map { .integer(Int64($0)) } ?? .null),
    ])
  }

  /// `before` is not 0.
  private static func percent(_ now: UInt64, of before: UInt64) -> UInt64 {
    let (product, overflows) = now.multipliedReportingOverflow(by: 100)
    return overflows ? now / max(before / 100, 1) : product / before
  }
}

// For people.
extension BenchText {
  private static let nameColumns = 58
  private static let figureColumns = 14

  static func lines(_ report: BenchReport, _ saved: Saved?) -> [String] {
    var lines = machineLines(report)
    var suite: BenchSuite?
    for result in report.results {
      if result.name.suite != suite {
        suite = result.name.suite
        lines.append("")
        lines.append(header(result.name.suite, saved))
      }
      lines.append(line(result, saved))
    }
    if let advice = report.advice { lines += ["", advice.words] }
    if !report.notes.isEmpty { lines.append("") }
    for note in report.notes { lines.append("note: \(note.words)") }
    guard let saved else { return lines }
    let differences = report.machine.differences(from: saved.run.machine)
    lines.append("")
    lines.append(
      "compared with '\(saved.path)' of \(saved.run.date ?? "an unknown date"), coppice "
        + "\(saved.run.version ?? "of an unknown version")")
    if !differences.isEmpty {
      lines.append(
        "note: that was another machine, or the same in another state: "
          + differences.joined(separator: ", "))
    }
    return lines
  }

  private static func machineLines(_ report: BenchReport) -> [String] {
    let machine = report.machine
    let features = machine.features.isEmpty ? "" : " (\(machine.features.joined(separator: " ")))"
    var cores = "\(machine.cores)"
    if let frequency = machine.frequencyMaxKilohertz { cores += " of \(frequency / 1000) MHz" }
    if let governor = machine.governor { cores += ", governor \(governor)" }
    return [
      "coppice \(BuildIdentity.version), commit \(BuildIdentity.commit), "
        + Timestamp.text(seconds: report.startedSeconds),
      "board: \(machine.board ?? "unknown")",
      "processor: \(machine.processor ?? "unknown"), \(machine.architecture)\(features)",
      "cores: \(cores)",
      "memory: \(HumanSize.text(machine.memoryBytes)), "
        + "\(HumanSize.text(machine.availableBytes)) available",
      "kernel: \(machine.kernel)",
      "file system: \(machine.fileSystem), of '\(report.directory)'",
    ]
  }

  private static func header(_ suite: BenchSuite, _ saved: Saved?) -> String {
    var line = left(suite.rawValue, nameColumns)
    for word in ["median", "min", "max"] { line += right(word, figureColumns) }
    line += right("runs", 6)
    return saved == nil ? line : line + right("before", figureColumns) + right("ratio", 7)
  }

  private static func line(_ result: BenchResult, _ saved: Saved?) -> String {
    let parameters = result.name.parameters.map { text($0) }.joined(separator: ", ")
    let name = parameters.isEmpty ? result.name.name : "\(result.name.name): \(parameters)"
    var line = left("  \(name)", nameColumns)
    for figure in [result.median, result.min, result.max] {
      line += right(text(figure, result.unit), figureColumns)
    }
    line += right("\(result.runs)", 6)
    guard let saved else { return line }
    guard let before = saved.run.median(of: result) else { return line + right("-", figureColumns) }
    let percent = percent(result.median, of: before)
    return line + right(text(before, result.unit), figureColumns)
      + right(text(percent, .percent), 7)
  }

  /// Of a ratio two digits behind the point, else one at most.
  private static func text(_ figure: UInt64, _ unit: BenchUnit) -> String {
    switch unit {
    case .bytesPerSecond:
      let tenths = figure / 100_000
      return "\(tenths / 10).\(tenths % 10) MB/s"
    case .objectsPerSecond: return "\(figure)/s"
    case .microseconds: return "\(figure / 1000).\(figure % 1000 / 100) ms"
    case .bytes: return "\(figure >> 10) KiB"
    case .percent: return "\(figure / 100).\(figure % 100 < 10 ? "0" : "")\(figure % 100)"
    }
  }

  /// For example `window 1 MiB`.
  private static func text(_ parameter: BenchParameter) -> String {
    switch parameter.value {
    case .word(let word):
      return parameter.name == "cache" ? word : "\(parameter.name) \(word)"
    case .number(let number):
      guard parameter.name.hasSuffix("_bytes") else { return "\(parameter.name) \(number)" }
      return "\(parameter.name.dropLast(6)) \(BinarySize.text(number))"
    }
  }

  private static func left(_ text: String, _ columns: Int) -> String {
    text + String(repeating: " ", count: max(1, columns - text.utf8.count))
  }

  private static func right(_ text: String, _ columns: Int) -> String {
    String(repeating: " ", count: max(1, columns - text.utf8.count)) + text
  }
}

/// Sizes that are powers of two.
enum BinarySize {
  static func text(_ bytes: UInt64) -> String {
    if bytes >= 1 << 20, bytes % (1 << 20) == 0 { return "\(bytes >> 20) MiB" }
    if bytes >= 1 << 10, bytes % (1 << 10) == 0 { return "\(bytes >> 10) KiB" }
    return "\(bytes) B"
  }
}
