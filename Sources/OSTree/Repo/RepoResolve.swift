// SPDX-License-Identifier: Apache-2.0
import Cryptography
import Linux

extension Repo {
  /// Fewer digits than this name no commit: a ref may look like them.
  private static let prefixDigitsMin = 4

  /// The commit that `revision` means, in this order: a checksum; `REV^`, the parent; a refspec;
  /// a ref of our own, then of any remote; the first digits of one commit's checksum.
  public func resolve(_ revision: String) throws(OSTreeError) -> Checksum {
    if let checksum = Checksum(hex: revision) { return checksum }
    if revision.utf8.last == UInt8(ascii: "^") {
      let child = try resolve(String(revision.dropLast()))
      guard let parent = try loadCommit(child).parent else { throw .noParent(child) }
      return parent
    }
    if let refspec = Refspec(revision) {
      if let found = try readRef(refspec) { return found }
      if refspec.remote == nil, let found = try findInRemotes(refspec.ref) { return found }
    }
    if let found = try findByPrefix(revision) { return found }
    if Refspec(revision) == nil { throw .invalidRef(revision) }
    throw .unknownRef(revision)
  }

  /// `REMOTE/REF` written as a path, or REF in any remote.
  private func findInRemotes(_ ref: String) throws(OSTreeError) -> Checksum? {
    if let slash = ref.utf8.firstIndex(of: UInt8(ascii: "/")) {
      let remote = String(ref[..<slash])
      let rest = String(ref[ref.utf8.index(after: slash)...])
      if let refspec = Refspec("\(remote):\(rest)"), let found = try readRef(refspec) {
        return found
      }
    }
    var found: Checksum?
    for candidate in try refs() where candidate.refspec.ref == ref {
      if let other = found, other != candidate.commit { throw .ambiguous(ref) }
      found = candidate.commit
    }
    return found
  }

  private func findByPrefix(_ digits: String) throws(OSTreeError) -> Checksum? {
    guard digits.utf8.count >= Repo.prefixDigitsMin, digits.utf8.count < 64,
      digits.utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) })
    else { return nil }
    let folder = String(digits.utf8.prefix(2))!
    let names: [ObjectName]
    do throws(OSTreeError) { names = try objects.names(inFolder: folder) } catch {
      if case .file(_, .notFound) = error { return nil }
      throw error
    }
    var found: Checksum?
    for name in names where name.type == .commit && name.checksum.hex.hasPrefix(digits) {
      if found != nil { throw .ambiguous(digits) }
      found = name.checksum
    }
    return found
  }

  /// Every commit object that is here, partial ones too.
  public func commits() throws(OSTreeError) -> [Checksum] {
    var found: [Checksum] = []
    for folder in try objects.folders() {
      for name in try objects.names(inFolder: folder) where name.type == .commit {
        found.append(name.checksum)
      }
    }
    return found
  }
}
