// SPDX-License-Identifier: Apache-2.0
import Cryptography
import OSTree

/// Judges the trees of a pull before the first file is fetched, and counts which files are missing.
/// What several commits share is judged and counted once.
struct ContentSurvey {
  private let staging: Staging
  private var survey = TreeSurvey()
  /// File objects by the folders that name them.
  private(set) var missing: UInt64 = 0
  private(set) var present: UInt64 = 0

  init(_ staging: Staging) { self.staging = staging }

  mutating func add(_ pulled: PulledCommit) throws(PullError) {
    let staging = self.staging
    var (missing, present): (UInt64, UInt64) = (0, 0)
    do throws(OSTreeError) {
      try survey.run(pulled.rootTree) { (checksum) throws(OSTreeError) in
        let tree = try staging.loadDirTree(checksum)
        for index in 0..<tree.fileCount {
          let isHere = try staging.contains(ObjectName(tree.fileChecksum(at: index), .file))
          if isHere { present += 1 } else { missing += 1 }
        }
        return tree
      }
    } catch {
      switch error {
      case .treeTooDeep(_, let limit): throw .treeTooDeep(pulled.checksum, limit: limit)
      case .treeTooLarge(_, let limit): throw .treeTooLarge(pulled.checksum, limit: limit)
      default: throw .ostree(error)
      }
    }
    self.missing += missing
    self.present += present
  }
}

extension Staging {
  /// A dirtree that is staged or in the repo.
  func loadTree(_ checksum: Checksum) throws(PullError) -> DirTree {
    try ostree { () throws(OSTreeError) in try loadDirTree(checksum) }
  }
}
