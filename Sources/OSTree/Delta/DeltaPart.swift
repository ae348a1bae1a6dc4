// SPDX-License-Identifier: Apache-2.0
import Codec
import Cryptography
import Linux

/// One part of a static delta: what its file must be, and which objects come out of it.
/// Shape `(uayttay)`: version 0, checksum, two sizes, one byte of type and 32 of checksum for each
/// object.
public struct DeltaPart: Sendable {
  /// Of the file as it is stored.
  public let checksum: Checksum
  public let storedBytes: UInt64
  /// Of the objects that come out of it, together.
  public let unpackedBytes: UInt64
  public let objectCount: Int
  private let bytes: ObjectBytes
  private let objectsStart: Int

  private static let entryBytes = 1 + Checksum.byteCount
  /// Version and checksum; then padding, and the sizes.
  private static let checksumEnd = 36
  private static let headBytes = 56

  init(
    _ bytes: ObjectBytes, _ span: Span<UInt8>, _ entry: Range<Int>, _ isSwapped: Bool
  ) throws(FormatError) {
    let width = GVariantFraming.width(ofContainer: entry.count)
    let start = entry.lowerBound
    guard entry.count >= DeltaPart.headBytes + width,
      GVariantFraming.offset(span, at: entry.upperBound - width, width: width)
        == DeltaPart.checksumEnd, span.littleEndian(at: start, count: 4) == 0,
      let checksum = Checksum(span.copy(start + 4..<start + DeltaPart.checksumEnd))
    else { throw .delta }
    let objectsBytes = entry.count - width - DeltaPart.headBytes
    guard objectsBytes % DeltaPart.entryBytes == 0 else { throw .delta }
    self.checksum = checksum
    storedBytes = span.size(at: start + 40, isSwapped)
    unpackedBytes = span.size(at: start + 48, isSwapped)
    objectCount = objectsBytes / DeltaPart.entryBytes
    self.bytes = bytes
    objectsStart = start + DeltaPart.headBytes
  }

  /// Whether the object is of a type that can be in a delta: one that is named for its bytes.
  func isSound(at index: Int) -> Bool {
    bytes.look { type(at: index, in: $0)?.isContentAddressed ?? false }
  }

  private func type(at index: Int, in span: Span<UInt8>) -> ObjectType? {
    ObjectType(rawValue: span[objectsStart + index * DeltaPart.entryBytes])
  }

  public func object(at index: Int) -> ObjectName {
    precondition(index >= 0 && index < objectCount, "index out of range")
    return bytes.look { span in
      let start = objectsStart + index * DeltaPart.entryBytes + 1
      let checksum = Checksum(span.copy(start..<start + Checksum.byteCount))
      // The type was checked when the superblock was read; a failing medium may give another.
      return ObjectName(checksum!, type(at: index, in: span) ?? .tombstoneCommit)
    }
  }
}

/// A part that is inside the superblock.
public struct DeltaInlinePart: Sendable {
  public let compression: UInt8
  let range: Range<Int>
  let file: Shared<FileDescriptor>?

  public var byteCount: Int { range.count }

  /// Nil if the superblock was not read from a file.
  public var slice: DeltaSlice? {
    file.map { DeltaSlice($0, offset: UInt64(range.lowerBound), count: UInt64(range.count)) }
  }
}

/// An object that a delta leaves to be fetched for itself. Shape `(yaytt)`.
public struct DeltaFallback: Hashable, Sendable {
  public let name: ObjectName
  public let archivedBytes: UInt64
  public let unpackedBytes: UInt64

  private static let checksumEnd = 33
  private static let byteCount = 56

  init(_ span: Span<UInt8>, _ entry: Range<Int>, _ isSwapped: Bool) throws(FormatError) {
    let width = GVariantFraming.width(ofContainer: entry.count)
    let start = entry.lowerBound
    guard entry.count == DeltaFallback.byteCount + width,
      GVariantFraming.offset(span, at: entry.upperBound - width, width: width)
        == DeltaFallback.checksumEnd,
      let type = ObjectType(rawValue: span[start]), type.isContentAddressed,
      let checksum = Checksum(span.copy(start + 1..<start + DeltaFallback.checksumEnd))
    else { throw .delta }
    name = ObjectName(checksum, type)
    archivedBytes = span.size(at: start + 40, isSwapped)
    unpackedBytes = span.size(at: start + 48, isSwapped)
  }
}

extension Span<UInt8> {
  fileprivate func size(at position: Int, _ isSwapped: Bool) -> UInt64 {
    let value = littleEndian(at: position, count: 8)
    return isSwapped ? value.byteSwapped : value
  }
}
