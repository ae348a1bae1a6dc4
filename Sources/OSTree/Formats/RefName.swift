// SPDX-License-Identifier: Apache-2.0
import Cryptography

/// What names of refs, remotes and collections may be. ASCII alone. ostree: `ostree-core.c`,
/// `OSTREE_REF_REGEXP`.
public enum RefName {
  /// The kernel takes no longer name for a file; every fragment of a ref is one.
  static let fragmentLimitBytes = 255
  /// Below what the kernel takes for a path, with room for the repo's own.
  static let limitBytes = 2048

  /// Fragments with slashes between them. A name that reads like a checksum is none, since it
  /// would be taken for one.
  public static func isValid(_ name: String) -> Bool {
    guard name.utf8.count <= limitBytes, Checksum(hex: name) == nil else { return false }
    return name.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
      .allSatisfy { isFragment($0) }
  }

  /// A remote's name is one fragment.
  public static func isValidRemote(_ name: String) -> Bool { isFragment(name.utf8[...]) }

  /// Letters, digits, `_`, and from the second on also `-` and `.`.
  private static func isFragment(_ fragment: Substring.UTF8View) -> Bool {
    guard let first = fragment.first, fragment.count <= fragmentLimitBytes, isWord(first) else {
      return false
    }
    return fragment.allSatisfy { isWord($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: ".") }
  }

  /// Reverse DNS: at least two elements of letters, digits and `_`, none beginning with a digit,
  /// with dots between them, 255 bytes in all. The syntax of D-Bus interface names.
  public static func isValidCollection(_ name: String) -> Bool {
    guard name.utf8.count <= 255 else { return false }
    let elements = name.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    return elements.count >= 2
      && elements.allSatisfy { element in
        guard let first = element.first, !isDigit(first) else { return false }
        return element.allSatisfy { isWord($0) }
      }
  }

  private static func isWord(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "_"):
      true
    default: isDigit(byte)
    }
  }

  private static func isDigit(_ byte: UInt8) -> Bool {
    byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
  }
}

/// A branch: `ref` for a local one, `remote:ref` for one that was pulled.
public struct Refspec: Hashable, Sendable {
  public let remote: String?
  public let ref: String

  public init(remote: String?, ref: String) {
    self.remote = remote
    self.ref = ref
  }

  /// From `ref` or `remote:ref`; nil if one of the names is not valid.
  public init?(_ text: String) {
    let parts = text.utf8.split(
      separator: UInt8(ascii: ":"), maxSplits: 1, omittingEmptySubsequences: false)
    guard let ref = String(parts[parts.count - 1]), RefName.isValid(ref) else { return nil }
    guard parts.count == 2 else {
      self.init(remote: nil, ref: ref)
      return
    }
    guard let remote = String(parts[0]), RefName.isValidRemote(remote) else { return nil }
    self.init(remote: remote, ref: ref)
  }

  public var text: String { remote.map { "\($0):\(ref)" } ?? ref }
}
