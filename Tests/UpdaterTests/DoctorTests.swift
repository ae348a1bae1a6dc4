// SPDX-License-Identifier: Apache-2.0
import Configuration
import Cryptography
import Deploy
import Linux
import OSTree
import Support
import Testing

@testable import Updater

@Suite struct DoctorTests {
  private let device: DeviceFixture

  init() throws {
    device = try DeviceFixture()
    try device.publish(DeviceFixture.one)
    _ = try device.update().get()
  }

  private func examine(repairs: Bool = false) throws -> [Diagnosis] {
    let file = try device.folder.write(device.configuration, to: "coppice.conf")
    let settings = Result { () throws(ConfigurationError) in try Settings.load(file: file) }
    var doctor = Doctor(
      device.path, settings, remotesFolder: nil, environment: device.environment, repairs: repairs)
    return doctor.examine()
  }

  /// What is not well, each with its subject.
  private func complaints(_ diagnoses: [Diagnosis]) -> [DoctorSubject: Verdict] {
    var found: [DoctorSubject: Verdict] = [:]
    for diagnosis in diagnoses where diagnosis.verdict != .ok {
      found[diagnosis.subject] = diagnosis.verdict
    }
    return found
  }

  @Test func `a device in good order has nothing but unsigned plain http`() throws {
    let found = try examine()
    #expect(complaints(found) == [.signatures: .warn])
    #expect(
      found.map { $0.subject } == [
        .configuration, .clock, .sysroot, .lock, .repo, .leftovers, .commits, .boot, .loader,
        .deployments, .space, .remote, .origin, .signatures, .state,
      ])
  }

  @Test func `a wrong value of the configuration is a failure, an unknown key a warning`() throws {
    device.configuration = DeviceFixture.following + "colour=blue\n"
    #expect(complaints(try examine())[.configuration] == .warn)
    device.configuration = DeviceFixture.following + "connections=many\n"
    #expect(complaints(try examine())[.configuration] == .fail)
  }

  @Test func `a sysroot that is none does not stop the other checks`() throws {
    try mustRun("mv", "\(device.path)/boot", "\(device.path)/away")
    let found = try examine()
    #expect(complaints(found) == [.sysroot: .fail])
    #expect(found.contains { $0.subject == .clock })
  }

  @Test func `a kernel that is gone is found`() throws {
    try mustRun("bash", "-c", "rm \"$1\"/boot/ostree/coppice-*/vmlinuz*", "rm", device.path)
    let found = try examine()
    #expect(complaints(found)[.deployments] == .fail)
    let isNamed = found.contains {
      guard case .missingKernel(let path, let deployment) = $0.finding else { return false }
      return path.hasPrefix("\(device.path)/boot/ostree/coppice-")
        && deployment == "\(DeviceFixture.one).0"
    }
    #expect(isNamed)
  }

  @Test func `a tree that is gone is found`() throws {
    let tree = "\(device.path)/ostree/deploy/coppice/deploy/\(DeviceFixture.one).0"
    try mustRun("bash", "-c", "chattr -f -i \"$1\"; rm -r \"$1\"", "rm", tree)
    let isNamed = try examine().contains {
      guard case .missingTree(let path) = $0.finding else { return false }
      return path == tree
    }
    #expect(isNamed)
  }

  @Test func `the link that libostree leaves behind is made anew`() throws {
    try mustRun("rm", "\(device.path)/boot/loader.next")
    #expect(complaints(try examine())[.boot] == .warn)
    #expect(complaints(try examine(repairs: true))[.boot] == nil)
    #expect(
      try mustRun("readlink", "\(device.path)/boot/loader", "\(device.path)/boot/loader.next")
        == "loader.0\nloader.1"
        || mustRun("readlink", "\(device.path)/boot/loader", "\(device.path)/boot/loader.next")
          == "loader.1\nloader.0"
    )
    #expect(try device.order() == ["\(DeviceFixture.one).0"])
  }

  @Test func `what an interrupted pull left damaged is removed, the rest is kept`() throws {
    try device.publish(DeviceFixture.two)
    let (missing, restore) = try device.hideFile(
      of: DeviceFixture.two, besides: DeviceFixture.one)
    #expect(try device.update().failure != nil)
    let staging = "\(device.path)/ostree/repo/coppice/staging"
    let victim = try mustRun(
      "bash", "-c", "find \"$1\" -name '*.dirtree' | head -n 1", "find", staging)
    try mustRun("bash", "-c", "echo >> \"$1\"", "damage", victim)

    let left = try examine().compactMap { diagnosis -> Leftovers? in
      guard case .leftovers(let found) = diagnosis.finding else { return nil }
      return found
    }
    #expect(left.count == 1)
    let judged = try examine(repairs: true).compactMap { diagnosis -> (UInt64, UInt64)? in
      guard case .judgedLeftovers(let kept, let removed) = diagnosis.finding else { return nil }
      return (kept, removed)
    }
    #expect(judged.map { $0.1 } == [1])
    #expect(judged.map { $0.0 + 1 } == left.map { $0.objects })

    #expect(missing.type == .file)
    try restore()
    #expect(try device.update().get().result == .deployed)
    try PeerRepo(existing: "\(device.path)/ostree/repo").fsck()
  }

  @Test func `marks of commits that are not there are cleared, others are reported`() throws {
    let state = "sysroot/ostree/repo/state"
    try device.folder.write("", to: "\(state)/\(DeviceFixture.two).commitpartial")
    try device.folder.write("", to: "\(state)/\(DeviceFixture.one).commitpartial")
    #expect(complaints(try examine())[.commits] == .warn)
    let cleared = try examine(repairs: true).contains {
      guard case .clearedMarks(let count) = $0.finding else { return false }
      return count == 1
    }
    #expect(cleared)
    let left = try mustRun("ls", device.folder.file(state))
    #expect(left == "\(DeviceFixture.one).commitpartial")
  }

  @Test func `the mark of a commit that waits for its pull to go on is kept`() throws {
    try device.publish(DeviceFixture.two)
    let (_, restore) = try device.hideFile(of: DeviceFixture.two, besides: DeviceFixture.one)
    #expect(try device.update().failure != nil)
    _ = try examine(repairs: true)
    let state = device.folder.file("sysroot/ostree/repo/state")
    #expect(try mustRun("ls", state) == "\(DeviceFixture.two).commitpartial")
    try restore()
  }

  @Test func `a lock that another holds is named`() throws {
    let sysroot = try device.sysroot()
    let lock = try sysroot.lock()
    let held = try examine().compactMap { diagnosis -> String? in
      guard case .lockHeld(let path) = diagnosis.finding else { return nil }
      return path
    }
    #expect(held == ["\(device.path)/ostree/lock"])
    extendLifetime(lock)
  }

  @Test func `room that is reserved and not there is a failure`() throws {
    device.configuration += "reserve-space=99%\n"
    #expect(complaints(try examine())[.space] == .fail)
  }

  @Test func `a remote that demands GPG fails, one that demands keys it lacks too`() throws {
    let config = "\(device.path)/ostree/repo/config"
    try mustRun("sed", "-i", "s/gpg-verify=false/gpg-verify=true/", config)
    #expect(complaints(try examine())[.signatures] == .fail)
    try mustRun("sed", "-i", "s/gpg-verify=true/gpg-verify=false\\nsign-verify=ed25519/", config)
    #expect(complaints(try examine())[.signatures] == .fail)
    let key = "verification-ed25519-file=\(PackagePaths.golden)/ostree/ed25519.public"
    try mustRun("sed", "-i", "s|sign-verify=ed25519|&\\n\(key)|", config)
    #expect(complaints(try examine()) == [:])
  }

  @Test func `authorities and client certificates that cannot be used are found`() throws {
    let config = "\(device.path)/ostree/repo/config"
    try mustRun(
      "sed", "-i", "s|^url=.*|url=https://localhost/\\ntls-ca-path=/nowhere/ca.pem|", config)
    #expect(complaints(try examine())[.certificates] == .fail)
  }

  @Test func `a device that follows something else than its origin is told so`() throws {
    device.configuration = "[device]\nremote=origin\nref=coppice/other\n"
    #expect(complaints(try examine())[.origin] == .warn)
  }
}
