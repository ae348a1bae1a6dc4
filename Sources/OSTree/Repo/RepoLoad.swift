// SPDX-License-Identifier: Apache-2.0
import Cryptography
import Linux

// Reading objects. What is loaded is parsed strictly, and is hashed where `verifying` is asked
// for: an object in the repo was verified when it came, but the medium may have changed since.
extension Repo {
  /// An object of metadata, whole. Throws `missing` or `tooLarge`, or `corrupt` when `verifying`.
  public func loadBytes(
    _ name: ObjectName, verifying: Bool = false,
    limitBytes: UInt64 = Staging.metadataLimitBytes
  ) throws(OSTreeError) -> [UInt8] {
    guard let bytes = try objects.loadMetadata(name, limitBytes: limitBytes) else {
      guard let parent else { throw .missing(name) }
      return try parent.loadBytes(name, verifying: verifying, limitBytes: limitBytes)
    }
    if verifying {
      let found = SHA256.hash(bytes.span)
      if found != name.checksum { throw .corrupt(name, found: found) }
    }
    return bytes
  }

  /// Lends the bytes of an object of metadata, some at a time and not verified. Throws `missing`.
  public func forEachPiece(
    of name: ObjectName, _ body: (Span<UInt8>) throws(OSTreeError) -> Void
  ) throws(OSTreeError) {
    if let parent, try !objects.contains(name) { return try parent.forEachPiece(of: name, body) }
    try objects.forEachPiece(of: name, body)
  }

  public func loadCommit(
    _ checksum: Checksum, verifying: Bool = false
  ) throws(OSTreeError) -> Commit {
    let name = ObjectName(checksum, .commit)
    let bytes = try loadBytes(name, verifying: verifying)
    return try parsing(name) { () throws(FormatError) in try Commit(parsing: bytes) }
  }

  public func loadDirTree(
    _ checksum: Checksum, verifying: Bool = false
  ) throws(OSTreeError) -> DirTree {
    if let tree = try objects.loadDirTree(checksum, verifying: verifying) { return tree }
    guard let parent else { throw .missing(ObjectName(checksum, .dirTree)) }
    return try parent.loadDirTree(checksum, verifying: verifying)
  }

  public func loadDirMeta(
    _ checksum: Checksum, verifying: Bool = false
  ) throws(OSTreeError) -> DirMeta {
    let name = ObjectName(checksum, .dirMeta)
    let bytes = try loadBytes(name, verifying: verifying)
    return try parsing(name) { () throws(FormatError) in try DirMeta(parsing: bytes) }
  }

  /// What may change about a commit without changing it: signatures. Nil if there is none.
  public func loadDetachedMetadata(
    _ checksum: Checksum
  ) throws(OSTreeError) -> DetachedMetadata? {
    let name = ObjectName(checksum, .commitMeta)
    guard let bytes = try objects.loadMetadata(name) else {
      return try parent?.loadDetachedMetadata(checksum)
    }
    return try parsing(name) { () throws(FormatError) in try DetachedMetadata(parsing: bytes) }
  }

  /// A file or symbolic link, not verified. Throws `missing`.
  public func openFile(_ checksum: Checksum) throws(OSTreeError) -> FileObject {
    if let found = try objects.openFile(checksum) { return found }
    guard let parent else { throw .missing(ObjectName(checksum, .file)) }
    return try parent.openFile(checksum)
  }

  /// The checksum of what lies on the medium under this name. Throws `missing`.
  public func checksum(
    of name: ObjectName, _ hash: inout FileHash, dropping: Bool = false
  ) throws(OSTreeError) -> Checksum {
    if let parent, try !objects.contains(name) {
      return try parent.checksum(of: name, &hash, dropping: dropping)
    }
    return try objects.checksum(of: name, &hash, dropping: dropping)
  }

  /// Hashes the object at rest. Throws `missing`, `corrupt` or `malformed`.
  public func verify(
    _ name: ObjectName, _ hash: inout FileHash, dropping: Bool = false
  ) throws(OSTreeError) {
    let found = try checksum(of: name, &hash, dropping: dropping)
    if found != name.checksum { throw .corrupt(name, found: found) }
  }
}

/// Runs a parser and names the object it was about.
func parsing<R>(
  _ name: ObjectName, _ body: () throws(FormatError) -> R
) throws(OSTreeError) -> R {
  do throws(FormatError) { return try body() } catch { throw .malformed(name, error) }
}
