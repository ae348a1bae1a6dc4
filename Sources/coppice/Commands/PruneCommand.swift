// SPDX-License-Identifier: Apache-2.0
import Codec
import Deploy
import OSTree

extension Command {
  static let prune = Command(
    "prune", "removes deployments, boot files and objects that nothing refers to",
    details: "Deployments in boot order stay, with their kernels and objects; of the history of a "
      + "ref only its newest commit. With '--repo' it is about the objects of that repo alone, "
      + "and all commits stay, as with 'ostree prune'.",
    options: [
      Option("no-prune", help: "remove nothing, only count objects"),
      Option("depth", .text("N"), help: "keep N generations of parents; -1 for all"),
      Option("refs-only", help: "keep only commits that refs name, also with '--repo'"),
    ]
  ) { session throws(Message) in
    let isOfRepo = session.arguments.value("repo") != nil
    var options = PruneOptions()
    options.isDryRun = session.arguments.isFlag("no-prune")
    options.refsOnly = !isOfRepo || session.arguments.isFlag("refs-only")
    options.depth = isOfRepo ? nil : 0
    if let depth = session.arguments.value("depth") { options.depth = try Depth.parse(depth) }
    let chosen = options
    if isOfRepo {
      let repo = try session.repo()
      let report = try reporting { () throws(OSTreeError) in try repo.prune(chosen) }
      return try PruneText.show(report, [], chosen, session.terminal)
    }
    let sysroot = try session.writableSysroot()
    let (removed, report) = try reporting { () throws(DeployError) in
      let lock = try sysroot.lock()
      let removed = chosen.isDryRun ? [] : try sysroot.cleanup(lock).removed
      return (removed, try PruneText.prune(sysroot.repo, chosen))
    }
    return try PruneText.show(report, removed, chosen, session.terminal)
  }
}

private enum PruneText {
  static func prune(_ repo: Repo, _ options: PruneOptions) throws(DeployError) -> PruneReport {
    do throws(OSTreeError) { return try repo.prune(options) } catch { throw .ostree(error) }
  }

  static func show(
    _ report: PruneReport, _ removed: [String], _ options: PruneOptions, _ terminal: Terminal
  ) throws(Message) -> Outcome {
    for path in removed { try terminal.line("removed '\(path)'") }
    for line in lines(report, options) { try terminal.line(line) }
    return Outcome(members: members(report, removed))
  }

  /// As `ostree prune` says it.
  static func lines(_ report: PruneReport, _ options: PruneOptions) -> [String] {
    let total = "Total objects: \(report.objects)"
    if report.removedObjects == 0 { return [total, "No unreachable objects"] }
    let verb = options.isDryRun ? "Would delete" : "Deleted"
    return [
      total,
      "\(verb) \(report.removedObjects) objects, \(HumanSize.text(report.freedBytes)) freed",
    ]
  }

  static func members(_ report: PruneReport, _ removed: [String]) -> [(String, JSONValue)] {
    [
      ("objects", .unsigned(report.objects)), ("removed_objects", .unsigned(report.removedObjects)),
      ("removed_commits", .unsigned(report.removedCommits)),
      ("removed_deltas", .unsigned(report.removedDeltas)),
      ("freed_bytes", .unsigned(report.freedBytes)),
      ("removed", .array(removed.map { .string($0) })),
    ]
  }
}
