// SPDX-License-Identifier: Apache-2.0
import Cryptography
import Linux

/// What a delta's objects are counted and admitted by.
public struct DeltaHooks: Sendable {
  /// Asked before an object is written, with the size of a file's content. False ends it all with
  /// `.stopped`.
  public let admits: @Sendable (ObjectName, UInt64) -> Bool
  /// An object has come, of so many bytes.
  public let made: @Sendable (ObjectName, UInt64) -> Void

  public init(
    admits: @escaping @Sendable (ObjectName, UInt64) -> Bool,
    made: @escaping @Sendable (ObjectName, UInt64) -> Void
  ) {
    self.admits = admits
    self.made = made
  }
}

/// Carries out the operations of one unpacked part: its objects go to the staging folder, each
/// with the checksum of its name or not at all. What is here already is not written again.
///
/// In memory are windows of 64 KiB on the payload and on the old file, and no object.
/// ostree: docs/formats.md, static deltas; `ostree-repo-static-delta-processing.c`.
struct DeltaApplier: ~Copyable {
  private let part: DeltaPart
  private let tables: DeltaPayload
  private let staging: Staging
  private let hooks: DeltaHooks
  private var payload: DeltaWindow
  private var operations: DeltaOperationReader
  /// Where the read source is named, opened when it is first read.
  private var sourceName: Checksum?
  /// How many objects are made; the next one is the current one.
  private var objects = 0

  private static let windowBytes = 64 << 10
  private static let symlinkTargetBytesMax: UInt64 = 4095

  init(
    _ part: DeltaPart, _ slice: DeltaSlice, _ staging: Staging, _ hooks: DeltaHooks
  ) throws(DeltaError) {
    self.part = part
    self.staging = staging
    self.hooks = hooks
    tables = try DeltaPayload(slice)
    payload = DeltaWindow(tables.content, windowBytes: DeltaApplier.windowBytes)
    operations = DeltaOperationReader(tables.operations)
  }

  /// Throws `DeltaError`; objects that were complete by then stay staged.
  mutating func run() throws(DeltaError) {
    while let operation = try operations.next() {
      switch operation {
      case .openSpliceAndClose: try splice()
      case .open: try makeFile()
      case .setReadSource: sourceName = try readSourceName()
      case .unsetReadSource: sourceName = nil
      case .write, .close, .patch: throw DeltaApplier.fault(operation)
      }
    }
    if objects != part.objectCount { throw .unusable(.count) }
  }

  private static func fault(_ operation: DeltaOperation) -> DeltaError {
    .unusable(.arguments(operation: operation.rawValue))
  }

  /// The object that is next, and whether it is here already.
  private mutating func nextObject() throws(DeltaError) -> (name: ObjectName, isHere: Bool) {
    guard objects < part.objectCount else { throw .unusable(.count) }
    let name = part.object(at: objects)
    switch name.type {
    case .file, .dirTree, .dirMeta: break
    case .commit, .tombstoneCommit, .commitMeta: throw .unusable(.strange(name))
    }
    objects += 1
    do throws(OSTreeError) { return (name, try staging.contains(name)) } catch {
      throw .ostree(error)
    }
  }

  private func admit(_ name: ObjectName, _ sizeBytes: UInt64) throws(DeltaError) {
    if !hooks.admits(name, sizeBytes) { throw .stopped }
  }

  private func checkRange(
    _ offset: UInt64, _ count: UInt64, in total: UInt64, _ operation: DeltaOperation
  ) throws(DeltaError) {
    guard offset <= total, count <= total - offset else { throw DeltaApplier.fault(operation) }
  }

  private mutating func header(of operation: DeltaOperation) throws(DeltaError) -> FileHeader {
    let modeIndex = try operations.number(of: operation)
    let attributesIndex = try operations.number(of: operation)
    guard let mode = try tables.mode(at: modeIndex),
      let attributes = try tables.attributes(at: attributesIndex)
    else { throw DeltaApplier.fault(operation) }
    return FileHeader(
      uid: mode.uid, gid: mode.gid, mode: mode.mode, symlinkTarget: "", xattrs: attributes)
  }
}

// Whole objects out of the payload.
extension DeltaApplier {
  private mutating func splice() throws(DeltaError) {
    let operation = DeltaOperation.openSpliceAndClose
    let (name, isHere) = try nextObject()
    guard name.type == .file else { return try spliceMetadata(name, isHere) }
    var header = try header(of: operation)
    let count = try operations.number(of: operation)
    let offset = try operations.number(of: operation)
    try checkRange(offset, count, in: payload.slice.count, operation)
    if header.isSymlink { header.symlinkTarget = try symlinkTarget(offset, count) }
    do throws(FormatError) { try header.check() } catch {
      throw .unusable(.content(name, error))
    }
    let content = header.isSymlink ? 0 : count
    if !isHere { try admit(name, content) }
    var sink = try DeltaFileSink(name, header, sizeBytes: content, isSkipped: isHere, in: staging)
    try sink.write(&payload, at: offset, count: content)
    try sink.finish()
    if !isHere { hooks.made(name, count) }
  }

