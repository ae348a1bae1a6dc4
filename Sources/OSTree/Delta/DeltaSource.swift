// SPDX-License-Identifier: Apache-2.0
import Cryptography
import Linux

/// The content of a file that a delta starts from, in the repo or staged.
struct DeltaSource: ~Copyable {
  let name: ObjectName
  let sizeBytes: UInt64
  var window: DeltaWindow

  private static let windowBytes = 64 << 10

  /// Throws `.source` if there is no such file, and `.archive` where it is deflated.
  init(_ checksum: Checksum, in staging: Staging) throws(DeltaError) {
    let name = ObjectName(checksum, .file)
    self.name = name
    let object = try DeltaSource.open(name, in: staging)
    guard object.header.isRegular, let file = object.file else { throw .unusable(.source(name)) }
    if object.isDeflated { throw .unusable(.archive) }
    sizeBytes = object.sizeBytes
    let slice = DeltaSlice(
      file, offset: UInt64(object.contentOffset), count: object.sizeBytes)
    window = DeltaWindow(
      slice, windowBytes: Int(min(UInt64(DeltaSource.windowBytes), max(sizeBytes, 1))))
  }

  private static func open(
    _ name: ObjectName, in staging: Staging
  ) throws(DeltaError) -> FileObject {
    do throws(OSTreeError) { return try staging.openFile(name.checksum) } catch {
      switch error {
      case .missing, .malformed: throw .unusable(.source(name))
      default: throw .ostree(error)
      }
    }
  }

  /// Up to `count` bytes from `offset`, as `DeltaWindow.fill`. A file that is shorter than it was
  /// is no good.
  mutating func fill(at offset: UInt64, count: UInt64) throws(DeltaError) -> Range<Int> {
    do throws(Errno) { return try window.fill(at: offset, count: count) } catch {
      throw .unusable(.source(name))
    }
  }
}
