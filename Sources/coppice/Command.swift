// SPDX-License-Identifier: Apache-2.0
import Codec

/// One command: its name, what it takes, and what it does. The table of all commands is the one
/// source of the parser, the help and the manual.
struct Command: Sendable {
  typealias Run = @Sendable (Session) throws(Message) -> Outcome

  enum Body: Sendable {
    case run(Run)
    case group([Command])
  }

  let name: String
  let summary: String
  /// A paragraph for the help, or nothing.
  let details: String
  let operands: [Operand]
  let options: [Option]
  let isHidden: Bool
  let body: Body

  init(
    _ name: String, _ summary: String, details: String = "", operands: [Operand] = [],
    options: [Option] = [], isHidden: Bool = false, run: @escaping Run
  ) {
    self.name = name
    self.summary = summary
    self.details = details
    self.operands = operands
    self.options = options
    self.isHidden = isHidden
    body = .run(run)
  }

  init(_ name: String, _ summary: String, commands: [Command]) {
    self.name = name
    self.summary = summary
    details = ""
    operands = []
    options = []
    isHidden = false
    body = .group(commands)
  }

  /// All commands, in the order of the help.
  static let all: [Command] = [
    .status, .check, .update, .plan, .pull, .deploy, .rollback, .markGood, .pin, .unpin, .undeploy,
    .kargs,
    .prune, .diff, .fsck, .doctor, .config, .remote, .staticDelta, .refs, .revParse, .show, .log,
    .list, .cat,
    .checkout, .provision, .manifest, .tuf, .initSysroot, .prepareRoot, .finalize, .boot,
    .bench, .benchChild, .selfTest,
  ]
}

/// What a command that did its work leaves for standard output and the exit code.
struct Outcome {
  var exit: ExitCode = .success
  /// The members of the JSON document after `ok` and `exit`.
  var members: [(String, JSONValue)] = []
  /// Why the result is not what was wanted, where there is a result nevertheless.
  var failure: Message?

  static var done: Outcome { Outcome() }
}
