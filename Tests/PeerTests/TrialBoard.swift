// SPDX-License-Identifier: Apache-2.0
import Foundation
import Support
import Testing

/// A device whose boot loader counts, as the sessions in Tests/CLI have it: `start` is what happens
/// from reset to login, and `board` is coppice on what was started.
///
/// Version 1 runs and is proven; the server has version 2.
final class TrialBoard {
  enum BootLoader: String, CaseIterable {
    case grub, uboot, efi

    var position: Int { BootLoader.allCases.firstIndex(of: self)! }
  }

  let folder: TemporaryDirectory
  let bootLoader: BootLoader
  var log: String { folder.file("strace") }

  /// `command` is coppice as `board` calls it.
  static let command = [
    PackagePaths.coppice, "--sysroot", "device", "--config", "device.conf", "--progress", "none",
  ]

  /// What all scripts begin with. `go` starts the board and says which version runs then; `all V`
  /// complains unless it is V each time.
  private static let beginning = """
    cd "$1"; DIR=$1; kind=$2; PATH=$(dirname "$3"):$PATH; shift 3
    . "\(PackagePaths.root)/Tests/CLI/lib.sh"
    V1=\(DeviceFixture.versions[0]); V2=\(DeviceFixture.versions[1])
    ROOT=$(cat root 2> /dev/null || :)
    start_grub() { start; }
    go() {
      "start_$kind" > /dev/null; echo "$ROOT" > root
      case $ROOT in *$V1.*) echo 1;; *$V2.*) echo 2;; *) echo "$ROOT";; esac
    }
    all() {
      for _ in 1 2 3 4 5; do now=$(go); [ "$now" = "$1" ] || echo "$now started, not $1"; done
    }
    quietly() { "$@" > said 2>&1 || { echo "$* failed:"; cat said; }; ROOT=$(cat root); }

    """

  init(_ bootLoader: BootLoader) throws {
    folder = try TemporaryDirectory("board")
    self.bootLoader = bootLoader
    let make = bootLoader == .grub ? "make_board" : "make_\(bootLoader.rawValue)_board"
    try must("\(make); publish $V1; device update > /dev/null; go > /dev/null; ROOT=$(cat root)")
    try must("quietly board mark-good; publish $V2; rm -f os/summary")
  }

  private func arguments(_ script: String) -> [String] {
    [
      "-euc", TrialBoard.beginning + script, "board", folder.path, bootLoader.rawValue,
      PackagePaths.coppice,
    ]
  }

  /// What the script says.
  func shell(_ script: String) throws -> String {
    let result = try run("bash", arguments: arguments(script))
    guard result.status == 0 else { throw ProgramError(description: result.description) }
    return result.standardOutput
  }

  /// The script must have nothing to say.
  func must(_ script: String) throws {
    let said = try shell(script)
    if !said.isEmpty { throw ProgramError(description: said) }
  }

  /// What a program is put into, so that it finds what was started last to be running.
  var room: [String] { ["bash"] + arguments("running \"$@\"") }

  func keep() throws {
    _ = try shell("\(Self.unlocking); rm -rf kept; cp -a device kept; cp root kept.root")
  }

  func restore() throws {
    _ = try shell("\(Self.unlocking); rm -rf device; cp -a kept device; cp kept.root root")
  }

  private static let unlocking = "chattr -R -f -i device kept 2> /dev/null || true"
}
