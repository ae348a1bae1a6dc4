// SPDX-License-Identifier: Apache-2.0
import Linux

/// Where the content of targets is kept that are not OSTree commits: a folder of coppice's state.
/// ```
/// targets/sha256-4e67ea…          whole and verified
/// targets/sha256-91b2c7….part     what came of one so far
/// targets/sha256-91b2c7….resume   where that can go on
/// ```
/// A name says what the content must be, never what the target is called.
public struct TargetFolder: Sendable {
  /// It need not exist.
  public let path: String

  public init(_ path: String) { self.path = path }

  public func path(of content: TargetContent) -> String { place(of: content).path }

  func place(of content: TargetContent) -> TargetPlace {
    TargetPlace(folder: path, name: content.fileName, owner: .coppice)
  }

  /// Whether the content is there, every byte of it: it is hashed again. What is damaged is
  /// removed.
  public func contains(_ content: TargetContent) throws(UpdaterError) -> Bool {
    let place = place(of: content)
    return try at(place.path) { () throws(Errno) in
      if try place.contains(content) { return true }
      _ = try TargetPlace.open(path)?.unlinkIfPresent(place.name)
      return false
    }
  }

  /// Removes everything but these, and what is on its way to be one of them.
  public func remove(allBut kept: [TargetContent]) throws(UpdaterError) {
    var names: [String] = []
    for content in kept {
      let place = place(of: content)
      names += [place.name, place.partName, place.recordName]
    }
    let known = names
    try at(path) { () throws(Errno) in
      guard let folder = try TargetPlace.open(path) else { return }
      for entry in try folder.entries() {
        if known.contains(where: { same($0, entry.name) }) { continue }
        try folder.removeTree(entry.name)
      }
      try folder.sync()
    }
  }

  /// Opens the folder, made if it is missing. A target may hold secrets.
  func make() throws(Errno) -> FileDescriptor { try StateFolder.openPrivate(path) }
}
