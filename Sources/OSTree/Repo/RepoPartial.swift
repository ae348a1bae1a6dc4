// SPDX-License-Identifier: Apache-2.0
import Cryptography
import Linux

// `state/COMMIT.commitpartial`: the commit is here and some of its objects may not be. Made
// before the commit object, removed after the last object is durable.
extension Repo {
  private func stampName(_ commit: Checksum) -> String { "\(commit.hex).commitpartial" }

  private func stampPath(_ commit: Checksum) -> String { "\(path)/state/\(stampName(commit))" }

  /// Whether objects of the commit may be missing.
  public func isPartial(_ commit: Checksum) throws(OSTreeError) -> Bool {
    try naming(stampPath(commit)) { () throws(Errno) in
      try root.contains("state/\(stampName(commit))")
    }
  }

  /// Durable when it returns. `damaged` is what fsck leaves: verify every object again.
  public func markPartial(_ commit: Checksum, damaged: Bool = false) throws(OSTreeError) {
    try naming(stampPath(commit)) { () throws(Errno) in
      try root.makeDirectories("state", mode: 0o775)
      let state = try root.openDirectory("state")
      if try state.contains(stampName(commit)), !damaged { return }
      try state.replaceFile(stampName(commit), with: damaged ? Array("f".utf8) : [])
    }
  }

  /// Whether fsck has found an object of the commit missing or damaged.
  public func isMarkedDamaged(_ commit: Checksum) throws(OSTreeError) -> Bool {
    try naming(stampPath(commit)) { () throws(Errno) in
      try root.statusIfPresent(of: "state/\(stampName(commit))")?.sizeBytes ?? 0 > 0
    }
  }

  /// The commit is complete. Durable when it returns.
  public func clearPartial(_ commit: Checksum) throws(OSTreeError) {
    try naming(stampPath(commit)) { () throws(Errno) in
      guard try root.unlinkIfPresent("state/\(stampName(commit))") else { return }
      try root.openDirectory("state").sync()
    }
  }
}
