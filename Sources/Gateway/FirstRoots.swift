// SPDX-License-Identifier: Apache-2.0

/// The first root of each repository, as the credentials brought it: what trust begins with where
/// no other root was ever trusted. Byte for byte, in the gateway's folder.
public struct FirstRoots: Sendable {
  /// As `update` finds them.
  public static let director = "first-root.director.json"
  public static let image = "first-root.image.json"

  /// Nil: the credentials brought none.
  public let directorRoot: [UInt8]?
  public let imageRoot: [UInt8]?

  /// Those that were kept in the folder of coppice's state. Errors: `.file`.
  public init(stateFolder: String) throws(GatewayError) {
    let folder = GatewayFolder(state: stateFolder)
    directorRoot = try folder.read(FirstRoots.director)
    imageRoot = try folder.read(FirstRoots.image)
  }

  /// Keeps what the archive has, but never in place of one that is there. Durable when it returns.
  static func adopt(
    from archive: ServerCredentials, _ folder: GatewayFolder
  ) throws(GatewayError) {
    for (member, name) in [
      (ServerCredentials.imageRootMember, image),
      (ServerCredentials.directorRootMember, director),
    ] where !folder.contains(name) {
      if let root = try archive.root(member) { try folder.write(name, root) }
    }
  }
}
