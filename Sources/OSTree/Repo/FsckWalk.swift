// SPDX-License-Identifier: Apache-2.0
import Cryptography
import Linux

/// The second half of a check: whether every object that the commits need is there.
///
/// Each distinct dirtree is read once for all commits together. Memory: 32 bytes for each, and the
/// few that lack something.
struct FsckWalk {
  private let repo: Repo
  private let damaged: Set<ObjectName>
  private var visited: Set<Checksum> = []
  /// Dirtrees below which something is missing, and those below which something is damaged.
  private var lacking: Set<Checksum> = []
  private var spoilt: Set<Checksum> = []
  /// Missing objects that were reported: each is, once, however many folders name it.
  private var reported: Set<ObjectName> = []

  /// How a commit or a part of its tree fares.
  struct Verdict {
    var isLacking = false
    var isSpoilt = false

    mutating func add(_ other: Verdict) {
      isLacking = isLacking || other.isLacking
      isSpoilt = isSpoilt || other.isSpoilt
    }
  }

  private struct Frame {
    let checksum: Checksum
    let tree: DirTree
    var next = 0
    var verdict: Verdict
  }

  init(_ repo: Repo, damaged: Set<ObjectName>) {
    self.repo = repo
    self.damaged = damaged
  }

  /// Walks the tree of a commit. Problems are reported where they are found first.
  mutating func run(
    _ checksum: Checksum, into report: inout FsckReport
  ) throws(OSTreeError) -> Verdict {
    let commit = try repo.loadCommit(checksum)
    var verdict = try look(ObjectName(commit.rootMeta, .dirMeta), checksum, &report)
    var stack: [Frame] = []
    try open(commit.rootTree, checksum, &stack, &report)
    while var frame = stack.popLast() {
      guard frame.next < frame.tree.directoryCount else {
        close(frame.checksum, frame.verdict)
        continue
      }
      let child = frame.tree.directory(at: frame.next).tree
      if visited.contains(child) {
        frame.verdict.add(judged(child))
        frame.next += 1
        stack.append(frame)
      } else if stack.count + 2 > TreeLimits.depthMax {
        report.add(.endless(ObjectName(child, .dirTree), commit: checksum))
        visited.insert(child)
        spoilt.insert(child)
        stack.append(frame)
      } else {
        stack.append(frame)
        try open(child, checksum, &stack, &report)
      }
    }
    verdict.add(judged(commit.rootTree))
    return verdict
  }

  private func judged(_ tree: Checksum) -> Verdict {
    Verdict(isLacking: lacking.contains(tree), isSpoilt: spoilt.contains(tree))
  }

  private mutating func close(_ tree: Checksum, _ verdict: Verdict) {
    if verdict.isLacking { lacking.insert(tree) }
    if verdict.isSpoilt { spoilt.insert(tree) }
  }

  /// Reads a dirtree and looks for what it names; nothing is pushed if it cannot be read.
  private mutating func open(
    _ checksum: Checksum, _ commit: Checksum, _ stack: inout [Frame],
    _ report: inout FsckReport
  ) throws(OSTreeError) {
    guard visited.insert(checksum).inserted else { return }
    let name = ObjectName(checksum, .dirTree)
    var verdict = try look(name, commit, &report)
    if verdict.isLacking || verdict.isSpoilt { return close(checksum, verdict) }
    let tree: DirTree
    do throws(OSTreeError) { tree = try repo.loadDirTree(checksum) } catch {
      guard case .malformed(_, let fault) = error else { throw error }
      // The right checksum, and yet not a dirtree: it was hostile when it came.
      report.add(.malformed(name, fault))
      verdict.isSpoilt = true
      return close(checksum, verdict)
    }
    for index in 0..<tree.fileCount {
      verdict.add(try look(ObjectName(tree.fileChecksum(at: index), .file), commit, &report))
    }
    for index in 0..<tree.directoryCount {
      let meta = ObjectName(tree.directory(at: index).meta, .dirMeta)
      verdict.add(try look(meta, commit, &report))
    }
    stack.append(Frame(checksum: checksum, tree: tree, verdict: verdict))
  }

  /// One stat(2).
  private mutating func look(
    _ name: ObjectName, _ commit: Checksum, _ report: inout FsckReport
  ) throws(OSTreeError) -> Verdict {
    if !damaged.isEmpty, damaged.contains(name) { return Verdict(isSpoilt: true) }
    if try repo.contains(name) { return Verdict() }
    if reported.count < FsckReport.problemsMax {
      if reported.insert(name).inserted { report.add(.missing(name, commit: commit)) }
    } else if !reported.contains(name) {
      report.add(.missing(name, commit: commit))
    }
    return Verdict(isLacking: true)
  }
}
