// SPDX-License-Identifier: Apache-2.0
import Codec
import Cryptography
import Linux

/// Why something could not be done with a repo.
public enum OSTreeError: Error, Hashable, Sendable {
  /// `path` holds no `config` and `objects`.
  case notARepo(path: String)
  /// `core.repo_version` or `core.mode` says what we do not know; `found` is the value.
  case unsupportedRepo(path: String, key: String, found: String)
  /// A keyfile of the repo or of a remote does not hold what it must.
  case configuration(path: String, ConfigurationFault)
  /// A system call on a file or directory failed.
  case file(path: String, Errno)
  /// A file of keys that a remote names cannot be read.
  case keyFile(path: String, Errno)
  /// Something in the way: `path` exists and may not be replaced.
  case exists(path: String)

  /// No such object in the repo.
  case missing(ObjectName)
  /// The object's bytes have another checksum than its name says.
  case corrupt(ObjectName, found: Checksum)
  /// The object has the right name but is not what the format demands.
  case malformed(ObjectName, FormatError)
  /// An object of metadata that is larger than any honest one.
  case tooLarge(ObjectName, limitBytes: UInt64)
  /// The repo's mode cannot hold this file as it is: owner, mode or extended attributes.
  case unrepresentable(ObjectName, mode: UInt32)
  /// The tree below this dirtree is deeper than any honest one.
  case treeTooDeep(ObjectName, limit: Int)
  /// The tree below this dirtree has more entries, with all repetitions, than any honest one.
  case treeTooLarge(ObjectName, limit: UInt64)
  /// A hard link was demanded and cannot be made.
  case notLinkable(path: String, Errno)

  /// A name that is not a ref, refspec or checksum by the rules.
  case invalidRef(String)
  /// Nothing in the repo has this name.
  case unknownRef(String)
  /// More than one commit begins with these digits.
  case ambiguous(String)
  /// `ref` cannot be stored since `with` exists: one would be a folder of the other.
  case refConflict(String, with: String)
  /// The commit has no parent.
  case noParent(Checksum)
  /// No path of that name in the commit's tree.
  case noSuchPath(String)
  /// Not a name that a remote can have.
  case invalidRemote(String)
  case unknownRemote(String)
  case remoteExists(String)

  /// Somebody else holds the lock at `path`.
  case busy(path: String)
  /// The file system behind `path` does not have the room.
  case noSpace(path: String, neededBytes: UInt64, freeBytes: UInt64)
}

/// What is wrong in a configuration file of a repo.
public enum ConfigurationFault: Error, Hashable, Sendable {
  case keyfile(KeyfileError)
  case missing(group: String, key: String)
  case value(group: String, key: String, found: String)
}

/// Runs a call that throws `Errno` and names the file it was about.
@inline(__always)
func naming<R: ~Copyable>(
  _ path: @autoclosure () -> String, _ body: () throws(Errno) -> R
) throws(OSTreeError) -> R {
  do throws(Errno) { return try body() } catch { throw .file(path: path(), error) }
}
