// SPDX-License-Identifier: Apache-2.0

/// One option of the command line, as the parser, the help and the manual know it.
struct Option: Sendable {
  /// What stands after it.
  enum Value: Sendable {
    case none
    /// Anything; the word stands for it in the help.
    case text(String)
    case choice([String])
    /// A decimal number without a sign.
    case number(String)
    /// As `ByteCount` has it.
    case bytes(String)
  }

  /// Without the dashes.
  let name: String
  /// One letter, without its dash.
  let short: String?
  let value: Value
  /// Every occurrence counts; else the last one does.
  let repeats: Bool
  let help: String

  init(
    _ name: String, short: String? = nil, _ value: Value = .none, repeats: Bool = false,
    help: String
  ) {
    self.name = name
    self.short = short
    self.value = value
    self.repeats = repeats
    self.help = help
  }

  /// For example `--sysroot DIR`.
  var usage: String {
    let long = short.map { "-\($0), --\(name)" } ?? "--\(name)"
    switch value {
    case .none: return long
    case .text(let word), .number(let word), .bytes(let word): return "\(long) \(word)"
    case .choice(let words): return "\(long) \(words.joined(separator: "|"))"
    }
  }

  var takesValue: Bool {
    if case .none = value { return false }
    return true
  }

  /// What every command understands, before its name or after it.
  static let global: [Option] = [
    Option(
      "sysroot", .text("DIR"),
      help:
        "the root that holds ostree/ and boot/ (default: / of a system booted the OSTree way)"
    ),
    Option("repo", .text("DIR"), help: "the repo to work on (default: SYSROOT/ostree/repo)"),
    Option("config", .text("FILE"), help: "read this configuration instead of the usual files"),
    Option("json", help: "give the result as one JSON document on standard output"),
    Option(
      "progress", .choice(["auto", "tty", "json", "none"]),
      help: "how progress is shown on standard error (default: auto)"),
    Option("quiet", short: "q", help: "fewer messages"),
    Option("verbose", short: "v", help: "more messages"),
    Option("no-color", help: "no colours"),
    Option("help", short: "h", help: "show this help"),
    Option("version", help: "show the version and what the program was built from"),
  ]
}

/// What stands on the command line without a dash.
struct Operand: Sendable {
  let name: String
  let isRequired: Bool
  let repeats: Bool

  static func one(_ name: String) -> Operand {
    Operand(name: name, isRequired: true, repeats: false)
  }
  static func optional(_ name: String) -> Operand {
    Operand(name: name, isRequired: false, repeats: false)
  }
  static func many(_ name: String) -> Operand {
    Operand(name: name, isRequired: true, repeats: true)
  }

  static func any(_ name: String) -> Operand {
    Operand(name: name, isRequired: false, repeats: true)
  }

  /// For example `REF...` or `[PATH]`.
  var usage: String {
    let word = repeats ? "\(name)..." : name
    return isRequired ? word : "[\(word)]"
  }
}
