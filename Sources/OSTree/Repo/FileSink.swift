// SPDX-License-Identifier: Apache-2.0
import Compression
import Cryptography
import Linux

/// Takes one file object: hashes the content as it is written, and gives the file its owner, mode
/// and extended attributes when the checksum has held.
///
/// `begin` with the header, then `write` the content, then `finish`. A repo in archive mode stores
/// either what was received (`storesReceived`: the caller also hands over the raw bytes, from the
/// first to the last, by `writeReceived`) or deflates the content itself. Letting go of a sink that
/// has not finished removes the file. Durable after `Staging.publish`.
public struct FileSink: ~Copyable {
  public let name: ObjectName
  public private(set) var header: FileHeader?
  /// Bytes written to the medium so far.
  public private(set) var writtenBytes: Int64 = 0
  private let staging: Staging
  private let storesReceived: Bool
  private var file: FileDescriptor?
  private var hash = SHA256()
  private var encoder: ArchiveFileEncoder?
  private var pushedBytes: Int64 = 0
  private var isFinished = false
  /// A record says where to go on: the file stays when the sink is let go of.
  private var isRecorded = false

  /// From here on big files are pushed out while they are written, and dropped behind: an update
  /// must not evict the device's own programs.
  private static let pushBytes: Int64 = 4 << 20

  public init(_ checksum: Checksum, in staging: Staging, storesReceived: Bool) {
    name = ObjectName(checksum, .file)
    self.staging = staging
    self.storesReceived = storesReceived && staging.repo.mode == .archive
  }

  deinit {
    guard !isFinished, !isRecorded, file != nil || header != nil else { return }
    do throws(OSTreeError) { try staging.fresh.remove(name) } catch {}
  }

  /// Opens the file. Throws `unrepresentable` if the repo's mode cannot hold it.
  public mutating func begin(_ header: FileHeader, sizeBytes: UInt64) throws(OSTreeError) {
    try checkRepresentable(header)
    self.header = header
    hash.update(header.contentStreamHeader().span)
    switch staging.repo.mode {
    case .archive:
      if storesReceived { return }
      try open(mode: 0o644)
      encoder = try encoding { () throws(CompressionError) in
        try ArchiveFileEncoder(
          header: header, sizeBytes: sizeBytes,
          level: staging.repo.configuration.compressionLevel)
      }
      let front = header.archiveHeader(sizeBytes: sizeBytes)
      try append(front.span)
    case .bare, .bareUserOnly:
      if header.isSymlink { try makeLink(header) } else { try open(mode: 0o600) }
    case .bareUser:
      try open(mode: 0o600)
      if header.isSymlink { try append((Array(header.symlinkTarget.utf8) + [0]).span) }
    }
  }

  /// The next bytes of the content.
  public mutating func write(_ content: Span<UInt8>) throws(OSTreeError) {
    hash.update(content)
    if storesReceived { return }
    guard encoder != nil else { return try append(content) }
    var output = [UInt8](repeating: 0, count: 32 << 10)
    try deflate(content, finishing: false, &output)
  }

  /// The next bytes as they came from an archive repo, header and all.
  public mutating func writeReceived(_ bytes: Span<UInt8>) throws(OSTreeError) {
    guard storesReceived else { return }
    if file == nil { try open(mode: 0o644) }
    try append(bytes)
  }

  /// Throws `corrupt` if the content is not what the name promised; nothing is left behind then.
  public mutating func finish() throws(OSTreeError) {
    guard let header else { throw .malformed(name, .header) }
    let found = hash.finish()
    guard found == name.checksum else {
      forget()
      throw .corrupt(name, found: found)
    }
    if encoder != nil {
      var output = [UInt8](repeating: 0, count: 32 << 10)
      try deflate([UInt8]().span, finishing: true, &output)
    }
    try seal(header)
    forget()
    isFinished = true
  }
}

