// SPDX-License-Identifier: Apache-2.0
import Codec
import Compression
import Cryptography
import Linux

/// A stored file or symbolic link: its header, and its content to be read once.
///
/// | mode | owner and mode from | extended attributes from | a symbolic link is |
/// |---|---|---|---|
/// | archive | header | header | header alone |
/// | bare | the inode | the inode | a symbolic link |
/// | bare-user | `user.ostreemeta` | `user.ostreemeta` | a file: target, NUL |
/// | bare-user-only | 0:0 and the inode's mode | none | a symbolic link |
public struct FileObject: ~Copyable {
  public let name: ObjectName
  public let header: FileHeader
  /// Of the content; 0 for a symbolic link.
  public let sizeBytes: UInt64
  /// The open file behind it; nil for a real symbolic link.
  let file: Shared<FileDescriptor>?
  /// Where the content begins in `file`.
  let contentOffset: Int64
  let isDeflated: Bool
  /// For messages.
  let path: String

  /// `user.ostreemeta`, where bare-user keeps a dirmeta-like header.
  static let metadataAttribute = Array("user.ostreemeta".utf8)

  /// Nil if the object is not there.
  static func open(_ name: ObjectName, in store: LooseObjects) throws(OSTreeError) -> FileObject? {
    let loose = store.loosePath(name)
    let path = "\(store.path)/\(loose)"
    let file: Shared<FileDescriptor>
    let status: FileStatus
    do throws(Errno) {
      file = Shared(try store.directory.open(loose, [.readOnly, .noFollow, .nonBlocking]))
      status = try file.value.status()
    } catch {
      return try openOther(name, in: store, error)
    }
    guard status.type == .regular else { throw .malformed(name, .header) }
    let found = try header(of: file.value, status, store.mode, name, path)
    return FileObject(
      name: name, header: found.header, sizeBytes: found.sizeBytes, file: file,
      contentOffset: found.offset, isDeflated: store.mode == .archive, path: path)
  }

  /// What cannot be opened: a symbolic link, or nothing, or what must not be there.
  private static func openOther(
    _ name: ObjectName, in store: LooseObjects, _ error: Errno
  ) throws(OSTreeError) -> FileObject? {
    guard let status = try store.status(name) else { return nil }
    let loose = store.loosePath(name)
    let path = "\(store.path)/\(loose)"
    switch status.type {
    case .symbolicLink where store.mode == .bare || store.mode == .bareUserOnly:
      let header = try linkHeader(store, loose, status)
      return FileObject(
        name: name, header: header, sizeBytes: 0, file: nil, contentOffset: 0, isDeflated: false,
        path: path)
    case .regular: throw .file(path: path, error)
    default: throw .malformed(name, .header)
    }
  }

  private struct Found {
    let header: FileHeader
    let sizeBytes: UInt64
    let offset: Int64
  }

  private static func header(
    of file: borrowing FileDescriptor, _ status: FileStatus, _ mode: RepoMode, _ name: ObjectName,
    _ path: String
  ) throws(OSTreeError) -> Found {
    switch mode {
    case .archive:
      return try archiveHeader(of: file, name, path)
    case .bare:
      let xattrs: [ExtendedAttribute]
      do throws(Errno) { xattrs = try ExtendedAttribute.read(from: file) } catch {
        throw .file(path: path, error)
      }
      let header = FileHeader(
        uid: status.uid, gid: status.gid, mode: status.mode, symlinkTarget: "", xattrs: xattrs)
      return Found(header: header, sizeBytes: status.sizeBytes, offset: 0)
    case .bareUserOnly:
      let header = FileHeader(
        uid: 0, gid: 0, mode: status.mode, symlinkTarget: "", xattrs: [])
      return Found(header: header, sizeBytes: status.sizeBytes, offset: 0)
    case .bareUser:
      return try userHeader(of: file, status, name, path)
    }
  }

  /// u32 BE length, four zero bytes, the header. ostree spec: docs/formats.md, archive.
  private static func archiveHeader(
    of file: borrowing FileDescriptor, _ name: ObjectName, _ path: String
  ) throws(OSTreeError) -> Found {
    let prefix = try read(8, from: file, name, path)
    let count = prefix[..<4].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    guard count > 0, count <= UInt64(FileHeader.archiveHeaderLimitBytes),
      prefix[4...].allSatisfy({ $0 == 0 })
    else { throw .malformed(name, .header) }
    let bytes = try read(Int(count), from: file, name, path)
    do throws(FormatError) {
      let parsed = try FileHeader.parseArchive(bytes)
      return Found(header: parsed.header, sizeBytes: parsed.sizeBytes, offset: Int64(8 + count))
    } catch { throw .malformed(name, error) }
  }

  /// Exactly `count` bytes, or the object is malformed.
  private static func read(
    _ count: Int, from file: borrowing FileDescriptor, _ name: ObjectName, _ path: String
  ) throws(OSTreeError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    let got: Int
    do throws(Errno) { got = try file.readFully(into: &bytes) } catch {
      throw .file(path: path, error)
    }
    guard got == count else { throw .malformed(name, .header) }
    return bytes
  }

