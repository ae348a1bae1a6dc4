// SPDX-License-Identifier: Apache-2.0
import Configuration
import Cryptography
import Deploy
import Foundation
import OSTree
import Support
import Testing

@testable import Updater

/// A device that follows a server: the three versions of the golden OS behind nginx, and a sysroot
/// with nothing in it yet.
final class DeviceFixture {
  static let ref = "coppice/x86_64/main"
  static let one = "ed84cf1496a742031972edfb663cb74ddd508e265f11e86297fff6e6e6f134d6"
  static let two = "ed05f417b8cb3bdf51b911e6504fb519608c3d6ee9fcde8b80b5ddd52c49db9e"
  static let three = "f0c712a59a7319e6b7ec863887049dcc8cfa3cf8aea6f6eccdac3618099a44f5"
  static let following = "[device]\nremote=origin\nref=\(ref)\n[pull]\nretries=0\n"

  let folder: TemporaryDirectory
  let server: PeerRepo
  let web: WebServer
  var path: String { folder.file("sysroot") }
  var environment = SysrootEnvironment()
  var configuration = DeviceFixture.following

  init() throws {
    folder = try TemporaryDirectory("device")
    try folder.makeDirectory("run/ostree")
    environment.run = folder.file("run")
    try mustRun(
      "tar", "xzf", "\(PackagePaths.golden)/ostree/os-archive-repo.tar.gz", "-C", folder.path)
    server = PeerRepo(existing: folder.file("os-repo"))
    // So that a ref is what its file says.
    try mustRun("rm", "-f", folder.file("os-repo/summary"))
    web = try WebServer(server.path)
    _ = try Sysroot.initialise(path, stateroot: "coppice", environment: environment)
    try PeerRepo(existing: "\(path)/ostree/repo")
      .ostree("remote", "add", "--no-gpg-verify", "origin", web.url)
  }

  /// What the server's ref names from now on.
  func publish(_ hex: String) throws {
    try folder.write("\(hex)\n", to: "os-repo/refs/heads/\(Self.ref)")
  }

  func sysroot() throws -> Sysroot { try Sysroot.open(path, environment: environment) }

  func updater() throws -> Updater {
    let file = try folder.write(configuration, to: "coppice.conf")
    return Updater(try sysroot(), try Settings.load(file: file), remotesFolder: nil)
  }

  func update(
    _ edit: (inout UpdateOptions) -> Void = { _ in }
  ) throws -> Result<UpdateReport, UpdaterError> {
    var options = UpdateOptions()
    edit(&options)
    let wanted = options
    let updater = try updater()
    return Result { () throws(UpdaterError) in try updater.update(wanted) }
  }

  /// `COMMIT.SERIAL` in boot order.
  func order() throws -> [String] { try sysroot().state().deployments.map { $0.name } }

  func ostree(_ arguments: String...) throws -> String {
    let result = try run(
      "ostree", arguments: arguments,
      environment: ["OSTREE_SYSROOT": path, "OSTREE_SYSROOT_DEBUG": "mutable-deployments"])
    try #require(result.status == 0, "\(result)")
    return result.standardOutput
  }

  /// Names and times of all that is in the sysroot.
  func listing() throws -> String {
    try mustRun("bash", "-c", "find \"$1\" -printf '%P %T@\\n' | sort", "list", path)
  }

  /// The server's largest file object that only this commit has, moved away until it is put back.
  func hideFile(of hex: String, besides other: String) throws -> (
    ObjectName, restore: () throws -> Void
  ) {
    let script = """
      list() { ostree --repo="$1" ls -R -C "$2" | awk '$1 ~ /^-/ && $4 > 0 {print $5}' | sort -u; }
      comm -23 <(list "$1" "$2") <(list "$1" "$3") | head -n 1
      """
    let found = try mustRun("bash", "-c", script, "hide", server.path, hex, other)
    let name = ObjectName(try #require(Checksum(hex: found)), .file)
    let file = "\(server.path)/objects/\(name.loosePath(archive: true))"
    let away = folder.file("away")
    try mustRun("mv", file, away)
    return (name, { try mustRun("mv", away, file) })
  }
}

extension Result {
  var failure: Failure? {
    guard case .failure(let error) = self else { return nil }
    return error
  }
}
