// SPDX-License-Identifier: Apache-2.0
import Cryptography
import OSTree

/// One commit that is wanted: by the name of a ref, by checksum, or both.
public enum PullTarget: Hashable, Sendable {
  case ref(String)
  /// This commit, and the ref is pointed at it.
  case refAt(String, Checksum)
  case commit(Checksum)
  /// This commit, because others than the server vouch for it, and a ref of our own is pointed at
  /// it: to which refs the commit is bound, and how old it is, does not matter.
  case named(String, Checksum)
}

/// What to pull and how.
public struct PullOptions: Sendable {
  /// Empty: what the remote's `branches` name; with `isMirror`, every ref of the summary.
  public var targets: [PullTarget] = []
  /// How many generations of parents come along; nil for all of history.
  public var depth: UInt64? = 0
  /// Commits without their trees; they stay partial.
  public var commitMetadataOnly = false
  /// Refs become refs of this repo, and the summary is copied where all refs are pulled.
  public var isMirror = false
  /// In place of the remote's `url` and `contenturl`.
  public var url: String?
  public var connections = PullLimits.connections
  public var limitRateBytesPerSecond: UInt64?
  /// How long a connection may be slower than 1000 bytes a second.
  public var lowSpeedSeconds: Int?
  /// How often a request is tried again.
  public var retriesMax: Int?
  public var userAgent: String?
  public var readBack = ReadBack.none
  /// Refuse a commit that is older than the one its ref names now.
  public var checksTimestamp = true
  /// Room to leave on the file system, where the caller has a view; else the repo's config has.
  public var reserveBytes: UInt64?
  /// Whether a static delta that leads to the commit takes the place of its objects.
  public var usesDeltas = true
  /// Phase 1 and the count; no content object moves.
  public var planOnly = false
  public var server = ServerOptions()

  public init() {}
}

/// How a server is reached, where the remote itself does not say.
public struct ServerOptions: Hashable, Sendable {
  /// PEM. Nil: the system's authorities.
  public var authoritiesPath: String?
  /// PEM files of the client's certificate and key: both, or none.
  public var certificatePath: String?
  public var privateKeyPath: String?
  public var proxy = Proxy.environment

  public enum Proxy: Hashable, Sendable {
    /// `https_proxy`, `http_proxy`, `no_proxy`.
    case environment
    case none
    case url(String)
  }

  public init() {}
}

/// Bounds on what a remote can make us do.
public enum PullLimits {
  /// Enough to hide the way there and back; each costs about 200 KiB. The same as the default of
  /// `[pull] connections`.
  public static let connections = 6
  /// All of them must fit the memory of a pull. The same as the configuration's limit.
  public static let connectionsMax = 16
  /// Distinct folders of one commit: several times those of a large distribution. About 100 bytes
  /// of memory each.
  public static let dirTreesMax = 1 << 17
  /// Distinct owners, modes and attributes of those folders. Honest trees have a few hundred.
  public static let dirMetasMax = 1 << 16
  /// Of both, where a pull has many commits.
  public static let pullTreesMax = 1 << 20
  /// Where the summary gives no size for a commit.
  public static let commitBytesMax: UInt64 = 8 << 20
  public static let detachedBytesMax: UInt64 = 1 << 20
  /// In memory while it is verified; that of an OS with a thousand branches has some 100 KiB.
  public static let summaryBytesMax = 8 << 20
  /// Of the deltas that lead to one commit: some hundred bytes each.
  public static let deltaIndexBytesMax = 1 << 20
  public static let configBytesMax = 64 << 10
  public static let mirrorListBytesMax = 64 << 10
  public static let refBytesMax = 4 << 10
  /// Generations that `depth: nil` follows.
  public static let historyMax = 100_000
  /// Of one file on the wire where nothing promises a size.
  public static let contentBytesMax: UInt64 = 16 << 30
}
