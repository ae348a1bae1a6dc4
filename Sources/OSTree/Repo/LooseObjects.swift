// SPDX-License-Identifier: Apache-2.0
import Cryptography
import Linux

/// Objects below one directory, each a file named for its checksum:
/// ```
/// XX/REST.commit  .dirtree  .dirmeta  .commitmeta     plain bytes, mode 0644
/// XX/REST.filez                                       archive: header and raw deflate
/// XX/REST.file                                        the other modes: the file itself
/// ```
/// `objects/` of a repo is one, a staging folder is another. ostree spec: docs/repo.md.
final class LooseObjects: Sendable {
  let directory: FileDescriptor
  let path: String
  let mode: RepoMode

  /// No honest object of metadata comes near it; libostree's limit since 2023.4.
  static let metadataLimitBytes: UInt64 = 128 << 20

  init(_ directory: consuming FileDescriptor, path: String, mode: RepoMode) {
    self.directory = directory
    self.path = path
    self.mode = mode
  }

  func loosePath(_ name: ObjectName) -> String { name.loosePath(archive: mode == .archive) }

  func fullPath(_ name: ObjectName) -> String { "\(path)/\(loosePath(name))" }

  /// One stat(2).
  func status(_ name: ObjectName) throws(OSTreeError) -> FileStatus? {
    let loose = loosePath(name)
    return try naming("\(path)/\(loose)") { () throws(Errno) in
      try directory.statusIfPresent(of: loose)
    }
  }

  func contains(_ name: ObjectName) throws(OSTreeError) -> Bool { try status(name) != nil }

  /// An object of metadata, whole and not verified; nil if it is not there.
  func loadMetadata(
    _ name: ObjectName, limitBytes: UInt64 = LooseObjects.metadataLimitBytes
  ) throws(OSTreeError) -> [UInt8]? {
    let loose = loosePath(name)
    do throws(Errno) {
      let file = try directory.open(loose, [.readOnly, .noFollow])
      return try file.readAll(limit: Int(clamping: limitBytes))
    } catch {
      switch error {
      case .notFound: return nil
      case .overflow: throw .tooLarge(name, limitBytes: limitBytes)
      default: throw .file(path: "\(path)/\(loose)", error)
      }
    }
  }

  /// Lends the bytes of an object of metadata, some at a time and not verified. Throws `missing`.
  func forEachPiece(
    of name: ObjectName, _ body: (Span<UInt8>) throws(OSTreeError) -> Void
  ) throws(OSTreeError) {
    let file: FileDescriptor
    do throws(Errno) { file = try directory.open(loosePath(name), [.readOnly, .noFollow]) } catch {
      if error == .notFound { throw .missing(name) }
      throw .file(path: fullPath(name), error)
    }
    var buffer = [UInt8](repeating: 0, count: 32 << 10)
    while true {
      let count: Int
      do throws(Errno) { count = try file.read(into: &buffer) } catch {
        throw .file(path: fullPath(name), error)
      }
      if count == 0 { return }
      try body(buffer.span.extracting(0..<count))
    }
  }

  /// Larger dirtrees are mapped: many may be open at once, one for each level of a tree.
  static let treeReadBytesMax: UInt64 = 16 << 10

  /// A dirtree; nil if it is not there. A large one stays on the medium: with `verifying` its
  /// checksum holds for what is there at this moment.
  func loadDirTree(_ checksum: Checksum, verifying: Bool) throws(OSTreeError) -> DirTree? {
    let name = ObjectName(checksum, .dirTree)
    let object: ObjectBytes
    do throws(Errno) {
      let file = try directory.open(loosePath(name), [.readOnly, .noFollow])
      object = try ObjectBytes(
        of: file, readBytesMax: LooseObjects.treeReadBytesMax,
        limitBytes: LooseObjects.metadataLimitBytes)
    } catch {
      switch error {
      case .notFound: return nil
      case .overflow: throw .tooLarge(name, limitBytes: LooseObjects.metadataLimitBytes)
      default: throw .file(path: fullPath(name), error)
      }
    }
    let found = verifying ? object.checksum() : checksum
    let tree = Result { () throws(FormatError) in try DirTree(object) }
    if object.hasFailed { throw .file(path: fullPath(name), .inputOutput) }
    if found != checksum { throw .corrupt(name, found: found) }
    return try parsing(name) { () throws(FormatError) in try tree.get() }
  }

