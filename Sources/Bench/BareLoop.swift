// SPDX-License-Identifier: Apache-2.0
import Compression
import Cryptography
import Linux
import OSTree

/// What cannot be left out of a pull: each object read, inflated, hashed, written to a new file,
/// and renamed to its place. Nothing is synced, nothing is asked, one thread does it all: what a
/// pull costs beyond this is its own.
final class BareLoop {
  private let source: FileDescriptor
  private let target: FileDescriptor
  private var inflate: Inflate
  private var hash = SHA256()
  private var input = [UInt8](repeating: 0, count: 64 << 10)
  private var output = [UInt8](repeating: 0, count: 64 << 10)
  private(set) var objects: UInt64 = 0
  private(set) var readBytes: UInt64 = 0

  private static let objectsFolder = "objects"
  private static let temporary = "temporary"
  private static let frontBytes = 8

  /// From the archive repo `source` to the folder `target`.
  init(_ source: String, _ target: String) throws(BenchError) {
    let from = try BareLoop.open("\(source)/\(BareLoop.objectsFolder)")
    let to = try BareLoop.open(target)
    let stream = try inStream { () throws(CompressionError) in try Inflate() }
    self.source = from
    self.target = to
    inflate = stream
  }

  private static func open(_ path: String) throws(BenchError) -> FileDescriptor {
    try at(path) { () throws(Errno) in try FileDescriptor.openDirectory(path) }
  }

  /// All objects of the source. Throws if one of them is not what its name promises.
  func run() throws(BenchError) {
    do throws(Errno) {
      for folder in try source.entries() {
        try target.makeDirectories(folder.name)
        for file in try source.open(folder.name, [.readOnly, .directory]).entries() {
          try copy(folder.name, file.name)
        }
      }
    } catch { throw .file(path: BareLoop.objectsFolder, error) }
  }

  private func copy(_ folder: String, _ name: String) throws(Errno) {
    let path = "\(folder)/\(name)"
    let file = try source.open(path)
    let written = try target.open(
      BareLoop.temporary, [.writeOnly, .create, .exclusive], mode: 0o644)
    if name.hasSuffix(".filez") {
      try unpack(file, written)
    } else {
      try copyMetadata(file, written)
    }
    objects += 1
    let digits = folder + name.prefix { $0 != "." }
    guard hash.finish().hex == digits else { throw .inputOutput }
    try target.rename(BareLoop.temporary, to: path)
  }

  private func copyMetadata(
    _ file: borrowing FileDescriptor, _ written: borrowing FileDescriptor
  ) throws(Errno) {
    while true {
      let count = try file.read(into: &input)
      if count == 0 { return }
      readBytes += UInt64(count)
      let piece = input
      hash.update(piece.span.extracting(0..<count))
      try written.write(piece.span.extracting(0..<count))
    }
  }

  /// The header is short: it is in the first piece.
  private func unpack(
    _ file: borrowing FileDescriptor, _ written: borrowing FileDescriptor
  ) throws(Errno) {
    var count = try file.read(into: &input)
    readBytes += UInt64(count)
    guard count > BareLoop.frontBytes else { throw .inputOutput }
    let headerBytes = input[..<4].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    guard headerBytes <= UInt64(count - BareLoop.frontBytes) else { throw .inputOutput }
    var position = BareLoop.frontBytes + Int(headerBytes)
    let header = Array(input[BareLoop.frontBytes..<position])
    guard let parsed = try? FileHeader.parseArchive(header) else { throw .inputOutput }
    hash.update(parsed.header.contentStreamHeader())
    if parsed.header.isSymlink { return }
    inflate.reset()
    while true {
      if position == count {
        count = try file.read(into: &input)
        readBytes += UInt64(count)
        position = 0
      }
      let step = try inflateStep(position..<count)
      position += step.consumed
      let piece = output
      hash.update(piece.span.extracting(0..<step.produced))
      try written.write(piece.span.extracting(0..<step.produced))
      if step.isFinished { return }
      if count == 0 { throw .inputOutput }
    }
  }

  private func inflateStep(_ range: Range<Int>) throws(Errno) -> InflateStep {
    let input = self.input
    do throws(CompressionError) {
      return try inflate.step(input.span.extracting(range), into: &output)
    } catch { throw .inputOutput }
  }
}
