// SPDX-License-Identifier: Apache-2.0
import Boot
import Configuration
import Deploy
import Foundation
import OSTree
import Support
import Testing

@testable import Updater

/// What the doctor says about the boot loader of a device that runs.
@Suite struct DoctorLoaderTests {
  let device: DeviceFixture
  private var grubenv: String { "\(device.path)/boot/grub/grubenv" }

  init() throws {
    device = try DeviceFixture()
    try device.publish(DeviceFixture.one)
    _ = try device.update().get()
    let deployment = try device.sysroot().state().deployments[0]
    device.environment.root = "\(device.path)/\(deployment.path)"
    device.environment.commandLine = try device.folder.write("quiet\n", to: "cmdline")
  }

  private func makeGrub() throws {
    try device.folder.write("# boot_counter\n", to: "sysroot/boot/grub/grub.cfg")
    try mustRun("grub-editenv", grubenv, "create")
  }

  /// Verdicts and findings about the boot loader.
  private func examine(repairs: Bool = false) throws -> [String] {
    let file = try device.folder.write(device.configuration, to: "coppice.conf")
    let settings = Result { () throws(ConfigurationError) in try Settings.load(file: file) }
    var doctor = Doctor(
      device.path, settings, remotesFolder: nil, environment: device.environment,
      repairs: repairs)
    return doctor.examine().filter { $0.subject == .loader }
      .map { "\($0.verdict.rawValue) \($0.finding)" }
  }

  private func holds(_ found: [String], _ part: String) -> Bool {
    found.contains { $0.contains(part) }
  }

  @Test func `a boot loader that counts nothing is named with the reason`() throws {
    let found = try examine()
    #expect(found.count == 1)
    #expect(holds(found, "ok loader") && holds(found, "nothingElse"))
  }

  @Test func `the store is named by mark-good and proven by a start`() throws {
    try makeGrub()
    #expect(holds(try examine(), "warn storeProof(Deploy.StoreProof.unnamed"))
    let sysroot = try device.sysroot()
    _ = try sysroot.markGood(try sysroot.lock())
    #expect(holds(try examine(), "warn storeProof(Deploy.StoreProof.untold"))
    let name = try #require(try sysroot.loader.storeName())
    try device.folder.write("coppice.store=\(name)\n", to: "cmdline")
    #expect(holds(try examine(), "ok storeProof(Deploy.StoreProof.proven"))
    try device.folder.write("coppice.store=other\n", to: "cmdline")
    #expect(holds(try examine(), "fail storeProof(Deploy.StoreProof.differs"))
  }

  @Test func `a trial that nothing counts is told`() throws {
    try makeGrub()
    try device.publish(DeviceFixture.two)
    _ = try device.update().get()
    #expect(!holds(try examine(), "uncountedTrial"))
    try mustRun("grub-editenv", grubenv, "unset", "boot_counter")
    #expect(holds(try examine(), "warn uncountedTrial"))
  }

  @Test func `a store that cannot be read fails`() throws {
    try makeGrub()
    try device.folder.write("?", to: "sysroot/boot/grub/grubenv")
    #expect(holds(try examine(), "fail failed(Updater.UpdaterError.deploy"))
  }

  @Test func `a damaged state block is made anew on request, another environment never`() throws {
    try device.folder.write([UInt8](repeating: 0xFF, count: 0x2000), to: "state")
    let config = device.folder.file("fw_env.config")
    device.configuration += "[boot]\nloader=uboot-env\nfw-env-config=\(config)\n"
    try device.folder.write("\(device.folder.file("state")) 0x0 0x200\n", to: "fw_env.config")
    #expect(holds(try examine(), "fail failed"))
    #expect(holds(try examine(repairs: true), "ok madeStore"))
    #expect(try mustRun("fw_printenv", "-c", config, "upgrade_available").hasSuffix("=0"))
    #expect(!holds(try examine(), "fail"))

    try device.folder.write("\(device.folder.file("state")) 0x200 0x1000\n", to: "fw_env.config")
    #expect(holds(try examine(repairs: true), "fail failed"))
    #expect(try device.folder.read("state")[0x200...].allSatisfy { $0 == 0xFF })
  }

  @Test func `one copy of more than a sector is told`() throws {
    try device.folder.write([UInt8](repeating: 0, count: 0x1000), to: "state")
    let config = device.folder.file("fw_env.config")
    device.configuration += "[boot]\nloader=uboot-env\nfw-env-config=\(config)\n"
    try device.folder.write("\(device.folder.file("state")) 0x0 0x1000\n", to: "fw_env.config")
    // A sound one, with the checksum of an environment of nothing.
    let zeros = [UInt8](repeating: 0, count: 0x1000 - 4)
    try mustRun(
      "python3", "-c",
      "import sys,zlib,struct;d=bytes(\(zeros.count));"
        + "open(sys.argv[1],'wb').write(struct.pack('<I',zlib.crc32(d))+d)",
      device.folder.file("state"))
    #expect(holds(try examine(), "warn unsafeStore"))
  }
}
