// SPDX-License-Identifier: Apache-2.0
internal import CZlib
public import Linux

/// Why a stream cannot be unpacked or packed.
public enum CompressionError: Error, Hashable, Sendable {
  /// The bytes are not a stream of this format.
  case corrupt
  case outOfMemory
  /// What comes out is more than the caller takes.
  case tooLarge
  /// Of a kind that is not read: encrypted, in several volumes, or packed in another way.
  case unsupported
  /// The file that takes the output cannot be written or read.
  case file(Errno)
}

/// zlib, as the program runs with it.
public enum CompressionLibrary {
  /// For example "1.2.13".
  public static var version: String { unsafe String(cString: zlibVersion()) }
}
