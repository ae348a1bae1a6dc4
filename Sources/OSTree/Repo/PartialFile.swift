// SPDX-License-Identifier: Apache-2.0
import Codec
import Compression
import Cryptography
import Linux

/// Where the download of one large file can go on after the process, or the power, was gone:
/// ```
/// REPO/coppice/partial/CHECKSUM     keyfile, this record
/// REPO/coppice/staging/XX/REST      what was written so far
/// ```
/// The record is written after the data that it speaks of is durable. Nothing of it is trusted:
/// what is there is hashed again, and the object's checksum decides in the end.
public struct PartialFile: Hashable, Sendable {
  /// Where the bytes came from; another server may have packed them differently.
  public var url: String
  /// What tells that the server's copy is still the same one: ETag or time of change.
  public var validator: String
  /// Bytes of the staged file that count.
  public var storedBytes: UInt64
  /// Bytes of the `.filez` that they stand for, header included: where to go on.
  public var receivedBytes: UInt64
  /// The front of the `.filez`, up to the deflate stream.
  public var front: [UInt8]
  /// Where in the deflate stream; a repo in archive mode needs none.
  public var boundary: InflateBoundary?

  public init(
    url: String, validator: String, storedBytes: UInt64, receivedBytes: UInt64, front: [UInt8],
    boundary: InflateBoundary?
  ) {
    self.url = url
    self.validator = validator
    self.storedBytes = storedBytes
    self.receivedBytes = receivedBytes
    self.front = front
    self.boundary = boundary
  }

  /// How much content is written between two records: each costs two syncs.
  public static let intervalBytes: UInt64 = 16 << 20

  /// Header and size of the object.
  public func header() throws(FormatError) -> (header: FileHeader, sizeBytes: UInt64) {
    guard front.count > 8 else { throw .header }
    return try FileHeader.parseArchive(Array(front[8...]))
  }
}

extension PartialFile {
  private static let group = "partial"
  private static let recordBytesMax = (FileHeader.archiveHeaderLimitBytes * 2) + 16_384

  init?(parsing text: [UInt8]) {
    guard let file = try? Keyfile(parsing: text), let url = file.string(Self.group, "url"),
      let validator = file.string(Self.group, "validator"),
      let stored = Self.number(file, "stored"), let received = Self.number(file, "received"),
      let front = file.string(Self.group, "front").flatMap({ Hex.decode($0) })
    else { return nil }
    self.init(
      url: url, validator: validator, storedBytes: stored, receivedBytes: received, front: front,
      boundary: Self.boundary(file))
  }

  private static func boundary(_ file: Keyfile) -> InflateBoundary? {
    guard let input = number(file, "input"), let output = number(file, "output"),
      let count = number(file, "bit-count"), let bits = number(file, "bits"), count <= 7,
      bits < 256
    else { return nil }
    return InflateBoundary(
      inputOffset: input, bitCount: Int32(count), bits: Int32(bits), outputOffset: output)
  }

  private static func number(_ file: Keyfile, _ key: String) -> UInt64? {
    file.string(group, key).flatMap { UInt64($0) }
  }

  var serialized: [UInt8] {
    var file = Keyfile()
    file.set(Self.group, "url", to: url)
    file.set(Self.group, "validator", to: validator)
    file.set(Self.group, "stored", to: "\(storedBytes)")
    file.set(Self.group, "received", to: "\(receivedBytes)")
    file.set(Self.group, "front", to: Hex.encode(front.span))
    if let boundary {
      file.set(Self.group, "input", to: "\(boundary.inputOffset)")
      file.set(Self.group, "output", to: "\(boundary.outputOffset)")
      file.set(Self.group, "bit-count", to: "\(boundary.bitCount)")
      file.set(Self.group, "bits", to: "\(boundary.bits)")
    }
    return file.serialized()
  }

  static func read(_ checksum: Checksum, in folder: borrowing FileDescriptor) -> PartialFile? {
    guard let text = try? folder.open(checksum.hex).readAll(limit: recordBytesMax) else {
      return nil
    }
    return PartialFile(parsing: text)
  }
}
