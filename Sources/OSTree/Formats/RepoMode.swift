// SPDX-License-Identifier: Apache-2.0

/// How a repo stores file objects. ostree: `core.mode`.
public enum RepoMode: Sendable, Hashable, CaseIterable {
  /// Deflated, with a header: for serving.
  case archive
  /// As they are, owner, mode and extended attributes included: for deploying, needs root.
  case bare
  /// As files of the user, with owner, mode and attributes in `user.ostreemeta`.
  case bareUser
  /// As files of the user; owner and attributes are not kept.
  case bareUserOnly

  /// From the value in the repo's `config`; nil for what coppice does not store, for example
  /// `bare-split-xattrs`. `archive` is an alias for `archive-z2`.
  public init?(configValue: String) {
    switch configValue {
    case "archive", "archive-z2": self = .archive
    case "bare": self = .bare
    case "bare-user": self = .bareUser
    case "bare-user-only": self = .bareUserOnly
    default: return nil
    }
  }

  public var configValue: String {
    switch self {
    case .archive: "archive-z2"
    case .bare: "bare"
    case .bareUser: "bare-user"
    case .bareUserOnly: "bare-user-only"
    }
  }
}