// Going on where an earlier process stopped.
extension FileSink {
  /// Takes up the file that an earlier run left, cut to what the record vouches for, and hashes
  /// it again. In archive mode the caller does that: it decodes what `readStored` gives, begins
  /// with the header and writes the content as if it had just come.
  public init(
    resuming partial: PartialFile, _ checksum: Checksum, in staging: Staging
  ) throws(OSTreeError) {
    self.init(checksum, in: staging, storesReceived: true)
    isRecorded = true
    do throws(Errno) { try adopt(Int64(clamping: partial.storedBytes)) } catch {
      throw .file(path: path, error)
    }
    if storesReceived { return }
    let found = try parsing(name) { () throws(FormatError) in try partial.header() }
    header = found.header
    hash.update(found.header.contentStreamHeader())
    var reader = FileHash()
    do throws(Errno) {
      switch file {
      case .some(let file): _ = try reader.update(&hash, with: file, dropBehind: true)
      case .none: break
      }
    } catch { throw .file(path: path, error) }
  }

  private mutating func adopt(_ storedBytes: Int64) throws(Errno) {
    let loose = staging.fresh.loosePath(name)
    if let leftovers = staging.leftovers {
      try staging.fresh.makeFolder(for: name)
      try leftovers.directory.rename(loose, into: staging.fresh.directory, as: loose)
    }
    let opened = try staging.fresh.directory.open(loose, [.readWrite, .noFollow])
    guard try opened.status().sizeBytes >= UInt64(storedBytes) else { throw .invalid }
    try opened.truncate(to: storedBytes)
    try opened.seek(to: storedBytes)
    file = consume opened
    writtenBytes = storedBytes
    pushedBytes = storedBytes
  }

  /// Bytes of the file from `offset`; gives how many, 0 at the end of what was written.
  public func readStored(into buffer: inout [UInt8], at offset: Int64) throws(OSTreeError) -> Int {
    do throws(Errno) {
      switch file {
      case .some(let file):
        let count = Int(min(Int64(buffer.count), writtenBytes - offset))
        return count <= 0 ? 0 : try file.read(into: &buffer, count: count, offset: offset)
      case .none: return 0
      }
    } catch { throw .file(path: path, error) }
  }

  /// The end of what was written, for a decoder that goes on: at most `count` bytes.
  public func tail(_ count: Int) throws(OSTreeError) -> [UInt8] {
    let length = min(Int64(count), writtenBytes)
    var bytes = [UInt8](repeating: 0, count: Int(length))
    let got = try readStored(into: &bytes, at: writtenBytes - length)
    guard got == bytes.count else { throw .file(path: path, .inputOutput) }
    return bytes
  }

  /// Makes what was written so far durable, and then the record of it.
  public mutating func record(_ partial: PartialFile) throws(OSTreeError) {
    do throws(Errno) {
      switch file {
      case .some(let file): try file.syncData()
      case .none: return
      }
      try staging.partials.replaceFile(name.checksum.hex, with: partial.serialized, mode: 0o600)
    } catch { throw .file(path: path, error) }
    isRecorded = true
  }

  /// There is nothing to go on from: the object is complete, or what was written is worthless.
  private mutating func forget() {
    guard isRecorded else { return }
    isRecorded = false
    _ = try? staging.partials.unlinkIfPresent(name.checksum.hex)
  }
}

extension Staging {
  /// Where the download of this file can go on; nil if nowhere, or if what the record speaks of
  /// is not there.
  public func partialFile(_ checksum: Checksum) -> PartialFile? {
    guard let leftovers, let status = try? leftovers.status(ObjectName(checksum, .file)),
      let partial = PartialFile.read(checksum, in: partials)
    else { return nil }
    let isSound = status.sizeBytes >= partial.storedBytes && (try? partial.header()) != nil
    if !isSound { forgetPartialFile(checksum) }
    return isSound ? partial : nil
  }

  /// What was written is worthless; the next attempt begins at the front.
  public func forgetPartialFile(_ checksum: Checksum) {
    _ = try? partials.unlinkIfPresent(checksum.hex)
  }
}

extension FileSink {
  private var path: String { staging.fresh.fullPath(name) }

