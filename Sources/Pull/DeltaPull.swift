// SPDX-License-Identifier: Apache-2.0
import Cryptography
import Linux
import OSTree
import Transport

/// What became of a static delta.
public struct DeltaReport: Sendable {
  public let name: DeltaName
  /// Parts that were fetched or were in the superblock, or, in a plan, that would be.
  public internal(set) var parts: UInt64 = 0
  /// Of the superblock and the parts, as they are stored.
  public internal(set) var bytes: UInt64 = 0
  /// Objects that came out of it, and files among them.
  public internal(set) var objects: UInt64 = 0
  public internal(set) var content: UInt64 = 0
  /// Why it was not used, or not to its end: the objects came one by one.
  public internal(set) var fault: DeltaFault?
}

/// Fetches a static delta and stages the objects that come out of it, part by part.
///
/// What it does not bring, be it by its own choice or because it is no good, phases 1 and 2 fetch:
/// they walk the whole tree afterwards. Nothing is taken on trust but the checksum of the
/// superblock; each object counts by its own.
final class DeltaPull: Sendable {
  private let server: PullSource.HTTPServer
  private let context: PullContext
  private let offer: DeltaOffer
  private let trust: RemoteTrust
  private let result: Guarded<DeltaReport>

  init(
    _ server: PullSource.HTTPServer, _ context: PullContext, _ offer: DeltaOffer,
    _ trust: RemoteTrust
  ) {
    self.server = server
    self.context = context
    self.offer = offer
    self.trust = trust
    result = Guarded(DeltaReport(name: offer.name))
  }

  var report: DeltaReport { result.withLock { $0 } }

  /// Runs on a thread of its own. A failure is that of the context.
  func run(planOnly: Bool) {
    do throws(DeltaStop) {
      let superblock = try fetchSuperblock()
      try check(superblock)
      for index in 0..<superblock.partCount {
        try take(index, of: superblock, planOnly: planOnly)
      }
    } catch {
      switch error {
      case .passedOver(let fault): result.withLock { $0.fault = fault }
      case .failed(let error): context.fail(error)
      }
    }
  }

  private func fetchSuperblock() throws(DeltaStop) -> DeltaSuperblock {
    let url = server.base.appending(offer.name.superblockPath)
    let download = try DeltaDownload(url, limitBytes: DeltaLimits.superblockBytesMax, context)
    let (file, checksum) = try download.run(on: server.client)
    guard checksum == offer.superblock else {
      throw .failed(.deltaCorrupt(url: url.text, found: checksum))
    }
    let superblock = try reading { () throws(DeltaError) in
      try DeltaSuperblock(file, path: url.text)
    }
    guard superblock.name == offer.name else { throw .passedOver(.otherName(superblock.name)) }
    if superblock.signatures != nil, !trust.accepts(superblock) {
      throw .failed(.deltaSignatureRefused(url: url.text))
    }
    let count = download.byteCount
    result.withLock { $0.bytes += count }
    return superblock
  }

  /// Throws where a part is larger than any may be.
  private func check(_ superblock: DeltaSuperblock) throws(DeltaStop) {
    var total: UInt64 = 0
    for index in 0..<superblock.partCount {
      let needed = try part(index, of: superblock).storedBytes
      total = total &+ needed
      if needed > DeltaLimits.partBytesMax {
        throw .passedOver(
          .tooLarge(.part, neededBytes: needed, limitBytes: DeltaLimits.partBytesMax))
      }
    }
    context.progress.expect(deltaBytes: total)
  }

  private func part(
    _ index: Int, of superblock: DeltaSuperblock
  ) throws(DeltaStop) -> DeltaPart {
    do throws(FormatError) { return try superblock.part(at: index) } catch {
      throw .passedOver(.superblock(error))
    }
  }

  /// One part: nothing is done where all of its objects are here.
  private func take(
    _ index: Int, of superblock: DeltaSuperblock, planOnly: Bool
  ) throws(DeltaStop) {
    let part = try part(index, of: superblock)
    guard try isNeeded(part) else { return }
    let inside: DeltaInlinePart?
    do throws(FormatError) { inside = try superblock.inlinePart(index) } catch {
      throw .passedOver(.superblock(error))
    }
    let bytes = inside == nil ? part.storedBytes : 0
    if !planOnly {
      try checkRoom(part)
      if let inside {
        guard let slice = inside.slice else { throw .passedOver(.layout) }
        try apply(part, inside.compression, slice)
      } else {
        try fetchAndApply(part, index)
      }
    }
    result.withLock {
      $0.parts += 1
      $0.bytes += bytes
    }
  }

  private func isNeeded(_ part: DeltaPart) throws(DeltaStop) -> Bool {
    for index in 0..<part.objectCount {
      do throws(OSTreeError) {
        if try !context.staging.contains(part.object(at: index)) { return true }
      } catch { throw .failed(.ostree(error)) }
    }
    return false
  }

  /// The part as it is stored, what is unpacked, and the objects are on the medium at once.
  private func checkRoom(_ part: DeltaPart) throws(DeltaStop) {
    let (needed, overflow) = part.storedBytes.addingReportingOverflow(part.unpackedBytes)
    do throws(PullError) { try context.room.check(overflow ? .max : needed) } catch {
      throw .passedOver(.room)
    }
  }

  private func fetchAndApply(_ part: DeltaPart, _ index: Int) throws(DeltaStop) {
    let path = offer.name.partPath(index)
    let download = try DeltaDownload(
      server.contentBase.appending(path), limitBytes: part.storedBytes, context)
    let (file, checksum) = try download.run(on: server.client)
    guard checksum == part.checksum, download.byteCount > 0 else {
      throw .passedOver(.part(file: path, found: checksum))
    }
    var first: [UInt8] = [0]
    do throws(Errno) { _ = try file.value.read(into: &first, count: 1, offset: 0) } catch {
      throw DeltaStop(scratch: error, in: context.staging.repo)
    }
    try apply(
      part, first[0], DeltaSlice(file, offset: 1, count: download.byteCount - 1))
  }

  private func apply(
    _ part: DeltaPart, _ compression: UInt8, _ slice: DeltaSlice
  ) throws(DeltaStop) {
    let context = self.context
    let hooks = DeltaHooks(
      admits: { name, bytes in
        if context.failure != nil { return false }
        guard name.type == .file else { return true }
        do throws(PullError) { try context.room.take(bytes) } catch {
          context.fail(error)
          return false
        }
        return true
      },
      made: { [self] name, bytes in
        result.withLock {
          $0.objects += 1
          if name.type == .file { $0.content += 1 }
        }
        context.progress.stored(name, bytes: bytes)
      })
    try reading { () throws(DeltaError) in
      try context.staging.apply(part, compression: compression, slice, hooks)
    }
  }

  private func reading<R>(_ body: () throws(DeltaError) -> R) throws(DeltaStop) -> R {
    do throws(DeltaError) { return try body() } catch {
      switch error {
      case .unusable(let fault): throw .passedOver(fault)
      case .ostree(let error): throw .failed(.ostree(error))
      case .stopped: throw .failed(context.failure ?? .interrupted)
      }
    }
  }
}
