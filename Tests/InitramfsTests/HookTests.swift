// SPDX-License-Identifier: Apache-2.0
import Foundation
import Support
import Testing

/// The hook of mkinitcpio, whose own functions are played here: Debian does not have it.
@Suite struct HookTests {
  private static let folder = PackagePaths.root + "/initramfs/mkinitcpio"
  private static let players = """
    cat() { echo "$COMMAND_LINE"; }
    err() { echo "err: $*"; }
    sleep() { echo "sleep $*"; }
    reboot() { echo "reboot $*"; }
    coppice() { echo "coppice $*"; case $FAILS in *$1*) return 1 ;; esac; }

    """

  @Test(arguments: ["install/coppice", "hooks/coppice"])
  func `bash and dash can read it`(_ name: String) throws {
    try mustRun("bash", "-n", "\(Self.folder)/\(name)")
    if name.hasPrefix("hooks") { try mustRun("dash", "-n", "\(Self.folder)/\(name)") }
  }

  @Test func `what it adds is the executable, and a hook that runs`() throws {
    let script = """
      add_binary() { echo "add_binary $*"; }
      add_file() { :; }
      add_runscript() { echo "add_runscript $*"; }
      . "$0" && build && help
      """
    let said = try mustRun("bash", "-euc", script, "\(Self.folder)/install/coppice")
    #expect(said.hasPrefix("add_binary coppice\nadd_runscript \nMounts the deployment"))
  }

  static let starts: [(line: String, fails: String, said: [String])] = [
    ("quiet root=/dev/vda", "", []),
    (
      "quiet ostree=/ostree/boot.1/os/a/0", "",
      ["coppice finalize --sysroot /new_root", "coppice prepare-root /new_root"]
    ),
    (
      "ostree=/x", "finalize",
      ["coppice finalize --sysroot /new_root", "coppice prepare-root /new_root"]
    ),
    (
      "ostree=/x", "prepare-root",
      [
        "coppice finalize --sysroot /new_root", "coppice prepare-root /new_root",
        "err: the deployment cannot be mounted: restart in 7 s", "sleep 7", "reboot -f",
      ]
    ),
  ]

  /// In mkinitcpio's own shell, busybox ash, arguments of the kernel are variables.
  @Test(arguments: starts)
  func `at the end it finalizes and mounts, or restarts`(
    _ start: (line: String, fails: String, said: [String])
  ) throws {
    let said = try mustRun(
      "dash", "-c", Self.players + ". \"$0\"; run_latehook", "\(Self.folder)/hooks/coppice",
      environment: ["COMMAND_LINE": start.line, "FAILS": start.fails, "panic": "7"])
    #expect(said.split(separator: "\n").map(String.init) == start.said)
  }
}
