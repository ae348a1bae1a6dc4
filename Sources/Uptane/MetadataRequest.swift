// SPDX-License-Identifier: Apache-2.0
import Codec
import Cryptography

/// A metadata file to ask for, by the name it has on a server, and how much of it to take.
public struct MetadataRequest: Hashable, Sendable {
  public let role: Role
  /// Part of the name: of every root, and of what is listed where snapshots are consistent. TUF
  /// specification, 6.2.
  public let version: Int64?
  /// What is longer is refused, without reading on.
  public let bytesMax: UInt64
  private let dialect: Dialect

  init(_ role: Role, version: Int64? = nil, bytesMax: UInt64, _ dialect: Dialect) {
    self.role = role
    self.version = version
    self.bytesMax = bytesMax
    self.dialect = dialect
  }

  /// The first root that a repository ever had, for a device that was given none.
  public static func firstRoot(_ limits: MetadataLimits = MetadataLimits()) -> MetadataRequest {
    MetadataRequest(.root, version: 1, bytesMax: limits.rootBytes, .ota)
  }

  /// Behind the base URL of the metadata, percent-encoded: `3.root.json`, `timestamp.json`,
  /// `delegations/NAME.json` in `ota`, `[N.]NAME.json` in `tuf`.
  public var path: String {
    let name = "\(PercentEncoding.component(role.name)).json"
    if let version { return "\(version).\(name)" }
    guard case .delegated = role, dialect == .ota else { return name }
    return "delegations/\(name)"
  }
}

extension Role {
  /// Under which name its metadata are stored: `ROLE.json`, percent-encoded, so that no role can
  /// reach another's file or another folder.
  public var fileName: String {
    let name = PercentEncoding.fileName(name, byteCountMax: 200) {
      SHA256.hash(Array($0.utf8)).hex
    }
    return "\(name).json"
  }
}
