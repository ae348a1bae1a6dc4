// SPDX-License-Identifier: Apache-2.0
import Codec
import Cryptography
import OSTree
import Support
import Testing
import Transport

@testable import Pull

/// A server's repo, made by the real `ostree` and served by nginx, and a place for ours.
final class PullFixture {
  let folder: TemporaryDirectory
  let server: PeerRepo
  let web: WebServer
  let tree: String

  init(_ name: String = "pull", tls: [String] = [], extra: [String] = []) throws {
    folder = try TemporaryDirectory(name)
    server = try PeerRepo(at: folder.file("server"))
    tree = folder.file("tree")
    web = try WebServer(server.path, tls: tls, extra: extra)
  }

  /// Commits the sample tree in this version; gives the checksum.
  @discardableResult
  func publish(_ version: String = "1", timestamp: Int = 1_700_000_000) throws -> Checksum {
    try mustRun("rm", "-rf", tree)
    try SampleTree.make(at: tree, version: version)
    return try #require(
      Checksum(hex: try server.commit(tree, to: "os/main", timestamp: timestamp)))
  }

  /// Opens our repo, made in this mode the first time.
  func repo(_ mode: RepoMode = .bare, _ name: String = "ours") throws -> Repo {
    if let existing = try? Repo.open(folder.file(name)) { return existing }
    return try Repo.create(folder.file(name), mode: mode)
  }

  func remote(_ settings: [String: String] = [:], url: String? = nil) throws -> RemoteConfig {
    var file = Keyfile()
    file.set("remote \"origin\"", "url", to: url ?? web.url)
    file.set("remote \"origin\"", "gpg-verify", to: "false")
    for (key, value) in settings { file.set("remote \"origin\"", key, to: value) }
    return try RemoteConfig("origin", in: file, path: "test")
  }

  /// Pulls and gives the result or the error.
  func pull(
    into repo: Repo, _ remote: RemoteConfig? = nil, _ change: (inout PullOptions) -> Void = { _ in }
  ) throws -> Result<PullResult, PullError> {
    let remote = try remote ?? self.remote()
    var options = PullOptions()
    options.targets = [.ref("os/main")]
    options.retriesMax = 0
    change(&options)
    let wanted = options
    return Result { () throws(PullError) in
      try CommitPull(repo, from: remote, wanted, PullProgress()).run()
    }
  }

  /// A file of the server's repo.
  func object(_ name: ObjectName) -> String {
    server.path + "/objects/" + name.loosePath(archive: true)
  }
}
