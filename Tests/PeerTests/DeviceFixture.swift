// SPDX-License-Identifier: Apache-2.0
import Foundation
import Support
import Testing

/// A device's sysroot, and nginx that serves it three versions of a small operating system.
final class DeviceFixture {
  static let ref = "coppice/x86_64/main"
  static let refspec = "origin:\(ref)"
  /// The commits of versions 1.0, 2.0 and 3.0.
  static let versions = [
    "ed84cf1496a742031972edfb663cb74ddd508e265f11e86297fff6e6e6f134d6",
    "ed05f417b8cb3bdf51b911e6504fb519608c3d6ee9fcde8b80b5ddd52c49db9e",
    "f0c712a59a7319e6b7ec863887049dcc8cfa3cf8aea6f6eccdac3618099a44f5",
  ]

  let folder: TemporaryDirectory
  let web: WebServer
  private let server: String
  let path: String

  /// The sysroot is made by coppice or by `ostree`; its remote `origin` is the server.
  init(madeByOSTree: Bool = false) throws {
    folder = try TemporaryDirectory("device")
    let golden = "\(PackagePaths.golden)/ostree/os-archive-repo.tar.gz"
    try mustRun("tar", "-xzf", golden, "-C", folder.path)
    server = folder.file("os-repo")
    // It names one version only, and the tests publish one after the other.
    try mustRun("rm", "-f", "\(server)/summary")
    web = try WebServer(server)
    path = folder.file("sysroot")
    if madeByOSTree {
      try mustRun("mkdir", path)
      try mustRun("ostree", "admin", "init-fs", path)
      try ostree("admin", "os-init", "coppice")
      try repo.ostree("remote", "add", "--no-gpg-verify", "origin", web.url)
    } else {
      try must("init-sysroot", "--stateroot", "coppice")
      try must("remote", "add", "--no-gpg-verify", "origin", web.url)
    }
    try publish(1)
  }

  var repo: PeerRepo { PeerRepo(existing: "\(path)/ostree/repo") }

  /// From now on the server's ref names this version.
  func publish(_ version: Int) throws {
    try Data("\(DeviceFixture.versions[version - 1])\n".utf8)
      .write(to: URL(fileURLWithPath: "\(server)/refs/heads/\(DeviceFixture.ref)"))
  }

  /// `coppice --sysroot …`, whatever comes of it.
  func coppice(_ words: String...) throws -> Coppice { try Coppice(command(words)) }

  func start(_ words: String...) throws -> RunningProgram { try Coppice.start(command(words)) }

  /// The same, and it must succeed.
  @discardableResult
  func must(_ words: String..., location: SourceLocation = #_sourceLocation) throws -> Coppice {
    let run = try Coppice(command(words))
    #expect(run.exit == 0, "\(run)", sourceLocation: location)
    return run
  }

  private func command(_ words: [String]) -> [String] { ["--sysroot", path] + words }

  /// Publishes, pulls and deploys by coppice.
  func upgrade(to version: Int, location: SourceLocation = #_sourceLocation) throws {
    try publish(version)
    try must("pull", "origin", DeviceFixture.ref, location: location)
    try must("deploy", DeviceFixture.refspec, location: location)
  }

  /// The same by the real `ostree`.
  func upgradeByOSTree(to version: Int) throws {
    try publish(version)
    try repo.ostree("pull", "origin", DeviceFixture.ref)
    try ostree("admin", "deploy", "--os=coppice", DeviceFixture.refspec)
  }

  @discardableResult
  func ostree(_ words: String...) throws -> String {
    let result = try run("ostree", arguments: words, environment: ["OSTREE_SYSROOT": path])
    guard result.status == 0 else { throw ProgramError(description: result.description) }
    return result.standardOutput.trimmingCharacters(in: .newlines)
  }

  /// What `ostree admin status` says, with the version in place of the commit: "3.0 pinned".
  func order() throws -> [String] {
    var order: [String] = []
    for line in try ostree("admin", "status").split(separator: "\n") {
      let words = line.split(separator: " ").map(String.init)
      if words.first == "coppice" {
        let checksum = words[1].prefix(64)
        let number = DeviceFixture.versions.firstIndex { $0 == checksum }.map { $0 + 1 }
        order.append("\(number.map { "\($0)" } ?? String(checksum)).\(words[1].dropFirst(65))")
      } else if words == ["Pinned:", "yes"] {
        order[order.count - 1] += " pinned"
      }
    }
    return order
  }

  /// What the boot entries start, the default first: the `version` lines, highest number first.
  func bootOrder() throws -> [String] {
    let entries = try mustRun(
      "bash", "-c", "cat \"$1\"/boot/loader/entries/*.conf", "entries", path)
    var found: [(version: Int, title: String)] = []
    var title = ""
    for line in entries.split(separator: "\n") {
      let words = line.split(separator: " ", maxSplits: 1).map(String.init)
      if words[0] == "title" { title = words[1] }
      if words[0] == "version" { found.append((Int(words[1]) ?? 0, "")) }
      if words[0] == "title" || words[0] == "version", !found.isEmpty {
        found[found.count - 1].title = title
      }
    }
    return found.sorted { $0.version > $1.version }.map(\.title)
  }

  /// The tree of the deployment that boots by default, as seen below the sysroot.
  func deployment(_ version: Int, serial: Int = 0) -> String {
    "\(path)/ostree/deploy/coppice/deploy/\(DeviceFixture.versions[version - 1]).\(serial)"
  }
}
