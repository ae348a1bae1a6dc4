// SPDX-License-Identifier: Apache-2.0
import Foundation
import Support
import Testing

/// A repo of the real `ostree` behind nginx, and repos of the real `ostree` for coppice to fill.
final class PeerFixture {
  let folder: TemporaryDirectory
  let server: PeerRepo
  let web: WebServer

  /// With a copy of the sample server's repo or, with `empty`, without any commit.
  init(
    _ name: String = "peer", empty: Bool = false, tls: [String] = [], extra: [String] = [],
    http2: Bool = false
  ) throws {
    folder = try TemporaryDirectory(name)
    let path = folder.file("server")
    if empty {
      server = try PeerRepo(at: path)
    } else {
      try SampleServer.copy(to: path)
      server = PeerRepo(existing: path)
    }
    web = try WebServer(path, tls: tls, extra: extra, http2: http2)
    // Patient enough for a machine under load, and no more.
    try folder.write("[pull]\nretries=1\nlow-speed-timeout=20\n", to: "coppice.conf")
  }

  /// An empty repo whose remote `origin` is the server; `core` and `remote` are further keys of
  /// its configuration. Nobody cuts the power here, so most tests do not wait for the medium.
  func repo(
    _ mode: String = "bare", _ name: String = "ours", core: [String] = ["fsync=false"],
    remote: [String] = []
  ) throws -> PeerRepo {
    let repo = try PeerRepo(at: folder.file(name), mode: mode)
    let url = remote.contains { $0.hasPrefix("url=") } ? [] : ["url=\(web.url)"]
    let lines = core + ["[remote \"origin\"]", "gpg-verify=false"] + url + remote
    let config = try folder.readText("\(name)/config")
    try folder.write(config + lines.joined(separator: "\n") + "\n", to: "\(name)/config")
    return repo
  }

  /// `coppice pull origin`, with `os/main` where nothing is named.
  func pull(into repo: PeerRepo, _ words: String...) throws -> Coppice {
    try Coppice(command(repo, words), config: folder.file("coppice.conf"))
  }

  /// The same, but it is not waited for.
  func startPull(into repo: PeerRepo, _ words: String...) throws -> RunningProgram {
    try Coppice.start(command(repo, words), config: folder.file("coppice.conf"))
  }

  private func command(_ repo: PeerRepo, _ words: [String]) -> [String] {
    let namesRef = words.contains { !$0.hasPrefix("-") }
    return ["pull", "--repo", repo.path, "origin"] + words + (namesRef ? [] : ["os/main"])
  }

  /// Pulls, and expects success and a repo that the real `ostree` finds sound.
  @discardableResult
  func mustPull(
    into repo: PeerRepo, _ words: String..., location: SourceLocation = #_sourceLocation
  ) throws -> Coppice {
    let run = try Coppice(command(repo, words), config: folder.file("coppice.conf"))
    #expect(run.exit == 0, "\(run)", sourceLocation: location)
    try repo.fsck()
    return run
  }

  /// The checksum that a ref of the server names.
  func commit(_ ref: String = "os/main") throws -> String { try server.ostree("rev-parse", ref) }
}

extension PeerRepo {
  /// Every entry of a commit's tree with mode, owner, size, checksums and extended attributes.
  func tree(_ commit: String) throws -> String { try ostree("ls", "-R", "-C", "-X", commit) }

  /// What a ref names; nil if there is no such ref.
  func ref(_ name: String) throws -> String? {
    let result = try run("ostree", "rev-parse", name, "--repo=\(path)")
    return result.status == 0 ? result.lines.first : nil
  }

  func isPartial(_ commit: String) -> Bool {
    FileManager.default.fileExists(atPath: "\(path)/state/\(commit).commitpartial")
  }

  /// Names of what coppice has staged and not yet published.
  func staged() throws -> [String] {
    try mustRun(
      "bash", "-c", "find \"$1\"/coppice/{staging,leftovers,partial} -type f 2>/dev/null || true",
      "staged", path
    ).split(separator: "\n").map(String.init)
  }

  /// Where an object lies, with the ending that this mode of repo has for it.
  func object(_ checksum: String, _ ending: String) -> String {
    "\(path)/objects/\(checksum.prefix(2))/\(checksum.dropFirst(2)).\(ending)"
  }
}
