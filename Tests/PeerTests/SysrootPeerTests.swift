// SPDX-License-Identifier: Apache-2.0
import Foundation
import Support
import Testing

/// coppice and `ostree admin` manage the same sysroot.
@Suite struct SysrootPeerTests {
  @Test func `what coppice pulls and deploys is what ostree sees`() throws {
    let device = try DeviceFixture()
    try device.upgrade(to: 1)
    #expect(try device.order() == ["1.0"])
    try device.upgrade(to: 2)
    #expect(try device.order() == ["2.0", "1.0"])
    let status = try device.ostree("admin", "status")
    #expect(status.contains("coppice \(DeviceFixture.versions[1]).0"))
    #expect(status.contains("Version: 2.0"))
    #expect(status.contains("origin refspec: \(DeviceFixture.refspec)"))
    try device.repo.fsck()

    try device.upgrade(to: 3)
    // Nothing is booted: the newest and the one before it stay.
    #expect(try device.order() == ["3.0", "2.0"])
    try device.must("prune")
    let gone = device.repo.object(DeviceFixture.versions[0], "commit")
    #expect(!FileManager.default.fileExists(atPath: gone))
    let before = try TreeListing.lines(of: device.path, times: false)
    try device.ostree("admin", "cleanup")
    let after = try TreeListing.lines(of: device.path, times: false)
    let differences = after.difference(from: before)
    #expect(differences.isEmpty, "ostree found something to clean up: \(differences)")
    #expect(try device.order() == ["3.0", "2.0"])
    try device.repo.fsck()
  }

  @Test func `the tree that coppice deploys is the one that ostree deploys`() throws {
    let (ours, theirs) = (try DeviceFixture(), try DeviceFixture(madeByOSTree: true))
    for device in [ours, theirs] {
      for version in 1...2 {
        if device === ours {
          try device.upgrade(to: version)
        } else {
          try device.upgradeByOSTree(to: version)
        }
        if version == 1 {
          try mustRun(
            "bash", "-ec",
            """
            cd "$1/etc"; echo changed > default.conf; rm toremove.conf
            mkdir -m 700 local; echo new > local/file; chmod 600 local/file; ln -s file local/link
            """, "edit", device.deployment(1))
        }
      }
    }
    // Times of what each of them copied differ; everything else must not.
    for part in ["ostree/deploy/coppice/deploy", "boot/ostree"] {
      let lines = try TreeListing.lines(of: "\(ours.path)/\(part)", times: false)
      #expect(lines.count > 10)
      let expected = try TreeListing.lines(of: "\(theirs.path)/\(part)", times: false)
      let differences = lines.difference(from: expected)
      #expect(differences.isEmpty, "\(differences)")
    }
    // The entries boot the same kernels with the same arguments.
    let entries = try [ours, theirs].map { device in
      try mustRun("bash", "-c", "cat \"$1\"/boot/loader/entries/*", "entries", device.path)
    }
    #expect(entries[0].replacing(" panic=10", with: "") == entries[1])
  }

  @Test func `ostree pins, undeploys, deploys and cleans up what coppice made`() throws {
    let device = try DeviceFixture()
    try device.upgrade(to: 1)
    try device.upgrade(to: 2)
    try device.ostree("admin", "pin", "1")
    #expect(try device.order() == ["2.0", "1.0 pinned"])
    try device.upgrade(to: 3)
    #expect(try device.order() == ["3.0", "2.0", "1.0 pinned"])
    try device.ostree("admin", "undeploy", "0")
    try device.ostree("admin", "cleanup")
    #expect(try device.order() == ["2.0", "1.0 pinned"])
    try device.upgradeByOSTree(to: 3)
    #expect(try device.order().first == "3.0")
    try device.must("prune")
    #expect(try device.order().contains("1.0 pinned"))
    try device.repo.fsck()
  }

  @Test func `coppice pins, undeploys and cleans up what ostree made`() throws {
    let device = try DeviceFixture(madeByOSTree: true)
    try device.upgradeByOSTree(to: 1)
    try device.upgradeByOSTree(to: 2)
    try device.must("pin", "1")
    #expect(try device.order() == ["2.0", "1.0 pinned"])
    try device.upgradeByOSTree(to: 3)
    #expect(try device.order() == ["3.0", "2.0", "1.0 pinned"])
    try device.must("undeploy", "0")
    #expect(try device.order() == ["2.0", "1.0 pinned"])
    try device.must("unpin", "1")
    #expect(try device.order() == ["2.0", "1.0"])
    try device.must("undeploy", "1")
    #expect(try device.order() == ["2.0"])
    try device.must("prune")
    #expect(!FileManager.default.fileExists(atPath: device.deployment(1)))
    try device.repo.fsck()
  }

