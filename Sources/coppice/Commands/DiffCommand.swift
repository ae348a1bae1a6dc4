// SPDX-License-Identifier: Apache-2.0
import Codec
import Deploy
import OSTree

extension Command {
  static let diff = Command(
    "diff", "shows what was changed in /etc, or what differs between two commits",
    details: "Without operands, or with 'etc': /etc of the running deployment or, where none runs, "
      + "of the first, against its defaults. With A alone: what A changed since its parent.",
    operands: [.optional("etc|A"), .optional("B")]
  ) { session throws(Message) in
    let operands = session.arguments.operands
    guard let old = operands.first, operands.count == 2 || old != "etc" else {
      let sysroot = try session.openSysroot()
      let diff = try reporting { () throws(DeployError) in try sysroot.etcDiff() }
      return try DiffText.show(diff.modified, diff.removed, diff.added, session.terminal)
    }
    let repo = try session.repo()
    let diff = try reporting { () throws(OSTreeError) in
      let isPair = operands.count == 2
      return try CommitDiff(
        repo, from: try repo.resolve(isPair ? old : "\(old)^"),
        to: try repo.resolve(isPair ? operands[1] : old))
    }
    return try DiffText.show(diff.modified, diff.removed, diff.added, session.terminal)
  }
}

private enum DiffText {
  /// As `ostree diff` and `ostree admin config-diff` write it.
  static func show(
    _ modified: [String], _ removed: [String], _ added: [String], _ terminal: Terminal
  ) throws(Message) -> Outcome {
    for (letter, paths) in [("M", modified), ("D", removed), ("A", added)] {
      for path in paths { try terminal.line("\(letter)    \(path)") }
    }
    return Outcome(members: [
      ("modified", list(modified)), ("removed", list(removed)), ("added", list(added)),
    ])
  }

  private static func list(_ paths: [String]) -> JSONValue { .array(paths.map { .string($0) }) }
}
