// SPDX-License-Identifier: Apache-2.0
import Foundation
import Support

/// What can be wrong with an object that a server hands out.
enum Damage: String, CaseIterable, Sendable {
  case truncated, flipped, oversized, missing

  func apply(to path: String) throws {
    let file = URL(fileURLWithPath: path)
    var bytes = [UInt8](try Data(contentsOf: file))
    switch self {
    case .truncated: bytes.removeLast(bytes.count / 2 + 1)
    case .flipped: bytes[bytes.count / 2] ^= 0x10
    case .oversized: bytes += [UInt8](repeating: 0, count: 4096)
    case .missing: return try FileManager.default.removeItem(at: file)
    }
    try Data(bytes).write(to: file)
  }
}

/// An object of the sample commit, one of each type.
enum Victim: String, CaseIterable, Sendable {
  case commit, dirtree, dirmeta, filez

  /// Its path in the repo of the server.
  func object(in server: PeerRepo, _ commit: String) throws -> String {
    let checksum: String
    switch self {
    case .commit: checksum = commit
    case .filez: checksum = try Victim.columns(server, commit, "/usr/bin/hello")[4]
    // Of a folder `ls -C` shows the dirtree and the dirmeta behind it.
    case .dirtree: checksum = try Victim.columns(server, commit, "/usr/bin")[4]
    case .dirmeta: checksum = try Victim.columns(server, commit, "/usr/bin")[5]
    }
    return "objects/\(checksum.prefix(2))/\(checksum.dropFirst(2)).\(rawValue)"
  }

  static func columns(
    _ server: PeerRepo, _ commit: String, _ path: String
  ) throws -> [String] {
    try server.ostree("ls", "-d", "-C", commit, path).split(separator: " ").map(String.init)
  }
}
