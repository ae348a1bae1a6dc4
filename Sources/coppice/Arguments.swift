// SPDX-License-Identifier: Apache-2.0
import Configuration

/// What the words of the command line ask for. Global options may stand anywhere, those of a
/// command after its name; `--` ends the options.
struct Arguments: Sendable {
  /// The names of the command, for example `remote` and `add`; empty if none was given.
  private(set) var path: [String] = []
  private(set) var operands: [String] = []
  private var command: Command?
  private var values: [(name: String, value: String)] = []

  /// Throws a message with exit code 2 for whatever the table of commands does not know.
  /// `words` are without the name of the program.
  init(parsing words: [String]) throws(Message) {
    var rest = words[...]
    var onlyOperands = false
    while let word = rest.popFirst() {
      if onlyOperands || !word.starts(with: "-") || word.utf8.count == 1 {
        try take(word)
      } else if word == "--" {
        onlyOperands = true
      } else if word.starts(with: "--") {
        try takeLong(word.dropFirst(2), &rest)
      } else {
        try takeShort(word.dropFirst(), &rest)
      }
    }
    if !isFlag("help"), !isFlag("version") { try checkOperands() }
  }

  /// What runs, or nil where `--help` or `--version` asks for words only, or no command was given.
  var run: Command.Run? {
    guard case .run(let run) = command?.body else { return nil }
    return run
  }

  /// The command or group that the words name.
  var named: Command? { command }

  func isFlag(_ name: String) -> Bool { values.contains { $0.name == name } }

  /// The last value given.
  func value(_ name: String) -> String? { values.last { $0.name == name }?.value }

  func values(_ name: String) -> [String] {
    values.filter { $0.name == name }.map { $0.value }
  }

  /// The values of several options, in the order in which they were given.
  func occurrences(of names: [String]) -> [(name: String, value: String)] {
    values.filter { names.contains($0.name) }
  }

  /// The last value of an option that takes a number.
  func number(_ name: String) -> UInt64? { value(name).flatMap { Arguments.count($0) } }

  /// The last value of an option that takes bytes.
  func bytes(_ name: String) -> UInt64? { value(name).flatMap { ByteCount.parse($0) } }

  /// A decimal number without a sign.
  static func count(_ text: String) -> UInt64? {
    text.utf8.first == UInt8(ascii: "+") ? nil : UInt64(text)
  }

  /// The operand as an index that counts from 0.
  func index(_ position: Int) throws(Message) -> Int {
    guard let index = Int(operands[position]), index >= 0 else {
      throw Message(
        .usage, "bad-value", "'\(operands[position])' is no index of a deployment",
        hint: "'coppice status' counts them from 0")
    }
    return index
  }

  func operand(_ index: Int) -> String? { index < operands.count ? operands[index] : nil }

  /// Whether the words ask for JSON, also if they are wrong otherwise.
  static func asksForJSON(_ words: [String]) -> Bool {
    words.prefix { $0 != "--" }.contains("--json")
  }

  /// What the words ask for by `--progress`, also if they are wrong otherwise.
  static func progressMode(_ words: [String]) -> String? {
    let words = words.prefix { $0 != "--" }
    if words.contains("--progress=json") { return "json" }
    guard let index = words.firstIndex(of: "--progress"), index + 1 < words.endIndex else {
      return nil
    }
    return words[index + 1]
  }
}

extension Arguments {
  /// The call as far as it is understood, for hints: `coppice remote add`.
  private var call: String { (["coppice"] + path).joined(separator: " ") }

  private var known: [Option] { (command?.options ?? []) + Option.global }

  private mutating func take(_ word: String) throws(Message) {
    let choices: [Command]
    switch command?.body {
    case nil: choices = Command.all
    case .group(let commands): choices = commands
    case .run: return operands.append(word)
    }
    guard let found = choices.first(where: { $0.name == word }) else {
      throw unknown("command", (path + [word]).joined(separator: " "), word, choices)
    }
    path.append(word)
    command = found
  }

  private func unknown(
    _ what: String, _ full: String, _ word: String, _ choices: [Command]
  ) -> Message {
    let names = choices.filter { !$0.isHidden }.map { $0.name }
    let nearest = Suggestion.nearest(to: word, among: names)
    let help = "'\(call) --help' lists the commands"
    return Message(
      .usage, "unknown-command", "unknown \(what) '\(full)'",
      hint: nearest.map { "did you mean '\($0)'? \(help)" } ?? help)
  }

