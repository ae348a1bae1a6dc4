// SPDX-License-Identifier: Apache-2.0
import Foundation
import Support
import Testing

/// Each system call of a registration that changes something, here or on the server, fails once, or
/// is what a run does not come to any more: the next run ends with one identity, and with the ECUs
/// of one device on the server.
@Suite(.enabled(if: SystemCalls.canBeFaulted)) struct ProvisionSweepTests {
  private let server: FleetServer
  private let folder: TemporaryDirectory
  private var sysroot: String { folder.file("device") }
  private var state: String { "\(sysroot)/ostree/deploy/coppice/var/lib/coppice/gateway" }
  private var log: String { folder.file("strace") }

  init() throws {
    server = try FleetServer()
    folder = try TemporaryDirectory("provision")
    try folder.write(
      """
      [device]
      hardware-id=edge-gw-v2
      [server]
      provisioning=shared
      proxy=none
      credentials=\(folder.file("credentials.zip"))
      """, to: "device.conf")
    try begin()
  }

  /// A device fresh from the factory.
  private func begin() throws {
    try mustRun("rm", "-rf", sysroot)
    try mustRun(
      PackagePaths.coppice, "--sysroot", sysroot, "init-sysroot", "--stateroot", "coppice")
    try server.copyArchive(to: folder.file("credentials.zip"))
  }

  private var provision: [String] {
    [
      PackagePaths.coppice, "--sysroot", sysroot, "--config", folder.file("device.conf"), "--json",
      "provision",
    ]
  }

  private func again() throws -> ProgramResult {
    try run(provision[0], arguments: Array(provision.dropFirst()))
  }

  @Test(arguments: [SystemCalls.Fault.kill, .error("EIO"), .error("ENOSPC")])
  func `a registration that is cut ends as one`(fault: SystemCalls.Fault) throws {
    var random = SeededRandom.ofThisRun()
    let calls = try SystemCalls.all(of: provision, log: log)
    #expect(calls.count > 40, "\(calls.count)")
    #expect(calls.contains { $0.name == "sendto" })
    var failures = 0
    for call in SystemCalls.sample(calls, oneIn: 5, &random) {
      try begin()
      let before = try server.state().ecus.count
      let result = try SystemCalls.run(provision, fault, at: call, log: log)
      let what = "\(fault) at \(call): \(result)"
      if result.status != 0 { failures += 1 }
      let next = try again()
      #expect(next.status == 0, "after \(what): \(next)")
      let known = try server.state()
      #expect(known.ecus.count == before + 1, "\(what)")
      let subject = try mustRun(
        "openssl", "x509", "-in", "\(state)/identity.pem", "-noout", "-subject")
      let id = try #require(subject.split(separator: " ").last.map(String.init))
      #expect(known.ecus[id] != nil && known.devices.last == id, "\(what): \(id)")
      #expect(next.standardOutput.contains("\"device_id\":\"\(id)\""), "\(what): \(next)")
      #expect(!FileManager.default.fileExists(atPath: "\(state)/shared.pem"), "\(what)")
      let members = try mustRun("python3", "-m", "zipfile", "-l", folder.file("credentials.zip"))
      #expect(!members.contains("autoprov_credentials.p12"), "\(what)")
      #expect(try again().standardOutput.contains("already-registered"), "\(what)")
    }
    #expect(failures > 0)
  }
}
