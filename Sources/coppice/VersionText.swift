// SPDX-License-Identifier: Apache-2.0
import Codec
import Compression
import Cryptography
import Linux
import Transport

/// The words of `--version`.
enum VersionText {
  private static var built: String? { BuildIdentity.seconds.map { Timestamp.text(seconds: $0) } }

  static var lines: [String] {
    [
      "coppice \(BuildIdentity.version)",
      "commit: \(BuildIdentity.commit)",
      "architecture: \(BuildIdentity.architecture)",
      "built: \(built ?? "unknown")",
      "nghttp2: \(HTTPClient.http2Version)",
      "openssl: \(CryptoLibrary.version)",
      "zlib: \(CompressionLibrary.version)",
    ]
  }

  static var members: [(String, JSONValue)] {
    [
      ("version", .string(BuildIdentity.version)),
      ("commit", .string(BuildIdentity.commit)),
      ("architecture", .string(BuildIdentity.architecture)),
      ("built", .string(orNull: built)),
      (
        "libraries",
        .object([
          ("nghttp2", .string(HTTPClient.http2Version)),
          ("openssl", .string(CryptoLibrary.version)),
          ("zlib", .string(CompressionLibrary.version)),
        ])
      ),
    ]
  }
}
