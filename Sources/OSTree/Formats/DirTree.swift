// SPDX-License-Identifier: Apache-2.0
import Codec
import Cryptography

/// The names in one directory of a commit, and the objects behind them.
///
/// Shape `(a(say)a(sayay))`: files with their checksum, directories with those of their dirtree
/// and dirmeta, both sorted by the bytes of the names. A view over the object's bytes, all checked
/// at the start: entries are made when asked for. A large object may stay on the medium and be
/// looked at through a mapping, so that a directory of any size costs little memory.
public struct DirTree: Sendable {
  /// A file or symbolic link.
  public struct File: Hashable, Sendable {
    public let name: String
    public let checksum: Checksum

    public init(name: String, checksum: Checksum) {
      self.name = name
      self.checksum = checksum
    }
  }

  public struct Directory: Hashable, Sendable {
    public let name: String
    public let tree: Checksum
    public let meta: Checksum

    public init(name: String, tree: Checksum, meta: Checksum) {
      self.name = name
      self.tree = tree
      self.meta = meta
    }
  }

  private let object: ObjectBytes
  private let files: DirTreeList
  private let directories: DirTreeList

  /// Reads a dirtree. Throws for anything that a file system could not hold or a binary search
  /// would miss: names that are empty, `.`, `..`, too long or hold a slash, out of order or twice.
  public init(parsing bytes: [UInt8]) throws(FormatError) {
    try self.init(ObjectBytes(bytes))
  }

  /// As above, of bytes that may stay on the medium.
  init(_ object: ObjectBytes) throws(FormatError) {
    self.object = object
    (files, directories) = try object.look { (bytes) throws(FormatError) in
      try DirTreeList.both(in: bytes)
    }
    try files.check(object)
    try directories.check(object)
    try checkDisjoint()
    object.forget()
  }

  /// Writes a dirtree. Entries may come in any order; throws for names that no tree may hold.
  public init(files: [File], directories: [Directory]) throws(FormatError) {
    let files = files.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    let directories = directories.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    let value = GVariantValue.tuple([
      .array(
        elementType: "(say)",
        files.map { .tuple([.string($0.name), .bytes($0.checksum.bytes)]) }),
      .array(
        elementType: "(sayay)",
        directories.map {
          .tuple([.string($0.name), .bytes($0.tree.bytes), .bytes($0.meta.bytes)])
        }),
    ])
    try self.init(parsing: value.serialized())
  }

  /// Both lists are sorted, so one walk along them finds a name that is in both.
  private func checkDisjoint() throws(FormatError) {
    var (file, directory) = (0, 0)
    while file < files.count, directory < directories.count {
      let order = object.look { bytes in
        DirTreeList.compare(
          bytes, files.entry(at: file, in: bytes).name,
          bytes, directories.entry(at: directory, in: bytes).name)
      }
      if order == 0 { throw .duplicate(self.directory(at: directory).name, at: directory) }
      if order < 0 { file += 1 } else { directory += 1 }
    }
  }
}

// Entries, by position and by name.
extension DirTree {
  /// The bytes of the object, whose SHA-256 is its name; copied.
  public var bytes: [UInt8] { object.look { DirTreeList.copy($0, 0..<$0.count) } }

  public var fileCount: Int { files.count }
  public var directoryCount: Int { directories.count }

  public func file(at index: Int) -> File {
    object.look { bytes in
      let entry = files.entry(at: index, in: bytes)
      return File(
        name: DirTreeList.text(bytes, entry.name),
        checksum: DirTreeList.checksum(bytes, entry.checksums))
    }
  }

  public func directory(at index: Int) -> Directory {
    object.look { bytes in
      let entry = directories.entry(at: index, in: bytes)
      return Directory(
        name: DirTreeList.text(bytes, entry.name),
        tree: DirTreeList.checksum(bytes, entry.checksums),
        meta: DirTreeList.checksum(bytes, entry.checksums + Checksum.byteCount))
    }
  }

  /// As `file(at:)`, for those who do not need the name.
  public func fileChecksum(at index: Int) -> Checksum {
    object.look { bytes in
      DirTreeList.checksum(bytes, files.entry(at: index, in: bytes).checksums)
    }
  }

  /// The dirtree of `directory(at:)`, for those who do not need the name.
  public func directoryTree(at index: Int) -> Checksum {
    object.look { bytes in
      DirTreeList.checksum(bytes, directories.entry(at: index, in: bytes).checksums)
    }
  }

  public func findFile(_ name: String) -> Checksum? {
    files.find(name, object).map { fileChecksum(at: $0) }
  }

  public func findDirectory(_ name: String) -> Directory? {
    directories.find(name, object).map { directory(at: $0) }
  }

  /// Whether a file system can hold an entry of this name.
  static func isValidName(_ name: [UInt8]) -> Bool { DirTreeList.isValidName(name.span) }

  /// Gives the memory of a large tree back, which comes again when it is looked at: for trees that
  /// wait while others are walked.
  func forget() { object.forget() }
}
