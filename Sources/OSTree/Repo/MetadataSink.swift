// SPDX-License-Identifier: Apache-2.0
import Cryptography
import Linux

/// Takes one object of metadata whose name is its checksum: hashed as it is written, so that its
/// size costs no memory.
///
/// `write` the bytes, then `finish`. Letting go of a sink that has not finished removes the file.
/// Durable after `Staging.publish`.
public struct MetadataSink: ~Copyable {
  public let name: ObjectName
  public private(set) var writtenBytes: UInt64 = 0
  private let staging: Staging
  private let file: FileDescriptor
  private var hash = SHA256()
  private var isFinished = false

  public init(_ name: ObjectName, in staging: Staging) throws(OSTreeError) {
    precondition(
      name.type != .file && name.type.isContentAddressed, "not named for its bytes")
    self.name = name
    self.staging = staging
    file = try naming(staging.fresh.fullPath(name)) { () throws(Errno) in
      try staging.openInFolder(staging.fresh.loosePath(name), for: name, mode: 0o644)
    }
  }

  deinit {
    if !isFinished { try? staging.fresh.remove(name) }
  }

  public mutating func write(_ bytes: Span<UInt8>) throws(OSTreeError) {
    let end = writtenBytes + UInt64(bytes.count)
    guard end <= Staging.metadataLimitBytes else {
      throw .tooLarge(name, limitBytes: Staging.metadataLimitBytes)
    }
    hash.update(bytes)
    do throws(Errno) { try file.write(bytes) } catch {
      throw .file(path: staging.fresh.fullPath(name), error)
    }
    writtenBytes = end
  }

  /// Throws `corrupt` if the bytes are not what the name promised; nothing is left behind then.
  public mutating func finish() throws(OSTreeError) {
    let found = hash.finish()
    guard found == name.checksum else { throw .corrupt(name, found: found) }
    do throws(Errno) { try file.setMode(0o644) } catch {
      throw .file(path: staging.fresh.fullPath(name), error)
    }
    isFinished = true
  }
}