  private func checkRepresentable(_ header: FileHeader) throws(OSTreeError) {
    guard staging.repo.mode == .bareUserOnly else { return }
    let isPlain = header.uid == 0 && header.gid == 0 && header.xattrs.isEmpty
    let extra = header.isSymlink ? 0 : header.mode & 0o7777 & ~0o775
    guard isPlain, extra == 0 else { throw .unrepresentable(name, mode: header.mode) }
  }

  private mutating func open(mode: UInt32) throws(OSTreeError) {
    let loose = staging.fresh.loosePath(name)
    do throws(Errno) { file = try staging.openInFolder(loose, for: name, mode: mode) } catch {
      throw .file(path: path, error)
    }
  }

  private func makeLink(_ header: FileHeader) throws(OSTreeError) {
    let loose = staging.fresh.loosePath(name)
    let directory = staging.fresh
    let isBare = staging.repo.mode == .bare
    try naming(path) { () throws(Errno) in
      try directory.makeFolder(for: name)
      try directory.directory.unlinkIfPresent(loose)
      try directory.directory.symbolicLink(loose, to: header.symlinkTarget)
      guard isBare else { return }
      try directory.directory.setOwner(uid: header.uid, gid: header.gid, of: loose)
      for attribute in header.xattrs {
        try directory.directory.setExtendedAttribute(attribute.name, attribute.value, of: loose)
      }
    }
  }

  private mutating func append(_ bytes: Span<UInt8>) throws(OSTreeError) {
    do throws(Errno) {
      switch file {
      case .some(let file): try file.write(bytes)
      case .none: return
      }
    } catch { throw .file(path: path, error) }
    writtenBytes += Int64(bytes.count)
    if writtenBytes - pushedBytes >= FileSink.pushBytes { push() }
  }

  /// Starts writing the last part and drops the one before, which has had time to reach the
  /// medium.
  private mutating func push() {
    switch file {
    case .some(let file):
      file.startWriting(offset: pushedBytes, count: writtenBytes - pushedBytes)
      file.dropCache(offset: 0, count: pushedBytes)
    case .none: return
    }
    pushedBytes = writtenBytes
  }

  private mutating func deflate(
    _ content: Span<UInt8>, finishing: Bool, _ output: inout [UInt8]
  ) throws(OSTreeError) {
    guard header?.isRegular == true else { return }
    var consumed = 0
    while true {
      let step: DeflateStep
      do throws(CompressionError) {
        step = try encoder!.step(
          content.extracting(consumed..<content.count), finishing: finishing, into: &output)
      } catch { throw .malformed(name, .deflate) }
      consumed += step.consumed
      try append(output.span.extracting(0..<step.produced))
      if finishing ? step.isFinished : consumed == content.count { return }
    }
  }

  /// Owner, attributes, mode and time, in the order that keeps set-user-id bits and capabilities.
  private func seal(_ header: FileHeader) throws(OSTreeError) {
    let mode = staging.repo.mode
    do throws(Errno) {
      switch file {
      case .none: return
      case .some(let file):
        switch mode {
        case .archive: try file.setMode(0o644)
        case .bare:
          try file.setOwner(uid: header.uid, gid: header.gid)
          for attribute in header.xattrs {
            try file.setExtendedAttribute(attribute.name, attribute.value)
          }
          try file.setMode(header.mode)
          try file.setTimes(seconds: 0)
        case .bareUser:
          try file.setExtendedAttribute(FileObject.metadataAttribute, header.userMetadata())
          try file.setMode(header.isSymlink ? 0o644 : header.mode & 0o775 | 0o400)
          try file.setTimes(seconds: 0)
        case .bareUserOnly:
          try file.setMode(header.mode & 0o775)
          try file.setTimes(seconds: 0)
        }
      }
    } catch { throw .file(path: path, error) }
  }

  private func encoding<R: ~Copyable>(
    _ body: () throws(CompressionError) -> R
  ) throws(OSTreeError) -> R {
    do throws(CompressionError) { return try body() } catch { throw .malformed(name, .deflate) }
  }
}
