// SPDX-License-Identifier: Apache-2.0
import Codec
public import Cryptography
import Linux
public import Uptane

/// What verified metadata says about the content of a target: its length and its hashes, of which
/// all must hold.
public struct TargetContent: Hashable, Sendable {
  public let lengthBytes: UInt64
  public let sha256: Checksum?
  /// 64 bytes.
  public let sha512: [UInt8]?

  /// Nil without a hash to check it by, and for what no file can be as long as.
  public init?(lengthBytes: UInt64, sha256: Checksum?, sha512: [UInt8]? = nil) {
    guard sha256 != nil || sha512 != nil, lengthBytes <= UInt64(Int64.max),
      sha512 == nil || sha512?.count == SHA512.byteCount
    else { return nil }
    self.lengthBytes = lengthBytes
    self.sha256 = sha256
    self.sha512 = sha512
  }

  /// What verified metadata promise. Nil if they name no hash of an algorithm that is known here,
  /// or one that no content can have.
  public init?(_ target: Target) {
    let sha256 = target.hashes.sha256.map { Checksum(hex: $0) }
    let sha512 = target.hashes.sha512.map { Hex.decode($0) }
    if case .some(nil) = sha256 { return nil }
    if case .some(nil) = sha512 { return nil }
    self.init(lengthBytes: target.length, sha256: sha256 ?? nil, sha512: sha512 ?? nil)
  }

  /// What a file with this content is called. Nothing that a server made up is in it.
  var fileName: String {
    if let sha256 { return "sha256-\(sha256.hex)" }
    let digest = sha512 ?? []
    return "sha512-\(Hex.encode(digest.span))"
  }
}

/// The hashes of one content, taken together while it passes.
struct ContentHash: ~Copyable {
  private let content: TargetContent
  private var sha256 = SHA256()
  private var sha512 = SHA512()

  init(_ content: TargetContent) { self.content = content }

  mutating func update(_ bytes: Span<UInt8>) {
    if content.sha256 != nil { sha256.update(bytes) }
    if content.sha512 != nil { sha512.update(bytes) }
  }

  /// Whether all that was given is the content: every hash that is known must say so. A fresh
  /// start.
  mutating func finish() -> HashVerdict {
    let (first, second) = (sha256.finish(), sha512.finish())
    if let wanted = content.sha256, wanted != first {
      return .differs(found: first.hex, expected: wanted.hex)
    }
    if let wanted = content.sha512, wanted != second {
      return .differs(found: Hex.encode(second.span), expected: Hex.encode(wanted.span))
    }
    return .holds
  }

  /// The first `count` bytes of `file`; gives how many there were.
  mutating func update(
    with file: borrowing FileDescriptor, count: UInt64
  ) throws(Errno) -> UInt64 {
    var buffer = [UInt8](repeating: 0, count: 64 << 10)
    var offset: UInt64 = 0
    while offset < count {
      let wanted = Int(min(UInt64(buffer.count), count - offset))
      let got = try file.read(into: &buffer, count: wanted, offset: Int64(offset))
      if got == 0 { break }
      update(buffer.span.extracting(0..<got))
      offset += UInt64(got)
    }
    file.dropCache()
    return offset
  }
}

enum HashVerdict: Hashable {
  case holds
  /// In hexadecimal digits: 64 of SHA-256, 128 of SHA-512.
  case differs(found: String, expected: String)
}
