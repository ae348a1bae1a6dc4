// SPDX-License-Identifier: Apache-2.0
import Cryptography
import Foundation
import Linux
import OSTree
import Support
import Testing

@testable import Deploy

/// A sysroot in a temporary directory, with the three commits of the golden OS in its repo as
/// `o:coppice/x86_64/main`, 1.0 being two before it.
final class TestSysroot {
  static let ref = "o:coppice/x86_64/main"
  static let one = "ed84cf1496a742031972edfb663cb74ddd508e265f11e86297fff6e6e6f134d6"
  static let two = "ed05f417b8cb3bdf51b911e6504fb519608c3d6ee9fcde8b80b5ddd52c49db9e"
  static let three = "f0c712a59a7319e6b7ec863887049dcc8cfa3cf8aea6f6eccdac3618099a44f5"

  let folder: TemporaryDirectory
  var path: String { folder.file("sysroot") }
  var environment = SysrootEnvironment()

  /// `makes` false leaves the sysroot to somebody else.
  init(makes: Bool = true) throws {
    folder = try TemporaryDirectory("sysroot")
    try folder.makeDirectory("run/ostree")
    environment.run = folder.file("run")
    if makes {
      _ = try Sysroot.initialise(path, stateroot: "coppice", environment: environment)
      try importCommits()
    }
  }

  /// Brings the golden commits in by the real `ostree`.
  func importCommits() throws {
    try mustRun(
      "tar", "xzf", "\(PackagePaths.golden)/ostree/os-archive-repo.tar.gz", "-C", folder.path)
    try mustRun(
      "ostree", "--repo=\(path)/ostree/repo", "pull-local", "--depth=-1", "--remote=o",
      folder.file("os-repo"), "coppice/x86_64/main")
    // ostree prunes after each deploy what no ref names.
    for commit in [Self.one, Self.two] {
      try mustRun(
        "ostree", "--repo=\(path)/ostree/repo", "refs", "--create=keep/\(commit)", commit)
    }
  }

  /// Commits a small OS that `script`, run in its root, has changed; gives the checksum.
  func commit(_ script: String, kernel: String = "kernel") throws -> String {
    let tree = try TemporaryDirectory("tree")
    try mustRun(
      "sh", "-ec",
      """
      umask 022
      mkdir -p usr/lib/modules/6.1 usr/etc boot var sysroot
      printf '\(kernel)' >usr/lib/modules/6.1/vmlinuz
      printf initramfs >usr/lib/modules/6.1/initramfs.img
      printf 'PRETTY_NAME="Small OS"\\n' >usr/lib/os-release
      echo default >usr/etc/default.conf
      \(script)
      """, in: tree.path)
    return try mustRun(
      "ostree", "--repo=\(path)/ostree/repo", "commit", "-b", "small", "--tree=dir=\(tree.path)")
  }

  func open() throws -> Sysroot { try Sysroot.open(path, environment: environment) }

  /// Deploys one of the commits as `coppice deploy` would.
  @discardableResult
  func deploy(_ hex: String, _ edit: (inout DeployOptions) -> Void = { _ in }) throws
    -> DeployReport
  {
    let sysroot = try open()
    var options = DeployOptions()
    edit(&options)
    let commit = try #require(Checksum(hex: hex))
    return try sysroot.deploy(
      commit, origin: Origin(refspec: Self.ref), options, try sysroot.lock())
  }

  /// As ostree's tests do, so that trees can be removed; errors are the caller's to judge.
  func tryOSTree(_ arguments: String...) throws -> ProgramResult {
    try run(
      "ostree", arguments: arguments,
      environment: ["OSTREE_SYSROOT": path, "OSTREE_SYSROOT_DEBUG": "mutable-deployments"])
  }

  @discardableResult
  func ostree(_ arguments: String...) throws -> String {
    let result = try run(
      "ostree", arguments: arguments,
      environment: ["OSTREE_SYSROOT": path, "OSTREE_SYSROOT_DEBUG": "mutable-deployments"])
    try #require(result.status == 0, "\(result)")
    return result.standardOutput
  }

  func read(_ name: String) throws -> String {
    try String(contentsOfFile: "\(path)/\(name)", encoding: .utf8)
  }

  func names(_ folder: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: "\(path)/\(folder)").sorted()
  }

  func exists(_ name: String) -> Bool {
    (try? FileManager.default.attributesOfItem(atPath: "\(path)/\(name)")) != nil
  }

  func shell(_ script: String) throws -> String {
    try mustRun("sh", "-ec", script, in: path)
  }

  /// `COMMIT.SERIAL` in boot order.
  func order() throws -> [String] { try open().state().deployments.map { $0.name } }
}
