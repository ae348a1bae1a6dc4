// SPDX-License-Identifier: Apache-2.0
import Cryptography
import Foundation
import OSTree
import Support
import Testing

@testable import Boot
@testable import Deploy

/// A sysroot whose boot loader counts as `bootloader/grub.cfg` does, in a `grubenv` that the real
/// `grub-editenv` reads and writes. `start` is what happens from reset to login.
final class GrubBoard: CountingBoard {
  let sysroot: TestSysroot
  var grubenv: String { "\(sysroot.path)/boot/grub/grubenv" }

  /// Version 1 runs and is proven.
  init() throws {
    sysroot = try TestSysroot()
    try sysroot.folder.write("# counts in boot_counter\n", to: "sysroot/boot/grub/grub.cfg")
    try mustRun("grub-editenv", grubenv, "create")
    sysroot.environment.commandLine = try sysroot.folder.write("quiet\n", to: "cmdline")
    try deploy(TestSysroot.one)
    try start()
    try markGood()
  }

  /// How often it may be started, or why it was refused.
  func tryDeploy(_ hex: String, trialBoots: Int) throws -> Result<Int?, DeployError> {
    let opened = try open()
    let lock = try opened.lock()
    var options = DeployOptions()
    options.trialBoots = trialBoots
    let wanted = options
    let commit = try #require(Checksum(hex: hex))
    return Result { () throws(DeployError) in
      try opened.deploy(commit, origin: Origin(refspec: "r"), wanted, lock).trialBoots
    }
  }

  /// What the boot loader does, by the names that it reads; gives the position that it starts.
  @discardableResult
  func start() throws -> Int {
    let variables = try store()
    var position = 0
    if let text = variables["boot_counter"], variables["boot_success"] == "0",
      let left = Int(text)
    {
      if left <= 0 { position = 1 }
      try set("boot_counter=\(max(left - 1, -1))")
    }
    try sysroot.folder.write(
      "quiet coppice.store=\(try value(of: "coppice_store") ?? "")\n", to: "cmdline")
    let state = try open().state()
    if position >= state.deployments.count { position = 0 }
    sysroot.environment.root = "\(sysroot.path)/\(state.deployments[position].path)"
    return position
  }

  /// Starts until it gives up the first one; gives the commits that ran.
  func startUntilFallback() throws -> [String] {
    var ran: [String] = []
    for _ in 1...20 {
      let position = try start()
      ran.append(try booted())
      if position == 1 { return ran }
    }
    return ran
  }

  func set(_ variable: String) throws { try mustRun("grub-editenv", grubenv, "set", variable) }

  /// What counts.
  func store() throws -> [String: String] {
    try variables().filter { $0.key != "coppice_store" }
  }

  func value(of name: String) throws -> String? { try variables()[name] }

  private func variables() throws -> [String: String] {
    let lines = try mustRun("grub-editenv", grubenv, "list").split(separator: "\n")
    return Dictionary(
      uniqueKeysWithValues: lines.map { line in
        let parts = line.split(separator: "=", maxSplits: 1)
        return (String(parts[0]), String(parts.count > 1 ? parts[1] : ""))
      })
  }
}