  private mutating func symlinkTarget(
    _ offset: UInt64, _ count: UInt64
  ) throws(DeltaError) -> String {
    guard count > 0, count <= DeltaApplier.symlinkTargetBytesMax else {
      throw DeltaApplier.fault(.openSpliceAndClose)
    }
    do throws(Errno) {
      let place = try payload.fill(at: offset, count: count, least: Int(count))
      let bytes = payload.bytes[place]
      guard !bytes.contains(0), let target = String(validating: bytes, as: UTF8.self) else {
        throw Errno.invalid
      }
      return target
    } catch {
      if error == .invalid { throw DeltaApplier.fault(.openSpliceAndClose) }
      throw .scratch(error)
    }
  }

  private mutating func spliceMetadata(
    _ name: ObjectName, _ isHere: Bool
  ) throws(DeltaError) {
    let operation = DeltaOperation.openSpliceAndClose
    let count = try operations.number(of: operation)
    let offset = try operations.number(of: operation)
    try checkRange(offset, count, in: payload.slice.count, operation)
    if isHere { return }
    try admit(name, 0)
    do throws(OSTreeError) {
      var sink = try MetadataSink(name, in: staging)
      var done: UInt64 = 0
      while done < count {
        let place: Range<Int>
        do throws(Errno) {
          place = try payload.fill(at: offset + done, count: count - done)
        } catch { throw OSTreeError.file(path: staging.repo.path, error) }
        try sink.write(payload.bytes.span.extracting(place))
        done += UInt64(place.count)
      }
      try sink.finish()
    } catch { throw DeltaError(error) }
    hooks.made(name, count)
  }
}

// Files out of pieces.
extension DeltaApplier {
  private mutating func readSourceName() throws(DeltaError) -> Checksum {
    let offset = try operations.number(of: .setReadSource)
    try checkRange(
      offset, UInt64(Checksum.byteCount), in: payload.slice.count, .setReadSource)
    do throws(Errno) {
      let place = try payload.fill(
        at: offset, count: UInt64(Checksum.byteCount), least: Checksum.byteCount)
      guard let checksum = Checksum(payload.bytes.span.extracting(place)) else {
        throw Errno.inputOutput
      }
      return checksum
    } catch { throw .scratch(error) }
  }

  private mutating func makeFile() throws(DeltaError) {
    let (name, isHere) = try nextObject()
    let header = try header(of: .open)
    let count = try operations.number(of: .open)
    guard header.isRegular else { throw DeltaApplier.fault(.open) }
    do throws(FormatError) { try header.check() } catch {
      throw .unusable(.content(name, error))
    }
    if !isHere { try admit(name, count) }
    var sink = try DeltaFileSink(name, header, sizeBytes: count, isSkipped: isHere, in: staging)
    var source: DeltaSource?
    while let operation = try operations.next() {
      switch operation {
      case .write: try write(&sink, &source, isHere)
      case .patch: try patch(&sink, &source, isHere)
      case .setReadSource:
        sourceName = try readSourceName()
        source = nil
      case .unsetReadSource:
        sourceName = nil
        source = nil
      case .close:
        sourceName = nil
        if !isHere { try sink.finish() }
        if !isHere { hooks.made(name, count) }
        return
      case .open, .openSpliceAndClose: throw DeltaApplier.fault(operation)
      }
    }
    throw .unusable(.count)
  }

  /// The read source, opened.
  private func take(_ source: consuming DeltaSource?) throws(DeltaError) -> DeltaSource? {
    guard source == nil, let sourceName else { return source }
    return try DeltaSource(sourceName, in: staging)
  }

  private mutating func write(
    _ sink: inout DeltaFileSink, _ source: inout DeltaSource?, _ isSkipped: Bool
  ) throws(DeltaError) {
    let count = try operations.number(of: .write)
    let offset = try operations.number(of: .write)
    if sourceName == nil {
      try checkRange(offset, count, in: payload.slice.count, .write)
      if !isSkipped { try sink.write(&payload, at: offset, count: count) }
      return
    }
    if isSkipped { return }
    guard var opened = try take(source.take()) else { throw DeltaApplier.fault(.write) }
    try checkRange(offset, count, in: opened.sizeBytes, .write)
    try sink.write(&opened, at: offset, count: count)
    source = consume opened
  }

  private mutating func patch(
    _ sink: inout DeltaFileSink, _ source: inout DeltaSource?, _ isSkipped: Bool
  ) throws(DeltaError) {
    let offset = try operations.number(of: .patch)
    let count = try operations.number(of: .patch)
    try checkRange(offset, count, in: payload.slice.count, .patch)
    if isSkipped, sourceName != nil { return }
    guard sink.writtenBytes == 0, var opened = try take(source.take()) else {
      throw DeltaApplier.fault(.patch)
    }
    var patch = DeltaPatch(offset..<offset + count, newBytes: sink.sizeBytes)
    try patch.run(&payload, &opened, into: &sink)
    source = consume opened
  }
}