  private mutating func takeLong(
    _ text: Substring, _ rest: inout ArraySlice<String>
  ) throws(Message) {
    let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    let name = String(parts[0])
    guard let option = known.first(where: { $0.name == name }) else {
      throw unknownOption("--\(name)", among: known.map { "--\($0.name)" })
    }
    if parts.count == 2 {
      guard option.takesValue else {
        throw Message(
          .usage, "unexpected-value", "option '--\(name)' takes no value, but got '\(parts[1])'",
          hint: "'\(call) --help' shows how it is used")
      }
      return try add(option, String(parts[1]))
    }
    try add(option, following: &rest)
  }

  /// Letters may stand together (`-RC`); the value of one that takes a value is what follows it.
  private mutating func takeShort(
    _ letters: Substring, _ rest: inout ArraySlice<String>
  ) throws(Message) {
    var left = letters
    while let letter = left.popFirst() {
      guard let option = known.first(where: { $0.short == String(letter) }) else {
        throw unknownOption("-\(letter)", among: [])
      }
      if option.takesValue, !left.isEmpty { return try add(option, String(left)) }
      try add(option, following: &rest)
    }
  }

  private func unknownOption(_ option: String, among candidates: [String]) -> Message {
    let help = "'\(call) --help' lists the options"
    let nearest = Suggestion.nearest(to: option, among: candidates)
    let isOfCommand = command == nil && Command.all.contains { $0.knows(option) }
    let hint =
      isOfCommand
      ? "options of a command stand after its name; \(help)"
      : nearest.map { "did you mean '\($0)'? \(help)" } ?? help
    return Message(.usage, "unknown-option", "unknown option '\(option)'", hint: hint)
  }

  private mutating func add(
    _ option: Option, following rest: inout ArraySlice<String>
  ) throws(Message) {
    guard option.takesValue else { return values.append((option.name, "")) }
    guard let value = rest.popFirst() else {
      throw Message(
        .usage, "missing-value", "option '--\(option.name)' needs a value",
        hint: "use '\(option.usage)'")
    }
    try add(option, value)
  }

  private mutating func add(_ option: Option, _ value: String) throws(Message) {
    switch option.value {
    case .none: break
    case .text:
      // An empty variable in a script must not mean the root directory.
      if value.isEmpty {
        throw Message(
          .usage, "missing-value", "option '--\(option.name)' has an empty value",
          hint: "use '\(option.usage)'")
      }
    case .choice(let words):
      guard words.contains(value) else {
        let list = words.map { "'\($0)'" }.joined(separator: ", ")
        throw badValue(option, value, words.count == 1 ? list : "one of \(list)")
      }
    case .number:
      guard Arguments.count(value) != nil else {
        throw badValue(option, value, "a number")
      }
    case .bytes:
      guard ByteCount.parse(value) != nil else {
        throw badValue(option, value, "a number of bytes such as 500000, 500K or 2M")
      }
    }
    values.append((option.name, value))
  }

  private func badValue(_ option: Option, _ value: String, _ wanted: String) -> Message {
    Message(
      .usage, "bad-value", "option '--\(option.name)' has the value '\(value)'",
      hint: "it must be \(wanted)")
  }

  private func checkOperands() throws(Message) {
    guard let command, case .run = command.body else { return }
    let hint = "use '\(command.usage(path))'"
    if let missing = command.operands.enumerated().first(where: {
      $0.element.isRequired && $0.offset >= operands.count
    }) {
      throw Message(
        .usage, "missing-argument", "'\(call)' needs \(missing.element.name)", hint: hint)
    }
    if operands.count > command.operands.count, command.operands.last?.repeats != true {
      throw Message(
        .usage, "extra-argument", "unexpected argument '\(operands[command.operands.count])'",
        hint: hint)
    }
  }
}

extension Command {
  /// Whether the option, with its dashes, is one of this command or of those below it.
  func knows(_ option: String) -> Bool {
    if options.contains(where: { "--\($0.name)" == option || "-\($0.short ?? "-")" == option }) {
      return true
    }
    guard case .group(let commands) = body else { return false }
    return commands.contains { $0.knows(option) }
  }
}