  private static func userHeader(
    of file: borrowing FileDescriptor, _ status: FileStatus, _ name: ObjectName, _ path: String
  ) throws(OSTreeError) -> Found {
    let value: [UInt8]?
    do throws(Errno) { value = try file.extendedAttribute(metadataAttribute) } catch {
      throw .file(path: path, error)
    }
    guard let value else { throw .malformed(name, .header) }
    let stored: FileHeader
    do throws(FormatError) { stored = try FileHeader(parsingUserMetadata: value) } catch {
      throw .malformed(name, error)
    }
    guard stored.isSymlink else {
      return Found(header: stored, sizeBytes: status.sizeBytes, offset: 0)
    }
    guard status.sizeBytes > 1, status.sizeBytes <= 4096 else { throw .malformed(name, .header) }
    var target = try read(Int(status.sizeBytes), from: file, name, path)
    guard target.removeLast() == 0, !target.contains(0),
      let text = String(validating: target, as: UTF8.self)
    else { throw .malformed(name, .header) }
    var header = stored
    header.symlinkTarget = text
    return Found(header: header, sizeBytes: 0, offset: 0)
  }

  private static func linkHeader(
    _ store: LooseObjects, _ loose: String, _ status: FileStatus
  ) throws(OSTreeError) -> FileHeader {
    let isBare = store.mode == .bare
    return try naming("\(store.path)/\(loose)") { () throws(Errno) in
      FileHeader(
        uid: isBare ? status.uid : 0, gid: isBare ? status.gid : 0, mode: status.mode,
        symlinkTarget: try store.directory.symbolicLinkTarget(of: loose),
        xattrs: isBare ? try ExtendedAttribute.read(of: loose, in: store.directory) : [])
    }
  }
}

extension FileObject {
  /// Content is handed on in pieces of at most this many bytes.
  static let pieceBytes = 64 << 10

  /// Hands the content on in order, piece by piece; nothing for a symbolic link. Throws
  /// `malformed` if an archive object inflates to another size than its header says.
  public borrowing func forEachPiece(
    _ body: (Span<UInt8>) throws(OSTreeError) -> Void
  ) throws(OSTreeError) {
    guard let file, !header.isSymlink else { return }
    if isDeflated { return try forEachInflatedPiece(of: file.value, body) }
    let room = min(UInt64(FileObject.pieceBytes), max(sizeBytes, 1))
    var buffer = [UInt8](repeating: 0, count: Int(room))
    var offset = contentOffset
    while true {
      let count: Int
      do throws(Errno) {
        count = try file.value.read(into: &buffer, count: buffer.count, offset: offset)
      } catch { throw .file(path: path, error) }
      if count == 0 { return }
      offset += Int64(count)
      try body(buffer.span.extracting(0..<count))
    }
  }

  private borrowing func forEachInflatedPiece(
    of file: borrowing FileDescriptor, _ body: (Span<UInt8>) throws(OSTreeError) -> Void
  ) throws(OSTreeError) {
    var reader: InflatingReader
    do throws(CompressionError) { reader = try InflatingReader(offset: contentOffset) } catch {
      throw .malformed(name, .deflate)
    }
    var produced: UInt64 = 0
    while true {
      let count = try reader.next(from: file, name, path)
      if count == 0 { break }
      produced += UInt64(count)
      if produced > sizeBytes { throw .malformed(name, .size) }
      try body(reader.output.span.extracting(0..<count))
    }
    if produced != sizeBytes { throw .malformed(name, .size) }
  }

  /// What the object's name must be: SHA-256 of the content stream. `dropping` reads from the
  /// medium rather than from the page cache. ostree spec: docs/formats.md.
  public borrowing func contentChecksum(
    _ hash: inout FileHash, dropping: Bool = false
  ) throws(OSTreeError) -> Checksum {
    var sha256 = SHA256()
    sha256.update(header.contentStreamHeader().span)
    guard let file, !header.isSymlink else { return sha256.finish() }
    if dropping { file.value.dropCache() }
    if isDeflated {
      try forEachInflatedPiece(of: file.value) { (piece) throws(OSTreeError) in
        sha256.update(piece)
      }
    } else {
      do throws(Errno) {
        try hash.update(
          &sha256, with: file.value, sizeBytes: Int64(clamping: sizeBytes), dropBehind: dropping)
      } catch { throw .file(path: path, error) }
    }
    return sha256.finish()
  }
}

/// Reads deflated content from a file and inflates it, a buffer at a time.
private struct InflatingReader: ~Copyable {
  var output = [UInt8](repeating: 0, count: FileObject.pieceBytes)
  private var input = [UInt8](repeating: 0, count: 32 << 10)
  private var inputStart = 0
  private var inputEnd = 0
  private var offset: Int64
  private var inflate: Inflate
  private var isFinished = false

  init(offset: Int64) throws(CompressionError) {
    self.offset = offset
    inflate = try Inflate()
  }

  /// Fills `output` from the front; gives how many bytes, 0 at the end of the stream.
  mutating func next(
    from file: borrowing FileDescriptor, _ name: ObjectName, _ path: String
  ) throws(OSTreeError) -> Int {
    var produced = 0
    while produced < output.count, !isFinished {
      if inputStart == inputEnd {
        do throws(Errno) {
          inputEnd = try file.read(into: &input, count: input.count, offset: offset)
        } catch { throw .file(path: path, error) }
        inputStart = 0
        offset += Int64(inputEnd)
        if inputEnd == 0 { throw .malformed(name, .deflate) }
      }
      let input = self.input
      do throws(CompressionError) {
        let step = try inflate.step(
          input.span.extracting(inputStart..<inputEnd), into: &output, at: produced)
        inputStart += step.consumed
        produced += step.produced
        isFinished = step.isFinished
      } catch { throw .malformed(name, .deflate) }
    }
    return produced
  }
}
