// SPDX-License-Identifier: Apache-2.0
public import Linux

/// The checks that a new deployment must pass before it is called good:
/// ```
/// FOLDER/required.d/*    if one of these fails, the deployment is not good
/// FOLDER/wanted.d/*      if one of these fails, somebody should know
/// ```
/// Executable files, run one after the other in the order of their names, each with a time limit.
/// The folders are those of the configuration, and greenboot's, whose checks work as they are.
public struct Health: Sendable {
  /// Of greenboot: what a package brings, and what an administrator adds.
  public static let greenbootFolders = ["/usr/lib/greenboot/check", "/etc/greenboot/check"]
  /// Long enough for a check that waits for a network, short enough for a board that falls back.
  public static let limitSecondsDefault = 120

  let folders: [String]
  let limitSeconds: Int

  public init(_ folders: [String], limitSeconds: Int = limitSecondsDefault) {
    self.folders = folders
    self.limitSeconds = limitSeconds
  }

  /// Runs all checks, the required ones first. `report` is called before each of them.
  ///
  /// A check that cannot be started has failed. Throws `file` for a folder that cannot be read.
  public func run(_ report: (String) -> Void = { _ in }) throws(UpdaterError) -> [HealthResult] {
    var results: [HealthResult] = []
    for isRequired in [true, false] {
      for folder in folders {
        for path in try checks(in: "\(folder)/\(isRequired ? "required.d" : "wanted.d")") {
          report(path)
          results.append(run(path, isRequired: isRequired))
        }
      }
    }
    return results
  }

  private func run(_ path: String, isRequired: Bool) -> HealthResult {
    let start = Clock.monotonicNanoseconds
    let end: HealthResult.End
    do throws(Errno) {
      end = .ended(try Program(path).run(limitSeconds: limitSeconds))
    } catch { end = .notStarted(error) }
    return HealthResult(
      path: path, isRequired: isRequired, end: end,
      milliseconds: (Clock.monotonicNanoseconds - start) / 1_000_000)
  }

  /// Files that may be executed; links are followed. None where the folder is missing.
  private func checks(in folder: String) throws(UpdaterError) -> [String] {
    try at(folder) { () throws(Errno) -> [String] in
      let directory: FileDescriptor
      do throws(Errno) { directory = try FileDescriptor.openDirectory(folder) } catch {
        if error == .notFound { return [] }
        throw error
      }
      var found: [String] = []
      for entry in try directory.sortedEntries() {
        let status = try directory.statusIfPresent(of: entry.name, following: true)
        guard let status, status.type == .regular, status.permissions & 0o111 != 0 else {
          continue
        }
        found.append("\(folder)/\(entry.name)")
      }
      return found
    }
  }
}

/// How one check went.
public struct HealthResult: Hashable, Sendable {
  public enum End: Hashable, Sendable {
    case ended(ProgramEnd)
    case notStarted(Errno)
  }

  public let path: String
  public let isRequired: Bool
  public let end: End
  public let milliseconds: Int64

  public var hasPassed: Bool { end == .ended(.exited(0)) }
}
