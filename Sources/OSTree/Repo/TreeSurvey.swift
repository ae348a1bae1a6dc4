// SPDX-License-Identifier: Apache-2.0
import Cryptography

/// Bounds on what a tree can make us do.
public enum TreeLimits {
  /// Folders within folders; libostree's `OSTREE_MAX_RECURSION`.
  public static let depthMax = 256
  /// Files and folders of one tree with all its repetitions: ten times a large distribution.
  public static let entriesMax: UInt64 = 16 << 20
}

/// Judges a whole tree before anything is made of it: how deep it is, and how many entries it has
/// with all repetitions.
///
/// Each distinct dirtree is read once, whatever names it how often: a tree whose 64 levels name
/// the same child many times has 64 dirtrees, and is refused for what it would unfold to. Several
/// trees may be judged one after the other; what they share is read once.
/// Memory: about 100 bytes for each distinct dirtree, and up to `LooseObjects.treeReadBytesMax` for
/// each level.
public struct TreeSurvey {
  private var judged: [Checksum: Extent] = [:]

  /// What hangs below a dirtree, itself included.
  private struct Extent {
    /// With repetitions.
    let entries: UInt64
    /// Levels.
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

  public init() {}

  /// Judges the tree below `root`. `load` gives a dirtree; it is called once for each that this
  /// survey has not seen yet, and is the place to look at the files in it. Throws what `load`
  /// throws, or `treeTooDeep` or `treeTooLarge` with the name of the root.
  public mutating func run(
    _ root: Checksum, load: (Checksum) throws(OSTreeError) -> DirTree
  ) throws(OSTreeError) {
    if let extent = judged[root] { return try TreeSurvey.check(extent.entries, root) }
    var stack = [TreeSurvey.frame(root, try load(root))]
    while var frame = stack.popLast() {
      guard frame.next < frame.tree.directoryCount else {
        judged[frame.checksum] = Extent(entries: frame.entries, height: frame.height)
        continue
      }
      let child = frame.tree.directoryTree(at: frame.next)
      guard let extent = judged[child] else {
        try TreeSurvey.check(depth: stack.count + 2, root)
        frame.tree.forget()
        stack.append(frame)
        stack.append(TreeSurvey.frame(child, try load(child)))
        continue
      }
      frame.next += 1
      frame.height = max(frame.height, extent.height + 1)
      let sum = frame.entries.addingReportingOverflow(extent.entries)
      frame.entries = sum.overflow ? .max : sum.partialValue
      try TreeSurvey.check(frame.entries, root)
      try TreeSurvey.check(depth: stack.count + frame.height, root)
      stack.append(frame)
    }
  }

  private static func frame(_ checksum: Checksum, _ tree: DirTree) -> Frame {
    Frame(
      checksum: checksum, tree: tree, entries: UInt64(tree.fileCount) + UInt64(tree.directoryCount))
  }

  private static func check(_ entries: UInt64, _ root: Checksum) throws(OSTreeError) {
    guard entries > TreeLimits.entriesMax else { return }
    throw .treeTooLarge(ObjectName(root, .dirTree), limit: TreeLimits.entriesMax)
  }

  private static func check(depth: Int, _ root: Checksum) throws(OSTreeError) {
    guard depth > TreeLimits.depthMax else { return }
    throw .treeTooDeep(ObjectName(root, .dirTree), limit: TreeLimits.depthMax)
  }
}
