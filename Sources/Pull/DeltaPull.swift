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
  private enum Source: Sendable {
    case server(PullSource.HTTPServer, DeltaOffer, RemoteTrust)
    /// What was read already; parts that are not in it lie in the folder.
    case local(DeltaSuperblock, folder: String?)
  }
  private let source: Source
  private let context: PullContext
  private let result: Guarded<DeltaReport>

  init(
    _ server: PullSource.HTTPServer, _ context: PullContext, _ offer: DeltaOffer,
    _ trust: RemoteTrust
  ) {
    source = .server(server, offer, trust)
    self.context = context
    result = Guarded(DeltaReport(name: offer.name))
  }

  init(_ superblock: DeltaSuperblock, parts folder: String?, _ context: PullContext) {
    source = .local(superblock, folder: folder)
    self.context = context
    result = Guarded(DeltaReport(name: superblock.name))
  }

  var report: DeltaReport { result.withLock { $0 } }

  /// Runs on a thread of its own. A failure is that of the context.
  func run(planOnly: Bool) {
    do throws(DeltaStop) {
      let superblock = try openSuperblock()
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

  private func openSuperblock() throws(DeltaStop) -> DeltaSuperblock {
    switch source {
    case .server(let server, let offer, let trust):
      return try fetchSuperblock(server, offer, trust)
    case .local(let superblock, _): return superblock
    }
  }

  private func fetchSuperblock(
    _ server: PullSource.HTTPServer, _ offer: DeltaOffer, _ trust: RemoteTrust
  ) throws(DeltaStop) -> DeltaSuperblock {
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
        try apply(part, inside)
      } else {
        try applyFile(part, index)
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

  /// The file of a part, verified.
  private func open(_ part: DeltaPart, _ index: Int) throws(DeltaStop) -> DeltaSlice {
    let name: String
    let (file, checksum, count): (Shared<FileDescriptor>, Checksum, UInt64)
    switch source {
    case .server(let server, let offer, _):
      name = offer.name.partPath(index)
      let download = try DeltaDownload(
        server.contentBase.appending(name), limitBytes: part.storedBytes, context)
      (file, checksum) = try download.run(on: server.client)
      count = download.byteCount
    case .local(_, let folder):
      name = "\(folder ?? ".")/\(index)"
      guard folder != nil else { throw .passedOver(.missing(file: "\(index)")) }
      (file, checksum, count) = try DeltaPull.read(name)
    }
    guard checksum == part.checksum, count > 0 else {
      throw .passedOver(.part(file: name, found: checksum))
    }
    return DeltaSlice(file, offset: 0, count: count)
  }

  private static func read(
    _ path: String
  ) throws(DeltaStop) -> (Shared<FileDescriptor>, Checksum, UInt64) {
    var hash = SHA256()
    var reader = FileHash()
    do throws(Errno) {
      let file = Shared(try FileDescriptor.open(path))
      let count = try reader.update(&hash, with: file.value, dropBehind: false)
      return (file, hash.finish(), UInt64(count))
    } catch {
      if error == .notFound { throw .passedOver(.missing(file: path)) }
      throw .failed(.ostree(.file(path: path, error)))
    }
  }

  private func applyFile(_ part: DeltaPart, _ index: Int) throws(DeltaStop) {
    let slice = try open(part, index)
    try reading { () throws(DeltaError) in
      try context.staging.apply(part, file: slice, hooks)
    }
  }

  private func apply(_ part: DeltaPart, _ inside: DeltaInlinePart) throws(DeltaStop) {
    guard let slice = inside.slice else { throw .passedOver(.layout) }
    try reading { () throws(DeltaError) in
      try context.staging.apply(part, compression: inside.compression, slice, hooks)
    }
  }

  private var hooks: DeltaHooks {
    let context = self.context
    return DeltaHooks(
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
