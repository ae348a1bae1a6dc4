// SPDX-License-Identifier: Apache-2.0
import Codec
public import Configuration
import Linux
public import Uptane

/// What this device trusts now of one repository: versions of what is stored, for people and
/// scripts to look at. Nothing is verified here, and nothing is decided by it.
public struct TrustState: Hashable, Sendable {
  public let root: Int64
  /// Nil before the first update.
  public let targets: Int64?
  /// When the root or the targets expire, whichever is sooner: seconds since 1970.
  public let expires: Int64?

  /// Nil where nothing is trusted yet. `folder` is that of coppice's state.
  public init?(_ repository: Repository, folder: String) {
    let store = MetadataStore(folder: "\(folder)/metadata/\(repository.name)")
    guard let root = TrustState.signed(.root, store), let version = root["version"]?.integer else {
      return nil
    }
    let targets = TrustState.signed(.targets, store)
    self.root = version
    self.targets = targets?["version"]?.integer
    var dates: [Int64] = []
    for node in [root, targets] {
      if let date = node?["expires"]?.string.flatMap(Timestamp.parse) { dates.append(date) }
    }
    expires = dates.min()
  }

  private static func signed(_ role: Role, _ store: MetadataStore) -> JSONNode? {
    guard let bytes = try? store.load(role), let document = try? JSONDocument(parsing: bytes) else {
      return nil
    }
    return document.root["signed"]
  }
}

extension TrustMode {
  /// Which repositories are asked, in this order.
  public var repositories: [Repository] {
    var repositories: [Repository] = []
    if self == .uptane { repositories.append(.director) }
    if self != .none { repositories.append(.image) }
    return repositories
  }
}
