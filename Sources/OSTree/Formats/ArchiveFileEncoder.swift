// SPDX-License-Identifier: Apache-2.0
import Compression

/// Makes a `.filez`: the front, then the content deflated piece by piece.
public struct ArchiveFileEncoder: ~Copyable {
  /// What the object begins with. All of it for a symbolic link.
  public let front: [UInt8]
  private var deflate: Deflate

  /// `level` is `archive.zlib-level`, 1 to 9; 6 where the repo does not say.
  public init(
    header: FileHeader, sizeBytes: UInt64, level: Int32 = 6
  ) throws(CompressionError) {
    front = header.archiveHeader(sizeBytes: sizeBytes)
    deflate = try Deflate(level: level)
  }

  /// Deflates from `input`. `finishing` says that this is the last of the content: call again with
  /// the rest until the step is finished. Only for regular files, the empty ones too.
  public mutating func step(
    _ input: Span<UInt8>, finishing: Bool, into output: inout [UInt8]
  ) throws(CompressionError) -> DeflateStep {
    try deflate.step(input, finishing: finishing, into: &output)
  }
}
