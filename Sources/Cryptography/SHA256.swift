// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL
import Linux

/// A running SHA-256, OpenSSL's, which uses what the CPU has. One context serves any number of
/// messages: `finish()` leaves it ready for the next. EVP_DigestInit(3).
@frozen @safe public struct SHA256: ~Copyable {
  private let context: OpaquePointer

  public init() {
    guard let context = unsafe EVP_MD_CTX_new() else { die("no memory for a checksum") }
    unsafe self.context = context
    unsafe SHA256.check(EVP_DigestInit_ex2(context, SHA256.algorithm, nil))
  }

  deinit { unsafe EVP_MD_CTX_free(context) }

  public mutating func update(_ bytes: Span<UInt8>) {
    unsafe bytes.withUnsafeBufferPointer {
      unsafe SHA256.check(EVP_DigestUpdate(context, $0.baseAddress, $0.count))
    }
  }

  public mutating func update(_ bytes: [UInt8]) { update(bytes.span) }

  /// The checksum of all that was given since the last one, and a fresh start.
  public mutating func finish() -> Checksum {
    let result = digest()
    unsafe SHA256.check(EVP_DigestInit_ex2(context, nil, nil))
    return result
  }

  /// The checksum of what was given so far; more may follow.
  public borrowing func current() -> Checksum {
    var copy = SHA256()
    unsafe SHA256.check(EVP_MD_CTX_copy_ex(copy.context, context))
    return copy.digest()
  }

  private mutating func digest() -> Checksum {
    var bytes = [UInt8](repeating: 0, count: Checksum.byteCount)
    unsafe bytes.withUnsafeMutableBufferPointer {
      unsafe SHA256.check(EVP_DigestFinal_ex(context, $0.baseAddress, nil))
    }
    guard let checksum = Checksum(bytes) else { die("a checksum of the wrong length") }
    return checksum
  }

  public static func hash(_ bytes: Span<UInt8>) -> Checksum {
    var hash = SHA256()
    hash.update(bytes)
    return hash.finish()
  }

  public static func hash(_ bytes: [UInt8]) -> Checksum { hash(bytes.span) }

  /// Looked up once: the look-up walks OpenSSL's providers under a lock.
  private nonisolated(unsafe) static let algorithm: OpaquePointer = {
    CryptoLibrary.initialise()
    guard let found = unsafe EVP_MD_fetch(nil, "SHA256", nil) else { die("OpenSSL has no SHA-256") }
    return unsafe found
  }()

  /// Hashing cannot fail but for want of memory or by a mistake of ours.
  @inline(__always) private static func check(_ result: Int32) {
    if result != 1 { die("OpenSSL does not hash") }
  }
}
