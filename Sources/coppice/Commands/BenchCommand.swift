// SPDX-License-Identifier: Apache-2.0
import Bench
import Codec
import Linux

extension Command {
  static let bench = Command(
    "bench", "measures what this machine can do of what an update needs",
    details: "SUITE is one of hash, inflate, store, checkout, pull, or all, which is the default. "
      + "'hash' ends with advice. Files are written below DIR and removed again, also after a "
      + "signal; what a killed run has left is removed by the next. The JSON of a run can be kept "
      + "and compared with by '--against'.",
    operands: [.optional("SUITE")],
    options: [
      Option(
        "dir", .text("DIR"),
        help: "where files are written (default: where the repo lies, else /var/tmp)"),
      Option(
        "seconds", .number("N"),
        help: "how long it shall take (default: 60 for all, 30 for one suite)"),
      Option(
        "url", .text("URL"),
        help: "pull from this server; without it from one of its own, on 127.0.0.1"),
      Option("ref", .text("REF|CHECKSUM"), help: "what to pull from URL"),
      Option("against", .text("FILE"), help: "compare with the JSON of an earlier run"),
    ]
  ) { session throws(Message) in
    let suites = try BenchCommand.suites(session.arguments.operand(0))
    let saved = try BenchCommand.savedRun(session)
    var options = BenchOptions(
      directory: try BenchCommand.directory(session),
      seconds: try BenchCommand.seconds(session, suites))
    options.suites = suites
    options.remote = try BenchCommand.remote(session.arguments, suites)
    options.child = BenchChild(program: "/proc/self/exe", words: [Command.benchChild.name])
    let report = try BenchCommand.run(session, options)
    for line in BenchText.lines(report, saved) { try session.terminal.line(line) }
    return Outcome(members: BenchText.members(report, saved))
  }

  /// What `bench` starts for measures that need a process of their own.
  static let benchChild = Command(
    "bench-child", "a part of 'bench' in a process of its own",
    operands: [.one("PART"), .any("ARGUMENT")], isHidden: true
  ) { session throws(Message) in
    let operands = session.arguments.operands
    let isDone = try reporting { () throws(BenchError) in try BenchChild.run(operands) }
    guard isDone else {
      throw Message(.usage, "bad-value", "'\(operands[0])' is no part of a benchmark")
    }
    return .done
  }
}

private enum BenchCommand {
  static func suites(_ word: String?) throws(Message) -> [BenchSuite] {
    guard let word, word != "all" else { return BenchSuite.allCases }
    if let suite = BenchSuite(rawValue: word) { return [suite] }
    let names = BenchSuite.allCases.map { $0.rawValue } + ["all"]
    let nearest = Suggestion.nearest(to: word, among: names).map { "did you mean '\($0)'? " } ?? ""
    throw Message(
      .usage, "bad-value", "there is no benchmark '\(word)'",
      hint: "\(nearest)it must be one of \(names.map { "'\($0)'" }.joined(separator: ", "))")
  }

  static func seconds(_ session: Session, _ suites: [BenchSuite]) throws(Message) -> UInt64 {
    guard let seconds = session.arguments.number("seconds") else {
      return suites.count > 1 ? 60 : 30
    }
    guard (1...Bench.secondsMax).contains(seconds) else {
      throw Message(
        .usage, "bad-value", "option '--seconds' has the value '\(seconds)'",
        hint: "it must be a number from 1 to \(Bench.secondsMax)")
    }
    return seconds
  }

  static func remote(
    _ arguments: Arguments, _ suites: [BenchSuite]
  ) throws(Message) -> BenchRemote? {
    switch (arguments.value("url"), arguments.value("ref")) {
    case (nil, nil): return nil
    case (let url?, let ref?):
      guard suites.contains(.pull) else {
        throw Message(.usage, "bad-value", "option '--url' is for the benchmark 'pull' alone")
      }
      return BenchRemote(url: url, target: try PullCommand.target(ref))
    default:
      throw Message(
        .usage, "missing-value", "one of the options '--url' and '--ref' needs the other",
        hint: "use '--url URL --ref REF'")
    }
  }

  static func savedRun(_ session: Session) throws(Message) -> (path: String, run: SavedRun)? {
    guard let path = session.arguments.value("against") else { return nil }
    return (path, try reporting { () throws(BenchError) in try SavedRun.load(path) })
  }

  /// Beside the repo that updates are pulled into: on the same medium.
  static func directory(_ session: Session) throws(Message) -> String {
    if let given = session.arguments.value("dir") { return given }
    let repo = session.repoPath
    guard (try? FileDescriptor.openDirectory(repo)) != nil else { return "/var/tmp" }
    if session.arguments.value("repo") == nil { try session.prepareForWriting() }
    return "\(repo)/.."
  }

  static func run(
    _ session: Session, _ options: BenchOptions
  ) throws(Message) -> BenchReport {
    Process.catchInterrupts()
    let progress = session.progress
    do throws(BenchError) {
      let report = try Bench.run(options) { state in
        progress.update(
          ProgressState(
            phase: state.suite.rawValue, done: UInt64(state.done), total: UInt64(state.total),
            unit: .measures, object: state.name))
      }
      progress.finish()
      return report
    } catch {
      progress.finish()
      throw error.message
    }
  }
}
