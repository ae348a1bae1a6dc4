// SPDX-License-Identifier: Apache-2.0
import Linux

/// Gives a fresh checkout its /etc: a real copy of the defaults in /usr/etc.
enum EtcSetup {
  /// `path` names the tree in errors. False if the tree has neither and so needs no /etc.
  ///
  /// | tree has | then |
  /// |---|---|
  /// | `usr/etc` | is copied to `etc`; an empty `etc` makes way |
  /// | `etc` | becomes `usr/etc`, and is copied |
  /// | both, `etc` with files | `twoEtcs` |
  static func run(
    in tree: borrowing FileDescriptor, path: String
  ) throws(DeployError) -> Bool {
    let hasEtc = try at("\(path)/etc") { () throws(Errno) in
      try tree.statusIfPresent(of: "etc")?.type == .directory
    }
    guard let usr = try openUsr(in: tree, path, isNeeded: hasEtc) else { return false }
    let hasDefaults = try at("\(path)/usr/etc") { () throws(Errno) in
      try usr.statusIfPresent(of: "etc")?.type == .directory
    }
    if hasEtc, hasDefaults {
      do throws(Errno) { try tree.removeDirectory("etc") } catch {
        if error == .notEmpty { throw .twoEtcs(tree: path) }
        throw .file(path: "\(path)/etc", error)
      }
    } else if hasEtc {
      try at("\(path)/usr/etc") { () throws(Errno) in
        try tree.rename("etc", into: usr, as: "etc")
      }
    } else if !hasDefaults {
      return false
    }
    _ = try at("\(path)/etc") { () throws(Errno) in
      try EtcCopy.run("etc", in: usr, to: "etc", in: tree, times: .now)
    }
    return true
  }

  /// `/usr` of the tree: never through a link, which might lead out of it. Nil if there is none.
  private static func openUsr(
    in tree: borrowing FileDescriptor, _ path: String, isNeeded: Bool
  ) throws(DeployError) -> FileDescriptor? {
    try at("\(path)/usr") { () throws(Errno) -> FileDescriptor? in
      if isNeeded { try tree.makeDirectories("usr") }
      guard try tree.contains("usr") else { return nil }
      return try tree.openDirectory("usr")
    }
  }

  /// Lets systemd see that defaults are new: units with `ConditionNeedsUpdate` run once more.
  /// `stateful` is the /var of the stateroot.
  static func forgetUpdates(
    in tree: borrowing FileDescriptor, stateful: borrowing FileDescriptor, path: String
  ) throws(DeployError) {
    try at("\(path)/etc/.updated") { () throws(Errno) in
      if try tree.statusIfPresent(of: "etc")?.type == .directory {
        try tree.openDirectory("etc").unlinkIfPresent(".updated")
      }
      try stateful.unlinkIfPresent(".updated")
    }
  }
}
