// SPDX-License-Identifier: Apache-2.0
import Codec
import Cryptography

/// The names in one directory of a commit, and the objects behind them.
///
/// Shape `(a(say)a(sayay))`: files with their checksum, directories with those of their dirtree
/// and dirmeta, both sorted by the bytes of the names. A view over the object's bytes, all checked
/// at the start: entries are made when asked for, so a large directory costs what its bytes cost.
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

  /// The bytes of the object, whose SHA-256 is its name.
  public let bytes: [UInt8]
  private let files: GVariant
  private let directories: GVariant

  /// Reads a dirtree. Throws for anything that a file system could not hold or a binary search
  /// would miss: names that are empty, `.`, `..` or hold a slash, out of order or twice.
  public init(parsing bytes: [UInt8]) throws(FormatError) {
    let fields = try gvariant(bytes[...], FormatType.dirTree)
    self.bytes = bytes
    files = fields[0]
    directories = fields[1]
    try DirTree.check(files, checksums: 1)
    try DirTree.check(directories, checksums: 2)
    try checkDisjoint()
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

  private static func check(_ entries: GVariant, checksums: Int) throws(FormatError) {
    var previous: ArraySlice<UInt8>?
    for index in 0..<entries.count {
      let entry = entries[index]
      let name = nameBytes(entry)
      guard isValidName(name) else { throw .name(entry[0].string, at: index) }
      if let previous, !previous.lexicographicallyPrecedes(name) {
        throw previous == name
          ? .duplicate(entry[0].string, at: index) : .unsorted(entry[0].string, at: index)
      }
      previous = name
      for member in 1...checksums {
        let count = entry[member].bytes.count
        if count != Checksum.byteCount { throw .checksumLength(count) }
      }
    }
  }

  /// Both lists are sorted, so one walk along them finds a name that is in both.
  private func checkDisjoint() throws(FormatError) {
    var (file, directory) = (0, 0)
    while file < files.count, directory < directories.count {
      let (left, right) = (
        DirTree.nameBytes(files[file]), DirTree.nameBytes(directories[directory])
      )
      if left == right { throw .duplicate(directories[directory][0].string, at: directory) }
      if left.lexicographicallyPrecedes(right) { file += 1 } else { directory += 1 }
    }
  }

  /// Whether a file system can hold an entry of this name. ostree: `ot_util_filename_validate`.
  static func isValidName(_ name: ArraySlice<UInt8>) -> Bool {
    let dot = UInt8(ascii: ".")
    switch name.count {
    case 0: return false
    case 1 where name.first == dot: return false
    case 2 where name.first == dot && name.last == dot: return false
    default: return !name.contains(UInt8(ascii: "/"))
    }
  }

  private static func nameBytes(_ entry: GVariant) -> ArraySlice<UInt8> { entry[0].textBytes }
}

// Entries, by position and by name.
extension DirTree {
  public var fileCount: Int { files.count }
  public var directoryCount: Int { directories.count }

  public func file(at index: Int) -> File {
    let entry = files[index]
    return File(name: entry[0].string, checksum: DirTree.checksum(entry, 1))
  }

  public func directory(at index: Int) -> Directory {
    let entry = directories[index]
    return Directory(
      name: entry[0].string, tree: DirTree.checksum(entry, 1), meta: DirTree.checksum(entry, 2))
  }

  /// As `file(at:)`, for those who do not need the name.
  public func fileChecksum(at index: Int) -> Checksum { DirTree.checksum(files[index], 1) }

  public func findFile(_ name: String) -> Checksum? {
    DirTree.find(name, in: files).map { DirTree.checksum(files[$0], 1) }
  }

  public func findDirectory(_ name: String) -> Directory? {
    DirTree.find(name, in: directories).map { directory(at: $0) }
  }

  private static func checksum(_ entry: GVariant, _ member: Int) -> Checksum {
    // The length was checked when the tree was read.
    Checksum(entry[member].byteString)!
  }

  private static func find(_ name: String, in entries: GVariant) -> Int? {
    let name = Array(name.utf8)
    var (low, high) = (0, entries.count)
    while low < high {
      let middle = low + (high - low) / 2
      if nameBytes(entries[middle]).lexicographicallyPrecedes(name) {
        low = middle + 1
      } else {
        high = middle
      }
    }
    return low < entries.count && nameBytes(entries[low]).elementsEqual(name) ? low : nil
  }
}
