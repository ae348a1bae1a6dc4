// SPDX-License-Identifier: Apache-2.0
import Linux

/// Takes a file that comes out of a delta: into the staging folder, or nowhere where it is here
/// already. What it becomes is judged by its checksum when it is finished.
struct DeltaFileSink: ~Copyable {
  let name: ObjectName
  let sizeBytes: UInt64
  private(set) var writtenBytes: UInt64 = 0
  private let isSkipped: Bool
  private var sink: FileSink

  /// `header` says what kind of file it is; a symbolic link has no content.
  init(
    _ name: ObjectName, _ header: FileHeader, sizeBytes: UInt64, isSkipped: Bool,
    in staging: Staging
  ) throws(DeltaError) {
    self.name = name
    self.sizeBytes = sizeBytes
    self.isSkipped = isSkipped
    sink = FileSink(name.checksum, in: staging, storesReceived: false)
    if isSkipped { return }
    // From here on it is this one that counts.
    if staging.partialFile(name.checksum) != nil { staging.forgetPartialFile(name.checksum) }
    do throws(OSTreeError) { try sink.begin(header, sizeBytes: sizeBytes) } catch {
      throw DeltaError(error)
    }
  }

  mutating func write(_ bytes: Span<UInt8>) throws(DeltaError) {
    guard UInt64(bytes.count) <= sizeBytes - writtenBytes else {
      throw .unusable(.content(name, .size))
    }
    writtenBytes += UInt64(bytes.count)
    if isSkipped { return }
    do throws(OSTreeError) { try sink.write(bytes) } catch { throw DeltaError(error) }
  }

  /// Writes `count` bytes from `offset` of the payload, which has them.
  mutating func write(
    _ payload: inout DeltaWindow, at offset: UInt64, count: UInt64
  ) throws(DeltaError) {
    var done: UInt64 = 0
    while done < count {
      let place: Range<Int>
      do throws(Errno) {
        place = try payload.fill(at: offset + done, count: count - done)
      } catch { throw .scratch(error) }
      try write(payload.bytes.span.extracting(place))
      done += UInt64(place.count)
    }
  }

  /// The same from a file that the delta starts from.
  mutating func write(
    _ source: inout DeltaSource, at offset: UInt64, count: UInt64
  ) throws(DeltaError) {
    var done: UInt64 = 0
    while done < count {
      let place = try source.fill(at: offset + done, count: count - done)
      try write(source.window.bytes.span.extracting(place))
      done += UInt64(place.count)
    }
  }

  /// Throws `.content` if something is missing, and `.object` if it is not what it should be:
  /// nothing is left behind then.
  mutating func finish() throws(DeltaError) {
    if writtenBytes != sizeBytes { throw .unusable(.content(name, .size)) }
    if isSkipped { return }
    do throws(OSTreeError) { try sink.finish() } catch { throw DeltaError(error) }
  }
}

extension DeltaError {
  /// What a sink found wrong with an object is the delta's fault, all else is not.
  init(_ error: OSTreeError) {
    switch error {
    case .corrupt(let name, let found): self = .unusable(.object(name, found: found))
    case .malformed(let name, let fault): self = .unusable(.content(name, fault))
    case .unrepresentable(let name, let mode): self = .unusable(.content(name, .mode(mode)))
    case .tooLarge(let name, let limit):
      self = .unusable(.content(name, .tooLarge(limitBytes: limit)))
    default: self = .ostree(error)
    }
  }
}
