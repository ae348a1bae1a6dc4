// SPDX-License-Identifier: Apache-2.0
import Foundation
import Support
import Testing

/// Metadata without measure: what a server sends must not decide how much memory a device needs.
@Suite struct HostileMemoryTests {
  /// The promise is 8 MiB of the device's binary, and twice the file that is held whole while it
  /// is verified, a summary or commit, of which none may have more than 8 MiB. What is judged
  /// here is a debug build, whose code and runtime are 16 MiB larger.
  static let ceilingBytes = (8 + 2 * 8 + 16) << 20

  enum Flood: String, CaseIterable {
    case summary, signatures, commit, detached, dirtree, dirmeta
  }

  /// nginx does not announce the length of what it looks through for commands.
  static let unannounced = ["ssi on; ssi_types *;"]

  @Test(arguments: Flood.allCases, [true, false])
  func `a hundred MiB of metadata are refused in bounded memory`(
    flood: Flood, isAnnounced: Bool
  ) throws {
    let fixture = try PeerFixture("flood", extra: isAnnounced ? [] : Self.unannounced)
    let commit = try fixture.commit()
    let file = try fixture.floodedFile(flood, commit)
    // Beyond what any object of metadata may have, if its name does not vouch for it.
    try mustRun("truncate", "-s", "140M", "\(fixture.server.path)/\(file)")
    let repo = try fixture.repo("bare-user")
    let (run, peak) = try Coppice.measured(
      ["pull", "--repo", repo.path, "origin", "os/main"], in: fixture.folder)
    #expect(run.exit == 4, "\(run)")
    #expect(run.error?.url == "\(fixture.web.url)/\(file)")
    #expect(["too-large", "object-too-large"].contains(run.error?.name), "\(run)")
    #expect(peak < Self.ceilingBytes, "\(flood), announced: \(isAnnounced): \(peak) bytes")
    try repo.fsck()
  }

  @Test func `a dirtree of a hundred MiB with the right name is read where it lies`() throws {
    let fixture = try PeerFixture("flood", empty: true)
    let dirtree = try ForgedTree(fixture).forge("print(commit(store(bytes(100 << 20), 'dirtree')))")
    let repo = try fixture.repo("bare-user")
    let (run, peak) = try Coppice.measured(
      ["pull", "--repo", repo.path, "origin", "os/main"], in: fixture.folder)
    #expect(run.exit == 4, "\(run)")
    #expect(run.error?.name == "object-malformed")
    #expect(run.error?.path == "objects/\(dirtree.prefix(2))/\(dirtree.dropFirst(2)).dirtree")
    #expect(peak < Self.ceilingBytes, "\(peak) bytes")
    try repo.fsck()
  }

  @Test func `a folder of more folders than any honest tree has is refused`() throws {
    let fixture = try PeerFixture("wide", empty: true)
    _ = try ForgedTree(fixture).forge(
      """
      commit(dirtree([], [
          (b'%08d' % n, hashlib.sha256(b'%d' % n).digest()) for n in range(140_000)]))
      """)
    let repo = try fixture.repo("bare-user")
    let (run, peak) = try Coppice.measured(
      ["pull", "--repo", repo.path, "origin", "os/main"], in: fixture.folder)
    #expect(run.exit == 4, "\(run)")
    #expect(run.error?.name == "tree-too-large")
    #expect(peak < Self.ceilingBytes + 16 << 20, "\(peak) bytes")
  }

  @Test func `a folder of a hundred thousand files comes over in the memory that sixty take`()
    throws
  {
    let fixture = try PeerFixture("large", empty: true)
    let tree = try fixture.folder.makeDirectory("tree")
    let script = """
      import os, sys
      for number in range(100_000):
          with open(f'{sys.argv[1]}/a-file-with-a-name-{number:06}', 'w') as out: out.write('x')
      """
    try mustRun("python3", "-c", script, tree)
    let commit = try fixture.server.commit(tree, to: "os/main", "--fsync=no")
    let repo = try fixture.repo("bare-user")
    let (run, many) = try Coppice.measured(
      ["pull", "--repo", repo.path, "origin", "os/main"], in: fixture.folder)
    #expect(run.pulled?.commits == [commit], "\(run)")
    try repo.fsck()

    let small = try PeerFixture()
    let (_, few) = try Coppice.measured(
      ["pull", "--repo", small.repo("bare-user").path, "origin", "os/main"], in: small.folder)
    #expect(many - few < 2 << 20, "100,000 files cost \(many - few) bytes more than sixty")

    let ours = fixture.folder.file("checkout")
    let checkout = try Coppice(["checkout", "--repo", repo.path, "--user-mode", commit, ours])
    #expect(checkout.exit == 0, "\(checkout)")
    #expect(try FileManager.default.contentsOfDirectory(atPath: ours).count == 100_000)
  }
}

extension PeerFixture {
  /// The file of the server that a pull reads for this, made if there is none.
  fileprivate func floodedFile(
    _ flood: HostileMemoryTests.Flood, _ commit: String
  ) throws -> String {
    func object(_ checksum: String, _ ending: String) -> String {
      "objects/\(checksum.prefix(2))/\(checksum.dropFirst(2)).\(ending)"
    }
    // Of the root folder: dirtree, then dirmeta.
    let root = try server.ostree("ls", "-d", "-C", commit, "/")
      .split(separator: " ").map(String.init).filter { $0.count == 64 }
    let file =
      switch flood {
      case .summary: "summary"
      case .signatures: "summary.sig"
      case .commit: object(commit, "commit")
      case .detached: object(commit, "commitmeta")
      case .dirtree: object(root[0], "dirtree")
      case .dirmeta: object(root[1], "dirmeta")
      }
    if flood == .signatures { try server.ostree("summary", "-u") }
    return file
  }
}
