// SPDX-License-Identifier: Apache-2.0
import Foundation
import Support
import Testing

/// Commits and summaries signed with ed25519 by an `ostree` newer than Debian's, served by nginx.
@Suite struct SignaturePeerTests {
  @Test(arguments: ["inline", "file"])
  func `a commit signed by a trusted key is pulled`(place: String) throws {
    let signed = try SignedServer()
    let key =
      place == "inline"
      ? "verification-ed25519-key=\(signed.publicKey)"
      : "verification-ed25519-file=\(PackagePaths.golden)/ostree/ed25519.public"
    let repo = try signed.repo(["sign-verify=ed25519", key])
    let run = try signed.pull(into: repo)
    #expect(run.exit == 0, "\(run)")
    #expect(try repo.ref("origin:test/main") == signed.commit)
    // The signature came along.
    let detached = repo.object(signed.commit, "commitmeta")
    #expect(FileManager.default.fileExists(atPath: detached))
    try repo.fsck()
  }

  @Test func `a key that signed nothing is no key for this commit`() throws {
    let signed = try SignedServer()
    let stranger = Data(repeating: 7, count: 32).base64EncodedString()
    let run = try signed.refusal(["sign-verify=ed25519", "verification-ed25519-key=\(stranger)"])
    #expect(run.exit == 4)
    #expect(run.error?.name == "signature-refused")
    #expect(run.error?.message.contains(signed.commit) == true)
  }

  @Test func `a signature with one bit changed is refused`() throws {
    let signed = try SignedServer()
    let path = signed.server.object(signed.commit, "commitmeta")
    var bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    // The 64 bytes of the signature begin after the key's name and are in the middle of the file.
    bytes[bytes.count / 2] ^= 1
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    let run = try signed.refusal(signed.trusting)
    #expect(run.exit == 4)
    #expect(run.error?.name == "signature-refused")
  }

  @Test func `a commit without any signature is refused, and taken where none is demanded`() throws
  {
    let signed = try SignedServer()
    try mustRun("rm", signed.server.object(signed.commit, "commitmeta"))
    let run = try signed.refusal(signed.trusting)
    #expect(run.exit == 4)
    #expect(run.error?.name == "commit-unsigned")
    let lax = try signed.repo(["sign-verify=false"], "lax")
    #expect(try signed.pull(into: lax).exit == 0)
  }

  @Test func `a remote that demands signatures and has no key is not set up`() throws {
    let run = try SignedServer().refusal(["sign-verify=ed25519"])
    #expect(run.exit == 2)
    #expect(run.error?.name == "no-keys")
  }

  @Test func `GPG is not among what coppice does`() throws {
    let run = try SignedServer().refusal(["gpg-verify=true"])
    #expect(run.exit == 1)
    #expect(run.error?.name == "gpg-demanded")
  }

  @Test func `a signed summary is checked before what it says counts`() throws {
    let signed = try SignedServer()
    let demand = signed.trusting + ["sign-verify-summary=ed25519"]
    let repo = try signed.repo(demand)
    #expect(try signed.pull(into: repo).exit == 0)

    let summary = "\(signed.server.path)/summary"
    var bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: summary)))
    bytes[bytes.count - 20] ^= 1
    try Data(bytes).write(to: URL(fileURLWithPath: summary))
    let changed = try signed.refusal(demand, "second")
    #expect(changed.exit == 4, "\(changed)")
    #expect(changed.error?.url == "\(signed.web.url)/summary")

    try mustRun("rm", "\(summary).sig")
    let unsigned = try signed.refusal(demand, "third")
    #expect(unsigned.exit == 4, "\(unsigned)")
    #expect(unsigned.error?.name == "summary-unsigned")
  }
}

/// The golden repo with two signed commits, and nginx before it.
private struct SignedServer {
  let folder: TemporaryDirectory
  let server: PeerRepo
  let web: WebServer
  let commit: String
  let publicKey: String

  init() throws {
    folder = try TemporaryDirectory("signed")
    let golden = "\(PackagePaths.golden)/ostree"
    try mustRun("tar", "-xzf", "\(golden)/signed-delta-repo.tar.gz", "-C", folder.path)
    server = PeerRepo(existing: folder.file("signed-repo"))
    web = try WebServer(server.path)
    commit = try server.ostree("rev-parse", "test/main")
    publicKey = try mustRun("cat", "\(golden)/ed25519.public")
  }

  var trusting: [String] { ["sign-verify=ed25519", "verification-ed25519-key=\(publicKey)"] }

  func repo(_ settings: [String], _ name: String = "ours") throws -> PeerRepo {
    let repo = try PeerRepo(at: folder.file(name), mode: "bare-user")
    let gpg = settings.contains { $0.hasPrefix("gpg-verify=") } ? [] : ["gpg-verify=false"]
    let lines = ["[remote \"origin\"]", "url=\(web.url)"] + gpg + settings
    let config = try folder.readText("\(name)/config")
    try folder.write(config + lines.joined(separator: "\n") + "\n", to: "\(name)/config")
    return repo
  }

  func pull(into repo: PeerRepo) throws -> Coppice {
    try Coppice(["pull", "--repo", repo.path, "origin", "test/main"])
  }

  /// A pull that must fail and leave neither ref nor object.
  func refusal(
    _ settings: [String], _ name: String = "ours", location: SourceLocation = #_sourceLocation
  ) throws -> Coppice {
    let repo = try repo(settings, name)
    let run = try pull(into: repo)
    #expect(run.exit != 0, sourceLocation: location)
    #expect(try repo.ref("origin:test/main") == nil, sourceLocation: location)
    #expect(try repo.staged().allSatisfy { !$0.hasSuffix(".file") }, sourceLocation: location)
    try repo.fsck()
    return run
  }
}
