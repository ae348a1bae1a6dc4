// SPDX-License-Identifier: Apache-2.0
import Foundation
import Support
import Testing

/// Each system call that changes something fails once, or is what a run does not come to any more:
/// the device boots what it booted or what it was to boot, and the next run does the rest.
@Suite(.enabled(if: SystemCalls.canBeFaulted)) struct FaultSweepTests {
  private let device: DeviceFixture
  private var log: String { device.folder.file("strace") }

  /// Version 1 with a change in /etc, and version 2 that takes it along once more when it boots.
  init() throws {
    device = try DeviceFixture()
    try device.upgrade(to: 1)
    try device.publish(2)
    try device.must("pull", "origin", DeviceFixture.ref)
  }

  private func shell(_ script: String, _ arguments: String...) throws -> String {
    let result = try run(
      "bash", arguments: ["-euc", script, "sweep", device.path] + arguments)
    guard result.status == 0 else { throw ProgramError(description: result.description) }
    return result.standardOutput
  }

  private func keep() throws {
    _ = try shell("chattr -R -f -i \"$1\" || true; rm -rf \"$1.kept\"; cp -a \"$1\" \"$1.kept\"")
  }

  /// The copy of /etc has another inode, by which it is known to be the one of deploy time.
  private func restore() throws {
    _ = try shell(
      """
      chattr -R -f -i "$1" || true; rm -rf "$1"; cp -a "$1.kept" "$1"
      for record in "$1"/ostree/coppice/pending/*/*; do
        [ -e "$record" ] || continue
        tree=$1/ostree/deploy/coppice/deploy/${record##*/}
        sed -i "s/^etc=.*/etc=$(stat -c %i "$tree/etc")/" "$record"
      done
      """)
  }

  private func command(_ words: [String]) -> [String] {
    [PackagePaths.coppice, "--sysroot", device.path, "--progress", "none", "--config", "/dev/null"]
      + words
  }

  // MARK: deploy

  @Test(arguments: [SystemCalls.Fault.kill, .error("EIO"), .error("ENOSPC"), .error("EROFS")])
  func `a deploy boots the old or the new tree whatever fails`(fault: SystemCalls.Fault) throws {
    var random = SeededRandom.ofThisRun()
    let deploy = command(["deploy", DeviceFixture.refspec])
    try keep()
    let calls = try SystemCalls.all(of: deploy, log: log)
    #expect(calls.count > 100)
    var ends: Set<String> = []
    for call in SystemCalls.sample(calls, oneIn: 12, &random) {
      try restore()
      let result = try SystemCalls.run(deploy, fault, at: call, log: log)
      let what = "\(fault) at \(call): \(result)"
      let order = try device.order()
      #expect(order == ["1.0"] || order == ["2.0", "1.0"], "\(what): \(order)")
      #expect(try device.bootOrder().count == order.count, "\(what)")
      #expect(try device.defectsOfDefault() == "", "\(what)")
      // What was not done is not said to be done.
      if result.status == 0 { #expect(order.first == "2.0", "\(what)") }
      ends.insert(order[0])

      let again = try run(deploy[0], arguments: Array(deploy.dropFirst()))
      #expect(again.status == 0, "after \(what): \(again)")
      #expect(try device.order().first?.hasPrefix("2.") == true, "\(what)")
      #expect(try device.defectsOfDefault() == "", "\(what)")
      let leftovers = try device.leftovers()
      #expect(leftovers == [], "\(what)")
    }
    #expect(ends.contains("1.0"), "nothing failed before the commit step")
  }

  // MARK: finalize

  @Test(arguments: [SystemCalls.Fault.kill, .error("EIO"), .error("ENOSPC")])
  func `finalize leaves one etc or the other whatever fails`(fault: SystemCalls.Fault) throws {
    var random = SeededRandom.ofThisRun()
    try device.must("deploy", "--merge", "boot", DeviceFixture.refspec)
    _ = try shell(
      """
      echo late > "$2/etc/late"; rm "$2/etc/default.conf"
      echo "root=/dev/sda1 $(grep -ho 'ostree=.*' "$1"/boot/loader/entries/ostree-2-*.conf)" \
        > "$1.cmdline"
      """, device.deployment(1))
    try keep()
    // The machine's own command line, for this run alone.
    let finalize =
      [
        "unshare", "--mount", "sh", "-c", "mount --bind \"$0\" /proc/cmdline; exec \"$@\"",
        "\(device.path).cmdline",
      ] + command(["finalize"])
    let (new, tree) = (device.deployment(2), "find . ! -type d | sort")
    let early = try mustRun("sh", "-c", tree, in: "\(new)/etc")
    let calls = try SystemCalls.all(of: finalize, log: log)
    let late = try mustRun("sh", "-c", tree, in: "\(new)/etc")
    #expect(early.contains("./default.conf") && !late.contains("./default.conf"))
    #expect(late.contains("./late") && calls.count > 20)

    for call in SystemCalls.sample(calls, oneIn: 4, &random) {
      try restore()
      let result = try SystemCalls.run(finalize, fault, at: call, log: log)
      let what = "\(fault) at \(call): \(result)"
      let found = try mustRun("sh", "-c", tree, in: "\(new)/etc")
      #expect(found == early || found == late, "\(what): \(found)")
      // What boots now may change its /etc, unless the power went: only then is it merged again.
      let again = try run(finalize[0], arguments: Array(finalize.dropFirst()))
      let then = try mustRun("sh", "-c", tree, in: "\(new)/etc")
      if case .kill = fault {
        #expect(again.status == 0 && then == late, "after \(what): \(again)")
      } else if result.standardOutput.contains("deploy time") {
        #expect(then == found, "after \(what): \(again)")
      }
      #expect(!FileManager.default.fileExists(atPath: "\(new)/etc.new"), "\(what)")
    }
  }
}
