// SPDX-License-Identifier: Apache-2.0
import Foundation
import Support

/// One step of a session: a command, and what it shall say or has said.
struct Step: Equatable {
  var command: [String] = []
  var output: [String] = []
  var messages: [String] = []
  var exitCode = 0
  /// Lines before the command: remarks.
  var remarks: [String] = []
}

/// What somebody typed and what they saw. The format is in Tests/CLI/README.md.
struct Session {
  var introduction: [String] = []
  var steps: [Step] = []

  init(parsing text: String) throws {
    var remarks: [String] = []
    for line in text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init) {
      if line.hasPrefix("$ ") {
        steps.append(Step(command: [String(line.dropFirst(2))], remarks: remarks))
        remarks = []
      } else if line.hasPrefix("# ") || line == "#" {
        remarks.append(line)
      } else if steps.isEmpty {
        introduction.append(line)
      } else if line.isEmpty {
        continue
      } else if !remarks.isEmpty {
        throw SessionError(description: "a remark before '\(line)', which is no command")
      } else {
        try take(line)
      }
    }
  }

  private mutating func take(_ line: String) throws {
    let last = steps.count - 1
    if line.hasPrefix("> ") || line == ">" {
      guard steps[last].output.isEmpty, steps[last].messages.isEmpty else {
        throw SessionError(description: "'\(line)' follows no command")
      }
      steps[last].command.append(String(line.dropFirst(2)))
    } else if line.hasPrefix("! ") {
      steps[last].messages.append(String(line.dropFirst(2)))
    } else if let code = Session.exitCode(line) {
      steps[last].exitCode = code
    } else {
      steps[last].output.append(line.hasPrefix("\\") ? String(line.dropFirst()) : line)
    }
  }

  private static func exitCode(_ line: String) -> Int? {
    guard line.hasPrefix("["), line.hasSuffix("]") else { return nil }
    return Int(line.dropFirst().dropLast())
  }

  /// The text of a session file.
  var text: String {
    var lines = introduction
    for step in steps {
      lines += step.remarks
      lines.append("$ \(step.command[0])")
      lines += step.command.dropFirst().map { $0.isEmpty ? ">" : "> \($0)" }
      lines += step.output.map { Session.escaped($0) }
      lines += step.messages.map { "! \($0)" }
      if step.exitCode != 0 { lines.append("[\(step.exitCode)]") }
      lines.append("")
    }
    return lines.joined(separator: "\n")
  }

  private static func escaped(_ line: String) -> String {
    let isOther =
      line.isEmpty || exitCode(line) != nil
      || ["$", ">", "!", "#", "\\"].contains { line.hasPrefix($0) }
    return isOther ? "\\\(line)" : line
  }
}

struct SessionError: Error, CustomStringConvertible {
  let description: String
}

extension Session {
  /// Types every command into one bash in a fresh directory, and gives the session that came of it.
  func run() throws -> Session {
    let directory = try TemporaryDirectory("cli")
    let work = try directory.makeDirectory("work")
    try directory.makeDirectory("bin")
    try FileManager.default.createSymbolicLink(
      atPath: directory.file("bin/coppice"), withDestinationPath: PackagePaths.coppice)
    var script = ". '\(PackagePaths.root)/Tests/CLI/lib.sh'\n"
    for (index, step) in steps.enumerated() {
      // By absolute path: a step may change the directory.
      let (out, err, code) = (
        directory.file("out.\(index)"), directory.file("err.\(index)"),
        directory.file("code.\(index)")
      )
      let command = step.command.joined(separator: "\n")
      script += "{ \(command)\n} > '\(out)' 2> '\(err)' < /dev/null\necho $? > '\(code)'\n"
    }
    try directory.write(script, to: "script")
    let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
    // Whoever is not root becomes it in a namespace: deployments have files of root.
    let shell = geteuid() == 0 ? ["bash"] : ["unshare", "--map-root-user", "bash"]
    let result = try Support.run(
      shell[0], arguments: Array(shell.dropFirst()) + [directory.file("script")], in: work,
      environment: [
        "PATH": "\(directory.file("bin")):\(path):/usr/sbin:/sbin", "DIR": work,
        "JOURNAL_STREAM": "", "NO_COLOR": "", "TMPDIR": directory.path,
      ])
    var seen = self
    for index in steps.indices {
      guard let code = try? directory.readText("code.\(index)") else {
        throw SessionError(
          description: "step \(index + 1) ('\(steps[index].command[0])') ended the shell: \(result)"
        )
      }
      seen.steps[index].exitCode = Int(code.dropLast()) ?? -1
      seen.steps[index].output = Session.lines(try directory.readText("out.\(index)"), work)
      seen.steps[index].messages = Session.lines(try directory.readText("err.\(index)"), work)
    }
    return seen
  }

  private static func lines(_ text: String, _ directory: String) -> [String] {
    var lines = text.replacingOccurrences(of: directory, with: "$DIR")
      .split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    if lines.last == "" { lines.removeLast() }
    return lines
  }
}
