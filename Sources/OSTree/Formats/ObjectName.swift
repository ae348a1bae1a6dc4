// SPDX-License-Identifier: Apache-2.0
import Cryptography

/// The kinds of object that coppice stores. The numbers are those of static deltas and
/// `ostree.sizes`. ostree: `OstreeObjectType`.
public enum ObjectType: UInt8, Sendable, Hashable, CaseIterable {
  case file = 1
  case dirTree
  case dirMeta
  case commit
  /// What is left of a commit that was deleted on the server.
  case tombstoneCommit
  /// Detached metadata of a commit, not covered by its name.
  case commitMeta

  /// What follows the checksum in the name of the object's file; `.filez` in archive repos.
  public func suffix(archive: Bool) -> String {
    switch self {
    case .file: archive ? "filez" : "file"
    case .dirTree: "dirtree"
    case .dirMeta: "dirmeta"
    case .commit: "commit"
    case .tombstoneCommit: "tombstone-commit"
    case .commitMeta: "commitmeta"
    }
  }

  /// Whether the object's name is the checksum of its bytes, or of its content stream.
  public var isContentAddressed: Bool {
    switch self {
    case .file, .dirTree, .dirMeta, .commit: true
    case .tombstoneCommit, .commitMeta: false
    }
  }
}

/// The name of an object: its checksum and what it is.
public struct ObjectName: Hashable, Comparable, Sendable {
  public let checksum: Checksum
  public let type: ObjectType

  public init(_ checksum: Checksum, _ type: ObjectType) {
    self.checksum = checksum
    self.type = type
  }

  /// Where the object's file is below `objects`: `ab/cdef….filez`.
  public func loosePath(archive: Bool) -> String {
    let hex = checksum.hex.utf8
    let cut = hex.index(hex.startIndex, offsetBy: 2)
    return "\(String(hex[..<cut])!)/\(String(hex[cut...])!).\(type.suffix(archive: archive))"
  }

  /// For messages: the path in a repo that is not of mode archive.
  public var path: String { "objects/\(loosePath(archive: false))" }

  public static func < (left: ObjectName, right: ObjectName) -> Bool {
    left.checksum == right.checksum
      ? left.type.rawValue < right.type.rawValue : left.checksum < right.checksum
  }
}
