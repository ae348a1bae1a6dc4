// SPDX-License-Identifier: Apache-2.0
import Linux

/// What runs that did not finish have left in `REPO/coppice`.
public struct Leftovers: Hashable, Sendable {
  public var objects: UInt64 = 0
  /// On the medium.
  public var bytes: UInt64 = 0
}

extension Repo {
  /// Counts the objects that the next pull may use. Needs no lock; a pull that runs is counted too.
  public func leftovers() throws(OSTreeError) -> Leftovers {
    var found = Leftovers()
    for folder in ["coppice/staging", "coppice/leftovers"] {
      try naming("\(path)/\(folder)") { () throws(Errno) in
        guard try root.statusIfPresent(of: folder)?.type == .directory else { return }
        let store = try root.open(folder, [.readOnly, .directory])
        for prefix in try store.entries() {
          let objects = try store.openDirectory(prefix.name)
          for object in try objects.entries() {
            found.objects += 1
            found.bytes += try objects.statusIfPresent(of: object.name).map { $0.blocks * 512 } ?? 0
          }
        }
      }
    }
    return found
  }
}

extension Staging {
  /// Hashes what interrupted runs have left; what does not have the checksum that its name says,
  /// and what the repo has anyway, is removed. Gives how many objects stayed and how many went.
  public func judgeLeftovers() throws(OSTreeError) -> (kept: UInt64, removed: UInt64) {
    guard let leftovers else { return (0, 0) }
    var (kept, removed): (UInt64, UInt64) = (0, 0)
    for folder in try leftovers.folders() {
      for name in try leftovers.names(inFolder: folder) {
        if try repo.contains(name) {
          try leftovers.remove(name)
          removed += 1
        } else if try contains(name) {
          kept += 1
        } else if try leftovers.contains(name) {
          kept += 1  // the part of a large file that is here already
        } else {
          removed += 1
        }
      }
    }
    return (kept, removed)
  }
}
