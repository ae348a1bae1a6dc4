// SPDX-License-Identifier: Apache-2.0
import Cryptography
import Linux
import Synchronization

/// The bytes of an object of metadata: in memory, or, if they are many, on the medium and mapped.
///
/// What was looked at of a mapping counts as our memory until it is given back, which is done now
/// and then: the memory does not depend on how large the object is. Shared by threads.
final class ObjectBytes: Sendable {
  private let array: [UInt8]
  private let mapping: Mapping?
  private let looks = Atomic<Int>(0)

  /// After so many looks: some hundred KiB of entries.
  private static let looksMax = 4096
  /// How much is hashed before it is given back.
  private static let windowBytes = 1 << 20

  init(_ array: [UInt8]) {
    self.array = array
    mapping = nil
  }

  /// Reads a file of up to `readBytesMax`, and maps a larger one. Throws `.overflow` above
  /// `limitBytes`.
  init(
    of file: borrowing FileDescriptor, readBytesMax: UInt64, limitBytes: UInt64
  ) throws(Errno) {
    let sizeBytes = try file.status().sizeBytes
    guard sizeBytes <= limitBytes, let count = Int(exactly: sizeBytes) else { throw .overflow }
    if sizeBytes > readBytesMax {
      BusError.install()
      _ = BusError.take()  // what went wrong before is not this file's fault
      array = []
      mapping = try Mapping(file, count: count)
    } else {
      array = try file.readAll(limit: Int(limitBytes))
      mapping = nil
    }
  }

  /// Whether this thread met bytes of a mapping that the medium no longer gives.
  var hasFailed: Bool {
    switch mapping {
    case .none: false
    case .some: BusError.take()
    }
  }

  /// Lends the bytes, for a look at one entry.
  func look<R, E: Error>(_ body: (Span<UInt8>) throws(E) -> R) throws(E) -> R {
    switch mapping {
    case .none:
      let array = self.array
      return try body(array.span)
    case .some(let mapping):
      if looks.add(1, ordering: .relaxed).newValue % ObjectBytes.looksMax == 0 { mapping.forget() }
      return try mapping.withBytes(body)
    }
  }

  /// Gives the memory of a mapping back; it comes again when it is looked at.
  func forget() {
    switch mapping {
    case .none: return
    case .some(let mapping): mapping.forget()
    }
  }

  func checksum() -> Checksum {
    var hash = SHA256()
    var position = 0
    var isMore = true
    while isMore {
      isMore = look { bytes in
        let end = position + min(ObjectBytes.windowBytes, bytes.count - position)
        hash.update(bytes.extracting(position..<end))
        position = end
        return end < bytes.count
      }
      forget()
    }
    return hash.finish()
  }
}
