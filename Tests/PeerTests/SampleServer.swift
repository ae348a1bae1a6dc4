// SPDX-License-Identifier: Apache-2.0
import Foundation
import Support

/// The repo that most of the tests pull from, made once by the real `ostree` and copied for each:
/// `os/main` is the second version of the sample tree and has the first one as its parent,
/// `os/old` is the first one, `os/plain` has what every mode of repo can hold.
enum SampleServer {
  /// Puts a copy at `path` which the test may damage.
  static func copy(to path: String) throws {
    try mustRun("cp", "-a", try original.get(), path)
  }

  private static let original: Result<String, ProgramError> = Result {
    () throws(ProgramError) in
    do { return try make() } catch { throw ProgramError(description: "\(error)") }
  }

  private static func make() throws -> String {
    let folder = try TemporaryDirectory("sample")
    // Nothing lets go of a global when the tests end.
    unsafe leftover = folder
    atexit { unsafe SampleServer.leftover = nil }
    let repo = try PeerRepo(at: folder.file("server"))
    for (version, timestamp) in [("1", 1_700_000_000), ("2", 1_700_000_100)] {
      let tree = folder.file("tree\(version)")
      try SampleTree.make(at: tree, version: version)
      let commit = try repo.commit(
        tree, to: "os/main", timestamp: timestamp, "--bind-ref=os/old", "--fsync=no")
      if version == "1" { try repo.ostree("refs", "--create=os/old", commit) }
      if version == "2" {
        try repo.commit(
          tree, to: "os/plain", timestamp: timestamp, "--canonical-permissions", "--no-xattrs",
          "--fsync=no")
      }
    }
    return repo.path
  }

  nonisolated(unsafe) private static var leftover: TemporaryDirectory?
}
