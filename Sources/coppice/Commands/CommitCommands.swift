// SPDX-License-Identifier: Apache-2.0
import Codec
import Cryptography
import OSTree

extension Command {
  static let show = Command(
    "show", "shows what a commit says about itself", operands: [.one("REF")]
  ) { session throws(Message) in
    let repo = try session.repo()
    let revision = session.arguments.operands[0]
    let (checksum, commit) = try reporting { () throws(OSTreeError) in
      let checksum = try repo.resolve(revision)
      return (checksum, try repo.loadCommit(checksum))
    }
    for line in CommitText.lines(checksum, commit) { try session.terminal.line(line) }
    return Outcome(members: try CommitText.members(repo, checksum, commit))
  }

  static let log = Command(
    "log", "shows a commit and those before it, as far as they are in the repo",
    operands: [.one("REF")]
  ) { session throws(Message) in
    let repo = try session.repo()
    let revision = session.arguments.operands[0]
    var next: Checksum? = try reporting { () throws(OSTreeError) in try repo.resolve(revision) }
    var commits: [JSONValue] = []
    while let checksum = next {
      let commit = try reporting { () throws(OSTreeError) -> Commit? in
        let isParent = !commits.isEmpty
        if isParent, try !repo.contains(ObjectName(checksum, .commit)) { return nil }
        return try repo.loadCommit(checksum)
      }
      guard let commit else {
        try session.terminal.line("<< History beyond this commit not fetched >>")
        break
      }
      for line in CommitText.lines(checksum, commit) { try session.terminal.line(line) }
      commits.append(.object(try CommitText.members(repo, checksum, commit)))
      next = commit.parent
    }
    return Outcome(members: [("commits", .array(commits))])
  }
}

/// A commit in words, as `ostree show` has them.
private enum CommitText {
  static func lines(_ checksum: Checksum, _ commit: Commit) -> [String] {
    var lines = ["commit \(checksum.hex)"]
    if let parent = commit.parent { lines.append("Parent:  \(parent.hex)") }
    lines.append("ContentChecksum:  \(commit.contentChecksum.hex)")
    lines.append("Date:  \(date(commit.timestamp))")
    if let version = commit.version { lines.append("Version: \(version)") }
    if commit.subject.isEmpty {
      lines.append("(no subject)")
    } else {
      lines += [""] + indented(commit.subject)
    }
    if !commit.body.isEmpty { lines += [""] + indented(commit.body) }
    return lines + [""]
  }

  /// `2026-01-02 00:00:00 +0000`.
  private static func date(_ timestamp: UInt64) -> String {
    let text = Array(Timestamp.text(seconds: Int64(clamping: timestamp)).utf8)
    let (day, time) = (text.prefix(10), text.dropFirst(11).dropLast())
    return "\(String(decoding: day, as: UTF8.self)) \(String(decoding: time, as: UTF8.self)) +0000"
  }

  private static func indented(_ text: String) -> [String] {
    var lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    if lines.last?.isEmpty == true { lines.removeLast() }
    return lines.map { "    \(Terminal.printable(String($0)))" }
  }

  static func members(
    _ repo: Repo, _ checksum: Checksum, _ commit: Commit
  ) throws(Message) -> [(String, JSONValue)] {
    let (isPartial, signatures) = try reporting { () throws(OSTreeError) in
      (
        try repo.isPartial(checksum),
        try repo.loadDetachedMetadata(checksum)?.ed25519Signatures.count ?? 0
      )
    }
    return [
      ("commit", .string(checksum.hex)),
      ("parent", .string(orNull: commit.parent?.hex)),
      ("content_checksum", .string(commit.contentChecksum.hex)),
      ("timestamp", .unsigned(commit.timestamp)),
      ("date", .string(Timestamp.text(seconds: Int64(clamping: commit.timestamp)))),
      ("version", .string(orNull: commit.version)),
      ("subject", .string(commit.subject)),
      ("body", .string(commit.body)),
      ("ref_bindings", commit.refBindings.map { .array($0.map { .string($0) }) } ?? .null),
      ("collection", .string(orNull: commit.collectionBinding)),
      ("partial", .boolean(isPartial)),
      ("ed25519_signatures", .integer(Int64(signatures))),
    ]
  }
}
