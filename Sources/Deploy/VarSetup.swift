// SPDX-License-Identifier: Apache-2.0
import Linux

/// Fills the /var of a stateroot when its first deployment is made, and never again.
///
/// With what the tree has in /var, as libostree does from 2024.3 on. Where the tree has no
/// `usr/lib/tmpfiles.d` to make them at boot, also the directories that every system needs.
enum VarSetup {
  private static let temporary = ".var.new"

  /// `folder` is the stateroot's, `path` its name in errors.
  static func run(
    in folder: borrowing FileDescriptor, path: String, tree: borrowing FileDescriptor
  ) throws(DeployError) {
    let isEmpty = try at("\(path)/var") { () throws(Errno) -> Bool in
      try folder.makeDirectories("var")
      return try DirectoryStream(of: try folder.openDirectory("var")).next() == nil
    }
    guard isEmpty else { return }
    // Filled beside it and put in its place in one step, so that a cut leaves all or nothing.
    try at("\(path)/\(temporary)") { () throws(Errno) in
      try folder.removeTree(temporary)
      if try tree.statusIfPresent(of: "var")?.type == .directory {
        try EtcCopy.run("var", in: tree, to: temporary, in: folder, times: .ofSource)
      } else {
        try folder.makeDirectory(temporary)
      }
      let hasTemporaryFiles = try tree.statusIfPresent(of: "usr/lib/tmpfiles.d") != nil
      if !hasTemporaryFiles { try makeUsual(in: try folder.openDirectory(temporary)) }
      try replace(in: folder)
    }
  }

  private static func replace(in folder: borrowing FileDescriptor) throws(Errno) {
    do throws(Errno) { try folder.rename(temporary, to: "var") } catch {
      // A file system of its own is mounted there.
      guard error == .busy || error == .crossDevice else { throw error }
      let source = try folder.openDirectory(temporary)
      let target = try folder.openDirectory("var")
      for entry in try source.entries() {
        try EtcCopy.run(entry.name, in: source, to: entry.name, in: target, times: .ofSource)
      }
      try folder.removeTree(temporary)
    }
  }

  private static func makeUsual(in folder: borrowing FileDescriptor) throws(Errno) {
    for (name, mode) in [("tmp", 0o1777), ("lib", 0o755), ("log", 0o755)] as [(String, UInt32)] {
      if try folder.contains(name) { continue }
      try folder.makeDirectory(name)
      try folder.openDirectory(name).setMode(mode)
    }
    for (name, target) in [("run", "../run"), ("lock", "../run/lock")] {
      if try folder.contains(name) { continue }
      try folder.symbolicLink(name, to: target)
    }
  }
}
