// SPDX-License-Identifier: Apache-2.0
internal import CZlib

/// Why a stream cannot be unpacked or packed.
public enum CompressionError: Error, Hashable, Sendable {
  /// The bytes are not a stream of this format.
  case corrupt
  case outOfMemory
}

/// zlib, as the program runs with it.
public enum CompressionLibrary {
  /// For example "1.2.13".
  public static var version: String { unsafe String(cString: zlibVersion()) }
}
