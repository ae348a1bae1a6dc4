// SPDX-License-Identifier: Apache-2.0
import Codec
import Cryptography

/// The hashes that metadata give of a file, as far as their algorithms are known here: hexadecimal
/// digits in lower case. TUF specification, 4.4.
public struct Hashes: Hashable, Sendable {
  public let sha256: String?
  public let sha512: String?

  public init(sha256: String?, sha512: String? = nil) {
    self.sha256 = sha256.map(lowered)
    self.sha512 = sha512.map(lowered)
  }

  /// Nil unless `node` is an object whose members are strings. Which algorithms stand there, if
  /// any that is known, is for the caller to ask.
  init?(_ node: JSONNode) {
    guard node.kind == .object else { return nil }
    for (_, value) in node.members where value.kind != .string { return nil }
    self.init(sha256: node["sha256"]?.string, sha512: node["sha512"]?.string)
  }

  /// Whether there is none of an algorithm that is known.
  public var isEmpty: Bool { sha256 == nil && sha512 == nil }

  /// Whether all known hashes are those of `bytes`, and one at least is known.
  public func fit(_ bytes: [UInt8]) -> Bool {
    if isEmpty { return false }
    if let sha256, !same(sha256, SHA256.hash(bytes.span).hex) { return false }
    if let sha512, !same(sha512, Hex.encode(SHA512.hash(bytes.span).span)) { return false }
    return true
  }

  /// Whether both have a hash of one algorithm at least, and the same for all they have in common.
  public func agrees(with other: Hashes) -> Bool {
    let pairs = [(sha256, other.sha256), (sha512, other.sha512)]
    var common = 0
    for (mine, theirs) in pairs {
      guard let mine, let theirs else { continue }
      if !same(mine, theirs) { return false }
      common += 1
    }
    return common > 0
  }
}
