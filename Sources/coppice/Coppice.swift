// SPDX-License-Identifier: Apache-2.0
import Codec
import Linux

/// The program: words in, words and an exit code out. Everything else is in the modules below.
@main struct Coppice {
  static func main() {
    Process.ignoreBrokenPipes()
    let isFirst = Process.identifier == 1
    if let own = BootRole.ownWords(Process.arguments, isFirstProcess: isFirst) {
      BootRole.run(skipping: own)
    }
    Process.exit(run(words(Process.arguments)).rawValue)
  }

  /// What a call asks for: another name of the program can stand for a command.
  static func words(_ call: [String]) -> [String] {
    let words = Array(call.dropFirst())
    if BootRole.isInit(call) { return [Command.boot.name] }
    guard let name = call.first?.utf8.split(separator: UInt8(ascii: "/")).last,
      name.elementsEqual("ostree-prepare-root".utf8)
    else { return words }
    return ["prepare-root"] + words
  }

  /// Runs what `words` ask for, and says how it went.
  static func run(_ words: [String]) -> ExitCode {
    let arguments: Arguments
    do throws(Message) { arguments = try Arguments(parsing: words) } catch {
      let terminal = Terminal(isJSON: Arguments.asksForJSON(words))
      let exit = end(terminal, error)
      Progress(Arguments.progressMode(words), terminal).close(failed: true)
      return exit
    }
    let terminal = Terminal(
      isJSON: arguments.isFlag("json"), isQuiet: arguments.isFlag("quiet"),
      isVerbose: arguments.isFlag("verbose"), noColours: arguments.isFlag("no-color"))
    let session = Session(arguments, terminal)
    let exit: ExitCode
    do throws(Message) { exit = try run(session) } catch { exit = end(terminal, error) }
    session.progress.close(failed: !exit.isFine)
    return exit
  }

  private static func run(_ session: Session) throws(Message) -> ExitCode {
    let (arguments, terminal) = (session.arguments, session.terminal)
    if arguments.isFlag("help") {
      let text = Help.text(arguments.named, arguments.path)
      return try succeed(terminal, text, [("help", .string(text))])
    }
    if arguments.isFlag("version") {
      let text = VersionText.lines.joined(separator: "\n") + "\n"
      return try succeed(terminal, text, VersionText.members)
    }
    guard let run = arguments.run else {
      let call = (["coppice"] + arguments.path).joined(separator: " ")
      throw Message(
        .usage, "missing-command", "'\(call)' needs a command",
        hint: "'\(call) --help' lists the commands")
    }
    do throws(Message) {
      let outcome = try run(session)
      if let failure = outcome.failure { return end(terminal, failure, outcome.members) }
      if terminal.isJSON { try terminal.document(result(outcome)) }
      try terminal.flush()
      return outcome.exit
    } catch { return end(terminal, error) }
  }

  /// Words that are the whole result.
  private static func succeed(
    _ terminal: Terminal, _ text: String, _ members: [(String, JSONValue)]
  ) throws(Message) -> ExitCode {
    try terminal.write(Array(text.utf8))
    if terminal.isJSON { try terminal.document(result(Outcome(members: members))) }
    try terminal.flush()
    return .success
  }

  private static func result(_ outcome: Outcome) -> JSONValue {
    .object(
      [("ok", .boolean(outcome.exit.isFine)), ("exit", .integer(Int64(outcome.exit.rawValue)))]
        + outcome.members)
  }

  /// The last words of a run that failed.
  private static func end(
    _ terminal: Terminal, _ message: Message, _ members: [(String, JSONValue)] = []
  ) -> ExitCode {
    do throws(Message) {
      try terminal.flush()
      if terminal.isJSON {
        try terminal.document(message.document(members))
        try terminal.flush()
      }
    } catch { terminal.show(error) }
    terminal.show(message)
    return message.exit
  }
}

extension Message {
  /// The JSON result of a failed command; keys that do not apply are null.
  func document(_ members: [(String, JSONValue)]) -> JSONValue {
    .object(
      [
        ("ok", .boolean(false)), ("exit", .integer(Int64(exit.rawValue))),
        (
          "error",
          .object([
            ("name", .string(name)), ("message", .string(text)), ("hint", .string(orNull: hint)),
            ("url", .string(orNull: url)), ("path", .string(orNull: path)),
          ])
        ),
      ] + members)
  }
}
