// SPDX-License-Identifier: Apache-2.0
internal import Linux

/// Where the configuration lies:
///
///     /usr/lib/coppice/coppice.conf                first
///     /etc/coppice/coppice.conf                    then
///     {/usr/lib,/run,/etc}/coppice/coppice.conf.d  then all *.conf, by file name
///
/// A later value wins. Of drop-ins with the same name only one is read: that of `/etc`, else that
/// of `/run`. So an empty file, or a link to `/dev/null`, in `/etc` silences one of the vendor.
extension Settings {
  /// A configuration longer than this is none.
  static let fileBytesMax = 1 << 20

  private static let mainFile = "coppice/coppice.conf"
  private static let dropIns = "coppice/coppice.conf.d"

  /// The configuration in force below `root`, which ends the search path only: values that are
  /// paths stay as they are. Files that are missing say nothing.
  public static func load(root: String = "/") throws(ConfigurationError) -> Settings {
    var settings = Settings()
    for folder in ["usr/lib", "etc"] {
      let path = join(root, folder, mainFile)
      if let text = try contents(of: path, mayBeMissing: true) {
        try settings.read(text, path: path)
      }
    }
    for path in try dropInPaths(root) {
      if try isFolder(path) {
        settings.warnings.append(.notAFile(path: path))
      } else if let text = try contents(of: path, mayBeMissing: true) {
        try settings.read(text, path: path)
      }
    }
    return settings
  }

  /// What one file says, and nothing else. It must be there.
  public static func load(file path: String) throws(ConfigurationError) -> Settings {
    var settings = Settings()
    if let text = try contents(of: path, mayBeMissing: false) {
      try settings.read(text, path: path)
    }
    return settings
  }

  /// The drop-ins that are not masked, in the order of their file names' bytes.
  private static func dropInPaths(_ root: String) throws(ConfigurationError) -> [String] {
    var found: [(name: String, path: String)] = []
    for folder in ["etc", "run", "usr/lib"] {
      let directory = join(root, folder, dropIns)
      for name in try names(in: directory)
      where !found.contains(where: { $0.name.utf8.elementsEqual(name.utf8) }) {
        found.append((name, directory + "/" + name))
      }
    }
    found.sort { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    var paths: [String] = []
    for entry in found { paths.append(entry.path) }
    return paths
  }

  private static func names(in path: String) throws(ConfigurationError) -> [String] {
    do throws(Errno) {
      let directory = try FileDescriptor.openDirectory(path)
      var names: [String] = []
      for entry in try directory.entries() where isDropIn(entry.name) { names.append(entry.name) }
      return names
    } catch {
      if error == .notFound || error == .notDirectory { return [] }
      throw .file(path: path, error)
    }
  }

  /// `*.conf`, but no hidden file.
  private static func isDropIn(_ name: String) -> Bool {
    name.utf8.count > 5 && name.utf8.first != UInt8(ascii: ".")
      && name.utf8.suffix(5).elementsEqual(".conf".utf8)
  }

  private static func isFolder(_ path: String) throws(ConfigurationError) -> Bool {
    do throws(Errno) { return try FileDescriptor.status(of: path).type == .directory } catch {
      if error == .notFound { return false }
      throw .file(path: path, error)
    }
  }

  private static func contents(
    of path: String, mayBeMissing: Bool
  ) throws(ConfigurationError) -> [UInt8]? {
    do throws(Errno) {
      let file = try FileDescriptor.open(path)
      return try file.readAll(limit: fileBytesMax)
    } catch {
      if mayBeMissing, error == .notFound || error == .notDirectory { return nil }
      throw .file(path: path, error)
    }
  }

  private static func join(_ root: String, _ folder: String, _ name: String) -> String {
    let slash = root.utf8.last == UInt8(ascii: "/") ? "" : "/"
    return root + slash + folder + "/" + name
  }
}
