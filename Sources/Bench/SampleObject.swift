// SPDX-License-Identifier: Apache-2.0
import Cryptography
import Linux
import OSTree

/// A file object that no repo has yet: a number of its own, then made-up bytes that it shares with
/// others.
struct SampleObject: Sendable {
  let checksum: Checksum
  private let header: FileHeader
  private let front: [UInt8]
  private let body: [UInt8]
  private let range: Range<Int>

  /// How long it is at least.
  static let bytesMin = 8

  /// Of the owner that files in the scratch folder have, so that everybody may make it. The
  /// content is as long as `range`, which is one of `body`.
  init(number: Int, _ body: [UInt8], _ range: Range<Int>, owner: FileStatus) {
    precondition(range.count >= SampleObject.bytesMin)
    var front: [UInt8] = []
    for shift in 0..<SampleObject.bytesMin {
      front.append(UInt8(truncatingIfNeeded: UInt64(number) >> UInt64(8 * shift)))
    }
    header = FileHeader(
      uid: owner.uid, gid: owner.gid, mode: FileType.regular.rawValue | 0o644, symlinkTarget: "",
      xattrs: [])
    self.front = front
    self.body = body
    self.range = range.lowerBound + front.count..<range.upperBound
    var hash = SHA256()
    hash.update(header.contentStreamHeader())
    hash.update(front)
    hash.update(body.span.extracting(self.range))
    checksum = hash.finish()
  }

  /// As a pull stores what it receives: hashed while it is written. Durable after `publish`.
  func store(in staging: Staging) throws(OSTreeError) {
    var sink = FileSink(checksum, in: staging, storesReceived: false)
    try sink.begin(header, sizeBytes: UInt64(front.count + range.count))
    try sink.write(front.span)
    try sink.write(body.span.extracting(range))
    try sink.finish()
  }
}
