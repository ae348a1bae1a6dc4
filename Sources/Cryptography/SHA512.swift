// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL
import Linux

/// A running SHA-512, OpenSSL's: the other hash that metadata may name. EVP_DigestInit(3).
@frozen @safe public struct SHA512: ~Copyable {
  public static let byteCount = 64

  private let context: OpaquePointer

  public init() {
    CryptoLibrary.initialise()
    guard let context = unsafe EVP_MD_CTX_new() else { die("no memory for a checksum") }
    unsafe self.context = context
    unsafe SHA512.check(EVP_DigestInit_ex2(context, EVP_sha512(), nil))
  }

  deinit { unsafe EVP_MD_CTX_free(context) }

  public mutating func update(_ bytes: Span<UInt8>) {
    unsafe bytes.withUnsafeBufferPointer {
      unsafe SHA512.check(EVP_DigestUpdate(context, $0.baseAddress, $0.count))
    }
  }

  /// The 64 bytes of all that was given since the last time, and a fresh start.
  public mutating func finish() -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: SHA512.byteCount)
    unsafe bytes.withUnsafeMutableBufferPointer {
      unsafe SHA512.check(EVP_DigestFinal_ex(context, $0.baseAddress, nil))
    }
    unsafe SHA512.check(EVP_DigestInit_ex2(context, nil, nil))
    return bytes
  }

  public static func hash(_ bytes: Span<UInt8>) -> [UInt8] {
    var hash = SHA512()
    hash.update(bytes)
    return hash.finish()
  }

  /// Hashing cannot fail but for want of memory or by a mistake of ours.
  @inline(__always) private static func check(_ result: Int32) {
    if result != 1 { die("OpenSSL does not hash") }
  }
}
