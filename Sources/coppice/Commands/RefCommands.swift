// SPDX-License-Identifier: Apache-2.0
import Codec
import Cryptography
import OSTree

extension Command {
  static let refs = Command(
    "refs", "lists the refs of the repo",
    details: "With PREFIX only those below it, without it.",
    operands: [.optional("PREFIX")],
    options: [Option("list", help: "keep the prefix")]
  ) { session throws(Message) in
    let repo = try session.repo()
    let refs = try reporting { () throws(OSTreeError) in try repo.refs() }
    let prefix = session.arguments.operand(0)
    let keepsPrefix = session.arguments.isFlag("list")
    var members: [JSONValue] = []
    for (refspec, commit) in refs {
      guard let text = RefListing.text(refspec, below: prefix, keepsPrefix) else { continue }
      try session.terminal.line(text)
      members.append(
        .object([
          ("refspec", .string(refspec.text)), ("remote", .string(orNull: refspec.remote)),
          ("ref", .string(refspec.ref)), ("commit", .string(commit.hex)),
        ]))
    }
    return Outcome(members: [("refs", .array(members))])
  }

  static let revParse = Command(
    "rev-parse", "shows the commit that a ref names",
    details: "REF may also be a checksum, its first digits, or either with '^' for the parent.",
    operands: [.many("REF")]
  ) { session throws(Message) in
    let repo = try session.repo()
    var commits: [JSONValue] = []
    for revision in session.arguments.operands {
      let commit = try reporting { () throws(OSTreeError) in try repo.resolve(revision) }
      try session.terminal.line(commit.hex)
      commits.append(.string(commit.hex))
    }
    return Outcome(members: [("commits", .array(commits))])
  }
}

/// Which refs `refs PREFIX` shows, and how.
private enum RefListing {
  /// Nil if the ref is not below the prefix, which counts in whole fragments.
  static func text(_ refspec: Refspec, below prefix: String?, _ keepsPrefix: Bool) -> String? {
    guard let prefix, !prefix.isEmpty else { return refspec.text }
    let full = Array(refspec.text.utf8)
    let wanted = Array(prefix.utf8)
    guard full.starts(with: wanted) else { return nil }
    if full.count == wanted.count { return refspec.text }
    if wanted.last == UInt8(ascii: ":") { return refspec.text }
    guard full[wanted.count] == UInt8(ascii: "/") else { return nil }
    if keepsPrefix { return refspec.text }
    let rest = String(decoding: full[(wanted.count + 1)...], as: UTF8.self)
    return refspec.remote.map { "\($0):\(rest)" } ?? rest
  }
}
