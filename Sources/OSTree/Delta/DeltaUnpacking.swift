// SPDX-License-Identifier: Apache-2.0
import Compression
import Cryptography
import Linux

extension Staging {
  /// A file without a name in the repo's file system, for what is needed only now.
  public func openScratch() throws(OSTreeError) -> Shared<FileDescriptor> {
    let folder = "\(repo.path)/coppice"
    return try naming(folder) { () throws(Errno) in
      let ours = try repo.root.openDirectory("coppice")
      do throws(Errno) { return Shared(try ours.openTemporary()) } catch {
        // Not every file system has unnamed files.
        guard error == .notSupported || error == .isDirectory else { throw error }
        try ours.unlinkIfPresent("scratch")
        let file = try ours.open("scratch", [.readWrite, .create, .exclusive], mode: 0o600)
        try ours.unlinkIfPresent("scratch")
        return Shared(file)
      }
    }
  }

  /// A file that is staged or in the repo, not verified. Throws `missing`.
  func openFile(_ checksum: Checksum) throws(OSTreeError) -> FileObject {
    if let found = try fresh.openFile(checksum) { return found }
    return try repo.openFile(checksum)
  }

  /// Applies one part of a static delta, which is packed as `compression` says, 0 for not at all:
  /// its objects are staged. In memory are some windows; what is unpacked is in a scratch file of
  /// at most `DeltaLimits.partBytesMax`. Throws `DeltaError`; objects that were complete by then
  /// stay.
  public func apply(
    _ part: DeltaPart, compression: UInt8, _ slice: DeltaSlice, _ hooks: DeltaHooks
  ) throws(DeltaError) {
    if repo.mode == .archive { throw .unusable(.archive) }
    let unpacked: DeltaSlice
    switch compression {
    case 0: unpacked = slice
    case UInt8(ascii: "x"): unpacked = try unpack(slice)
    default: throw .unusable(.compression(compression))
    }
    var applier = try DeltaApplier(part, unpacked, self, hooks)
    try applier.run()
  }

  /// The same for the file of a part, whose first byte says how it is packed.
  public func apply(
    _ part: DeltaPart, file slice: DeltaSlice, _ hooks: DeltaHooks
  ) throws(DeltaError) {
    var window = DeltaWindow(slice, windowBytes: 1)
    let compression: UInt8
    do throws(Errno) {
      let place = try window.fill(at: 0, count: 1)
      compression = window.bytes[place.lowerBound]
    } catch { throw .scratch(error) }
    try apply(part, compression: compression, slice.dropping(first: 1), hooks)
  }

  private func unpack(_ slice: DeltaSlice) throws(DeltaError) -> DeltaSlice {
    let scratch: Shared<FileDescriptor>
    do throws(OSTreeError) { scratch = try openScratch() } catch { throw .ostree(error) }
    let decoder = XZDecoder(
      into: scratch, dictionaryBytesMax: DeltaLimits.dictionaryBytesMax,
      outputBytesMax: DeltaLimits.partBytesMax)
    var input = DeltaWindow(slice, windowBytes: 32 << 10)
    var position: UInt64 = 0
    while true {
      if Process.isInterrupted { throw .stopped }
      var place = 0..<0
      if position < slice.count {
        do throws(Errno) {
          place = try input.fill(at: position, count: slice.count - position)
        } catch { throw .scratch(error) }
      }
      let (consumed, event) = try step(decoder, input.bytes.span.extracting(place))
      position += UInt64(consumed)
      switch event {
      case .inputUsed: if position == slice.count { throw .unusable(.packed) }
      case .output: continue
      case .finished: return DeltaSlice(scratch, offset: 0, count: decoder.outputBytes)
      }
    }
  }

  private func step(
    _ decoder: XZDecoder, _ input: Span<UInt8>
  ) throws(DeltaError) -> (consumed: Int, event: XZDecoder.Event) {
    do throws(CompressionError) { return try decoder.step(input) } catch {
      switch error {
      case .corrupt: throw .unusable(.packed)
      case .unsupported: throw .unusable(.filter)
      case .outOfMemory:
        let limit = DeltaLimits.dictionaryBytesMax
        throw .unusable(.tooLarge(.dictionary, neededBytes: nil, limitBytes: limit))
      case .tooLarge:
        let limit = DeltaLimits.partBytesMax
        throw .unusable(.tooLarge(.unpackedPart, neededBytes: nil, limitBytes: limit))
      case .file(let errno): throw .scratch(errno)
      }
    }
  }
}
