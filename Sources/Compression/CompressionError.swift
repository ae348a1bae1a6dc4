// SPDX-License-Identifier: Apache-2.0
internal import CLzma
internal import CZlib

/// Why a stream cannot be unpacked or packed.
public enum CompressionError: Error, Hashable, Sendable {
  /// The bytes are not a stream of this format.
  case corrupt
  case outOfMemory
  /// What comes out is more than the caller takes.
  case tooLarge
  /// Of a kind that is not read: encrypted, in several volumes, or packed in another way.
  case unsupported
}

/// zlib and liblzma, as the program runs with them.
public enum CompressionLibrary {
  /// For example "1.2.13".
  public static var version: String { unsafe String(cString: zlibVersion()) }
  /// For example "5.4.1".
  public static var xzVersion: String { unsafe String(cString: lzma_version_string()) }
}
