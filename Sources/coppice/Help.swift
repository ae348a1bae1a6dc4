// SPDX-License-Identifier: Apache-2.0

/// The words of `--help`, made from the table of commands.
enum Help {
  private static let width = 80

  /// For the program as a whole, or for the command that `path` names.
  static func text(_ command: Command?, _ path: [String]) -> String {
    guard let command else {
      return """
        Usage: coppice [OPTION...] COMMAND [ARGUMENT...]

        Updates an embedded Linux device the OSTree way.

        Commands:
        \(list(Command.all))
        Options of every command, before its name or after it:
        \(list(Option.global))
        """
    }
    var text = "Usage: \(command.usage(path))\n\n\(wrap(command.summary, indent: 0))\n"
    if !command.details.isEmpty { text += "\n\(wrap(command.details, indent: 0))\n" }
    if case .group(let commands) = command.body { text += "\nCommands:\n\(list(commands))" }
    if !command.options.isEmpty { text += "\nOptions:\n\(list(command.options))" }
    return text + "\nOptions of every command:\n\(list(Option.global))"
  }

  private static func list(_ commands: [Command]) -> String {
    let shown = commands.filter { !$0.isHidden }
    let column = (shown.map { $0.name.utf8.count }.max() ?? 0) + 4
    return shown.map { entry($0.name, $0.summary, column) }.joined()
  }

  private static func list(_ options: [Option]) -> String {
    options.map { entry($0.usage, $0.help, 28) }.joined()
  }

  /// A word and what it means, beside it or, where the word is too long, below.
  private static func entry(_ word: String, _ meaning: String, _ column: Int) -> String {
    let body = wrap(meaning, indent: column)
    let used = 2 + word.utf8.count
    if used + 2 > column { return "  \(word)\n\(body)\n" }
    return "  \(word)\(spaces(column - used))\(body.dropFirst(column))\n"
  }

  private static func wrap(_ text: String, indent: Int) -> String {
    var lines: [String] = []
    var line = ""
    for word in text.split(separator: " ") {
      if !line.isEmpty, indent + line.utf8.count + 1 + word.utf8.count > width {
        lines.append(spaces(indent) + line)
        line = ""
      }
      line += line.isEmpty ? String(word) : " \(word)"
    }
    lines.append(spaces(indent) + line)
    return lines.joined(separator: "\n")
  }

  private static func spaces(_ count: Int) -> String { String(repeating: " ", count: count) }
}

extension Command {
  /// For example `coppice ls [OPTION...] REF [PATH]`.
  func usage(_ path: [String]) -> String {
    var words = ["coppice"] + path
    if case .group = body { words.append("COMMAND") }
    if !options.isEmpty { words.append("[OPTION...]") }
    words += operands.map { $0.usage }
    return words.joined(separator: " ")
  }
}
