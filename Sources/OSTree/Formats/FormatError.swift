// SPDX-License-Identifier: Apache-2.0
import Codec
import Cryptography

/// Why bytes are not the object, summary, delta or file that they claim to be. Positions count
/// entries from 0.
public enum FormatError: Error, Hashable, Sendable {
  /// Not a GVariant of the type, or not in normal form.
  case gvariant(GVariantError)
  /// A name that no tree may hold: empty, `.`, `..`, too long, or with a slash in it.
  case name(String, at: Int)
  /// This name should stand before the one in front of it.
  case unsorted(String, at: Int)
  /// This name was there already, or is both a file and a directory.
  case duplicate(String, at: Int)
  /// The name of an extended attribute is empty, or its NUL is not at the end and only there.
  case attributeName(at: Int)
  /// Extended attributes are not sorted by name, or a name is there twice.
  case attributeOrder(at: Int)
  /// A file type or bits that this kind of object cannot have.
  case mode(UInt32)
  /// A device number where there can be none.
  case device(UInt32)
  /// A symbolic link that points nowhere or further than a path can say, or a file that points.
  case symlinkTarget
  /// A checksum of this many bytes.
  case checksumLength(Int)
  /// The front of a file object is not a header.
  case header
  /// More than anything honest needs.
  case tooLarge(limitBytes: UInt64)
  /// Content is longer or shorter than the header says.
  case size
  /// Bytes after the end.
  case trailing
  /// The stream ends too early.
  case truncated
  /// The packed content cannot be unpacked.
  case deflate
  /// A dictionary has an empty key.
  case emptyKey
  /// The value of this key has the wrong type or makes no sense.
  case key(String)
  /// A delta whose commit is not the one that it is for, or of an unknown version.
  case delta
}

/// The types of OSTree's files, parsed once.
enum FormatType {
  /// The entries of a dirtree, which is `(a(say)a(sayay))`.
  static let treeFile = make("(say)")
  static let treeDirectory = make("(sayay)")
  /// Also of `user.ostreemeta`.
  static let dirMeta = make("(uuua(ayay))")
  static let archiveHeader = make("(tuuuusa(ayay))")
  static let commit = make("(a{sv}aya(say)sstayay)")
  static let dictionary = make("a{sv}")
  static let summary = make("(a(s(taya{sv}))a{sv})")
  static let attributes = make("a(ayay)")

  private static func make(_ text: String) -> GVariantType {
    guard let type = GVariantType(text) else { preconditionFailure("a type that is none") }
    return type
  }
}

/// Reads a value in normal form.
func gvariant(_ bytes: ArraySlice<UInt8>, _ type: GVariantType) throws(FormatError) -> GVariant {
  do throws(GVariantError) { return try GVariant(bytes, type: type) } catch {
    throw .gvariant(error)
  }
}

extension GVariant {
  /// An `ay` that must be a checksum.
  func checksum() throws(FormatError) -> Checksum {
    let bytes = byteString
    guard let checksum = Checksum(bytes) else { throw .checksumLength(bytes.count) }
    return checksum
  }

  /// An `ay` that is a checksum or empty.
  func optionalChecksum() throws(FormatError) -> Checksum? {
    byteString.isEmpty ? nil : try checksum()
  }

  /// Refuses an `a{sv}` with an empty key, which libostree never writes.
  func checkKeys() throws(FormatError) {
    for index in 0..<count where self[index][0].textBytes.isEmpty { throw .emptyKey }
  }

  /// The value of `key` in an `a{sv}`, nil if it is not there. Throws if it has another type.
  func value(of key: String, type: String) throws(FormatError) -> GVariant? {
    guard let found = lookup(key) else { return nil }
    guard found.type.matches(type) else { throw .key(key) }
    return found
  }

  /// The elements of an `as`.
  var strings: [String] { (0..<count).map { self[$0].string } }

  /// The elements of an `aay`.
  var byteStrings: [[UInt8]] { (0..<count).map { Array(self[$0].byteString) } }
}
