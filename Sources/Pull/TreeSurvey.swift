// SPDX-License-Identifier: Apache-2.0
import Cryptography
import OSTree

/// Judges a whole tree before its first file is fetched: how deep it is, how many entries it has
/// with all repetitions, and which of its files are missing.
///
/// Each distinct dirtree is read once, whatever names it how often: a tree whose 64 levels name
/// the same child many times has 64 dirtrees, and is refused for what it would unfold to.
/// Memory: about 100 bytes for each distinct dirtree.
struct TreeSurvey {
  private let staging: Staging
  private let commit: Checksum
  private var judged: [Checksum: Extent] = [:]
  private(set) var missing: UInt64 = 0
  private(set) var present: UInt64 = 0
  private let counts: Bool

  private struct Extent {
    /// With repetitions, saturating.
    let entries: UInt64
    /// Levels below and including this one.
    let height: Int
  }

  /// A dirtree on the way down, with the child that is judged next.
  private struct Frame {
    let checksum: Checksum
    let tree: DirTree
    var next = 0
    var entries: UInt64
    var height = 1
  }

  /// `counts` looks each file object up.
  init(_ staging: Staging, _ commit: Checksum, counts: Bool) {
    self.staging = staging
    self.commit = commit
    self.counts = counts
  }

  mutating func run(_ root: Checksum) throws(PullError) {
    var stack = [try open(root)]
    while var frame = stack.popLast() {
      guard frame.next < frame.tree.directoryCount else {
        judged[frame.checksum] = Extent(entries: frame.entries, height: frame.height)
        continue
      }
      let child = frame.tree.directory(at: frame.next).tree
      guard let extent = judged[child] else {
        guard stack.count < PullLimits.treeDepthMax else {
          throw .treeTooDeep(commit, limit: PullLimits.treeDepthMax)
        }
        stack.append(frame)
        stack.append(try open(child))
        continue
      }
      frame.next += 1
      frame.height = max(frame.height, extent.height + 1)
      let sum = frame.entries.addingReportingOverflow(extent.entries)
      frame.entries = sum.overflow ? .max : sum.partialValue
      if frame.entries > PullLimits.treeEntriesMax {
        throw .treeTooLarge(commit, limit: PullLimits.treeEntriesMax)
      }
      if stack.count + frame.height > PullLimits.treeDepthMax {
        throw .treeTooDeep(commit, limit: PullLimits.treeDepthMax)
      }
      stack.append(frame)
    }
  }

  private mutating func open(_ checksum: Checksum) throws(PullError) -> Frame {
    let tree = try staging.loadTree(checksum)
    if counts {
      for index in 0..<tree.fileCount {
        let name = ObjectName(tree.file(at: index).checksum, .file)
        if try ostree({ () throws(OSTreeError) in try staging.contains(name) }) {
          present += 1
        } else {
          missing += 1
        }
      }
    }
    return Frame(
      checksum: checksum, tree: tree, entries: UInt64(tree.fileCount) + UInt64(tree.directoryCount))
  }
}

extension Staging {
  /// A dirtree that is staged or in the repo.
  func loadTree(_ checksum: Checksum) throws(PullError) -> DirTree {
    let name = ObjectName(checksum, .dirTree)
    let bytes = try ostree { () throws(OSTreeError) in try loadBytes(name) }
    do throws(FormatError) { return try DirTree(parsing: bytes) } catch {
      throw .ostree(.malformed(name, error))
    }
  }
}
