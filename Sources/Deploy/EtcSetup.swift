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
    let (hasEtc, hasDefaults) = try at(path) { () throws(Errno) in
      (
        try tree.statusIfPresent(of: "etc")?.type == .directory,
        try tree.statusIfPresent(of: "usr/etc")?.type == .directory
      )
    }
    if hasEtc, hasDefaults {
      do throws(Errno) { try tree.removeDirectory("etc") } catch {
        if error == .notEmpty { throw .twoEtcs(tree: path) }
        throw .file(path: "\(path)/etc", error)
      }
    } else if hasEtc {
      try at("\(path)/usr/etc") { () throws(Errno) in
        try tree.makeDirectories("usr")
        try tree.rename("etc", to: "usr/etc")
      }
    } else if !hasDefaults {
      return false
    }
    _ = try at("\(path)/etc") { () throws(Errno) in
      try EtcCopy.run("usr/etc", in: tree, to: "etc", in: tree, times: .now)
    }
    return true
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