  /// A file object: who it belongs to and where its content is; nil if it is not there.
  func openFile(_ checksum: Checksum) throws(OSTreeError) -> FileObject? {
    try FileObject.open(ObjectName(checksum, .file), in: self)
  }

  /// The checksum of what lies on the medium under this name, whatever the name says. Large files
  /// are mapped in windows by `hash`. `dropping` forgets cached pages before, so that the medium
  /// itself is read.
  func checksum(
    of name: ObjectName, _ hash: inout FileHash, dropping: Bool = false
  ) throws(OSTreeError) -> Checksum {
    if name.type == .file {
      guard let object = try openFile(name.checksum) else { throw .missing(name) }
      return try object.contentChecksum(&hash, dropping: dropping)
    }
    let loose = loosePath(name)
    var sha256 = SHA256()
    do throws(Errno) {
      let file = try directory.open(loose, [.readOnly, .noFollow])
      if dropping { file.dropCache() }
      _ = try hash.update(&sha256, with: file, dropBehind: false)
    } catch {
      if error == .notFound { throw .missing(name) }
      throw .file(path: "\(path)/\(loose)", error)
    }
    return sha256.finish()
  }

  func remove(_ name: ObjectName) throws(OSTreeError) {
    let loose = loosePath(name)
    _ = try naming("\(path)/\(loose)") { () throws(Errno) in
      try directory.unlinkIfPresent(loose)
    }
  }

  /// Makes the `XX` folder that this object goes into; nothing to do if it is there.
  func makeFolder(for name: ObjectName) throws(Errno) {
    do throws(Errno) {
      try directory.makeDirectory(String(loosePath(name).utf8.prefix(2))!, mode: 0o775)
    } catch { if error != .exists { throw error } }
  }

  /// The names of the `XX` folders that exist, in order.
  func folders() throws(OSTreeError) -> [String] {
    try naming(path) { () throws(Errno) in
      try directory.sortedEntries().map { $0.name }.filter { name in
        name.utf8.count == 2 && name.utf8.allSatisfy { Self.isHexDigit($0) }
      }
    }
  }

  /// The objects in folder `XX`; what is no object's name is passed over.
  func names(inFolder folder: String) throws(OSTreeError) -> [ObjectName] {
    try naming("\(path)/\(folder)") { () throws(Errno) in
      let stream = try DirectoryStream(of: try directory.openDirectory(folder))
      var names: [ObjectName] = []
      while let entry = try stream.next() {
        if let name = ObjectName(folder: folder, file: entry.name) { names.append(name) }
      }
      return names
    }
  }

  private static func isHexDigit(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
      || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
  }
}

extension ObjectName {
  /// From the two parts of a loose path: `XX` and `REST.suffix`, a `.filez` counting as a file.
  init?(folder: String, file: String) {
    guard let dot = file.utf8.firstIndex(of: UInt8(ascii: ".")),
      let checksum = Checksum(hex: folder + file[..<dot])
    else { return nil }
    switch String(file[file.utf8.index(after: dot)...]) {
    case "file", "filez": self.init(checksum, .file)
    case "dirtree": self.init(checksum, .dirTree)
    case "dirmeta": self.init(checksum, .dirMeta)
    case "commit": self.init(checksum, .commit)
    case "commitmeta": self.init(checksum, .commitMeta)
    case "tombstone-commit": self.init(checksum, .tombstoneCommit)
    default: return nil
    }
  }
}