  @Test func `a device goes from ostree to coppice and back`() throws {
    let device = try DeviceFixture(madeByOSTree: true)
    try device.upgradeByOSTree(to: 1)
    try mustRun("bash", "-c", "echo mine > \"$1/etc/mine\"", "edit", device.deployment(1))
    try device.upgrade(to: 2)
    #expect(try device.order() == ["2.0", "1.0"])
    let deployed = "\(device.deployment(2))/etc/mine"
    #expect(try String(contentsOfFile: deployed, encoding: .utf8) == "mine\n")
    try device.upgradeByOSTree(to: 3)
    #expect(try device.order() == ["3.0", "2.0"])
    let back = "\(device.deployment(3))/etc/mine"
    #expect(try String(contentsOfFile: back, encoding: .utf8) == "mine\n")
    try device.repo.fsck()
  }

  @Test func `rollback puts the one before first, and again`() throws {
    let device = try DeviceFixture()
    try device.upgrade(to: 1)
    try device.upgrade(to: 2)
    try device.must("rollback")
    #expect(try device.order() == ["1.0", "2.0"])
    try device.must("rollback")
    #expect(try device.order() == ["2.0", "1.0"])
  }

  @Test func `kernel arguments are as ostree would have them`() throws {
    let (ours, theirs) = (try DeviceFixture(), try DeviceFixture(madeByOSTree: true))
    try ours.must("pull", "origin", DeviceFixture.ref)
    try ours.must(
      "deploy", "--karg=root=LABEL=one", "--karg-append=quiet", "--karg-append=console=a",
      "--karg-append=console=b", DeviceFixture.refspec)
    try theirs.repo.ostree("pull", "origin", DeviceFixture.ref)
    try theirs.ostree(
      "admin", "deploy", "--os=coppice", "--karg=root=LABEL=one", "--karg-append=quiet",
      "--karg-append=console=a", "--karg-append=console=b", DeviceFixture.refspec)
    let lines = try [ours, theirs].map { device in
      try mustRun("bash", "-c", "grep -h ^options \"$1\"/boot/loader/entries/*", "x", device.path)
    }
    #expect(lines[1].contains("root=LABEL=one quiet console=a console=b "))
    // A panic must end in a new boot, or nothing would fall back.
    #expect(lines[0] == lines[1].replacing(" ostree=", with: " panic=10 ostree="))
  }

  static let refusals: [(words: [String], exit: Int32)] = [
    (["deploy", "origin:no/such/ref"], 2), (["undeploy", "7"], 2), (["pin", "7"], 2),
    (["deploy", "--stateroot", "other", DeviceFixture.refspec], 2), (["rollback"], 1),
  ]

  @Test(arguments: refusals)
  func `what cannot be done changes nothing`(words: [String], exit: Int32) throws {
    let device = try DeviceFixture()
    try device.upgrade(to: 1)
    let before = try TreeListing.lines(of: "\(device.path)/boot")
    let run = try Coppice(["--sysroot", device.path] + words)
    #expect(run.exit == exit || (exit == 1 && run.exit == 2), "\(run)")
    #expect(run.error?.message.isEmpty == false)
    #expect(try TreeListing.lines(of: "\(device.path)/boot") == before)
    #expect(try device.order() == ["1.0"])
  }

  @Test func `a damaged object is not deployed`() throws {
    let device = try DeviceFixture()
    try device.upgrade(to: 1)
    try device.publish(2)
    try device.must("pull", "origin", DeviceFixture.ref)
    let kernel = try device.repo.ostree(
      "ls", "-C", DeviceFixture.refspec, "/usr/lib/modules/6.1.0-coppice/vmlinuz")
    let checksum = kernel.split(separator: " ")[4]
    try mustRun(
      "bash", "-c", "printf damaged | dd of=\"$1\" conv=notrunc 2> /dev/null", "damage",
      device.repo.object(String(checksum), "file"))
    let run = try device.coppice("deploy", DeviceFixture.refspec)
    #expect(run.exit == 4, "\(run)")
    #expect(run.error?.path?.contains(checksum.dropFirst(2)) == true, "\(run)")
    #expect(run.error?.hint?.contains("fsck --repair") == true, "\(run)")
    #expect(try device.order() == ["1.0"])

    try device.must("fsck", "--repair")
    try device.must("deploy", DeviceFixture.refspec)
    #expect(try device.order() == ["2.0", "1.0"])
    try device.repo.fsck()
  }

  @Test func `the lock of the sysroot is ostree's`() throws {
    let device = try DeviceFixture()
    try device.upgrade(to: 1)
    try Data().write(to: URL(fileURLWithPath: "\(device.path)/ostree/lock"))
    let holder = try LockHolder("\(device.path)/ostree/lock")
    let run = try device.coppice("rollback")
    #expect(run.exit == 6, "\(run)")
    #expect(run.error?.path == "\(device.path)/ostree/lock")
    holder.release()
    try device.must("pin", "0")
  }
}
