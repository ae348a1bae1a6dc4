// SPDX-License-Identifier: Apache-2.0
import Codec
import Cryptography

/// How a repository spells its metadata. Decided for each file by itself, by whether `signed` has a
/// `spec_version`, and never by what happens to verify.
public enum Dialect: Hashable, Sendable {
  /// That of aktualizr and the servers around it.
  case ota
  /// That of the TUF specification, 1.0.x.
  case tuf

  init(of signed: JSONNode) { self = signed["spec_version"] == nil ? .ota : .tuf }

  /// Whether `type` is how this dialect spells the `_type` of `kind`.
  func isType(_ type: String, _ kind: MetadataKind) -> Bool {
    same(self == .ota ? lowered(type) : type, kind.rawValue)
  }

  /// The bytes of a signature: hexadecimal digits in `tuf`, Base64 in `ota`.
  func signatureBytes(_ text: String) -> [UInt8]? {
    self == .tuf ? Hex.decode(eitherCase: text) : Base64.decode(text)
  }

  /// Whether a delegated role may have this name: any that is not a top-level role's in `tuf`; in
  /// `ota` 1 to 50 characters of `A-Za-z0-9_.-` that do not begin with a point.
  func isRoleName(_ name: String) -> Bool {
    if name.utf8.isEmpty { return false }
    let compared = self == .ota ? lowered(name) : name
    if Role.topLevel.contains(where: { same($0.name, compared) }) { return false }
    if self == .tuf { return true }
    return name.utf8.count <= Dialect.roleNameByteCountMax
      && name.utf8.first != UInt8(ascii: ".") && name.utf8.allSatisfy(Dialect.isRoleCharacter)
  }

  private static let roleNameByteCountMax = 50

  private static func isRoleCharacter(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "."),
      UInt8(ascii: "-"):
      true
    default: false
    }
  }
}

/// The four kinds of metadata, as `_type` names them.
enum MetadataKind: String, Sendable {
  case root, timestamp, snapshot, targets
}
