// SPDX-License-Identifier: Apache-2.0
import Linux

// The few files of a repo that are neither objects nor refs: config, summary, summary.sig.
extension Repo {
  /// The whole file, or nil if there is none. `file` is relative to the repo and never leaves it.
  public func readFile(_ file: String, limitBytes: Int) throws(OSTreeError) -> [UInt8]? {
    do throws(Errno) {
      return try root.openBeneath(file).readAll(limit: limitBytes)
    } catch {
      if error == .notFound || error == .notDirectory { return nil }
      throw .file(path: "\(path)/\(file)", error)
    }
  }

  /// What a mirror serves. The signatures come second, as `ostree summary` writes them; nil takes
  /// old ones away. Durable when it returns.
  public func writeSummary(_ bytes: [UInt8], signatures: [UInt8]?) throws(OSTreeError) {
    try naming("\(path)/summary") { () throws(Errno) in
      try root.replaceFile("summary", with: bytes)
      if let signatures {
        try root.replaceFile("summary.sig", with: signatures)
      } else if try root.unlinkIfPresent("summary.sig") {
        try root.sync()
      }
    }
  }
}
